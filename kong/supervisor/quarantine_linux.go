package supervisor

import (
	"math"
	"time"
)

// quarantine finds out which event ends workers. Many may be under way when one dies, and
// all but one are innocent, or all, if somebody else has killed it. So each of them is a
// suspect, and when Kong asks again it is handled alone, in a worker that has nothing else
// to do; the other events go on meanwhile. A suspect that ends that worker too, twice, is
// guilty: the failure policy answers it, and nothing else.
//
// Kong asks again on any connection, and the supervisor reads no events. It is the workers
// that recognise one, by the request's id. That costs Kong a call, so they look only for
// some time behind a death; which events were under way at the first of several deaths is
// not known.
//
// Its fields are guarded by Supervisor.mu, and so are those of suspect.
type quarantine struct {
	suspects map[uint64]*suspect // by the event's identity
	queue    []*held             // connections with an event each that waits
	running  *held               // the one whose event is handled
	worker   *worker             // nil while there is nothing to do
	quick    int                 // such workers that died before they were ready, in a row
	used     time.Time           // when there was something to do
	alarm    time.Time           // when the last worker died
}

// suspect is an event that was under way at a death.
type suspect struct {
	index  int // on the board
	deaths int // in quarantine
	seen   time.Time
}

// deathsAlone is how often an event must end the worker that handles nothing else: once can
// be somebody who kills every process that he finds.
const deathsAlone = 2

func (u *suspect) guilty() bool { return u.deaths >= deathsAlone }

// All of these functions are called with s.mu held.

// suspect writes down that an event was under way at a death; deaths is how often more it
// was the only one.
func (s *Supervisor) suspect(identity uint64, deaths int) {
	u := s.quarantine.suspects[identity]
	if u == nil {
		index := s.board.free()
		if index < 0 {
			return // it runs as the others do, and comes back if it is to blame
		}
		u = &suspect{index: index}
		s.quarantine.suspects[identity] = u
	}
	wasGuilty := u.guilty()
	u.deaths += deaths
	u.seen = time.Now()
	entry := identity &^ guilty
	if u.guilty() {
		entry |= guilty
		if !wasGuilty {
			s.stats.Guilty++
		}
	}
	s.board.accuse(u.index, entry)
}

// forget takes a suspicion back.
func (s *Supervisor) forget(identity uint64) {
	if u := s.quarantine.suspects[identity]; u != nil {
		s.board.accuse(u.index, 0)
		delete(s.quarantine.suspects, identity)
	}
}

// isolate lets a suspect wait for its turn. Its connection is nobody else's meanwhile.
func (s *Supervisor) isolate(h *held, event []byte) {
	if s.ending {
		s.closeSoftly(h)
		return
	}
	s.stats.Suspects++
	h.by, h.busy = nil, true
	h.event, h.since = event, time.Now()
	s.quarantine.queue = append(s.quarantine.queue, h)
	s.treat()
}

// treat has the next suspect handled, if none is being handled. It may let s.mu go.
func (s *Supervisor) treat() {
	q := &s.quarantine
	if q.running != nil || len(q.queue) == 0 {
		return
	}
	q.used = time.Now()
	switch {
	case q.worker == nil:
		if err := s.spawn(true); err != nil {
			s.log.Error("no worker for suspects", "error", err)
			q.quick++
			s.treatLater()
		}
		return
	case q.worker.online.IsZero():
		return
	}
	// Innocent ones do not wait behind those that look guilty.
	next, fewest := 0, math.MaxInt
	for i, h := range q.queue {
		deaths := 0
		if u := q.suspects[s.board.identity(h.slot).Load()]; u != nil {
			deaths = u.deaths
		}
		if deaths < fewest {
			next, fewest = i, deaths
		}
	}
	h := q.queue[next]
	q.queue = append(q.queue[:next], q.queue[next+1:]...)
	q.running = h
	h.by, h.busy = q.worker, false
	h.by.line.send(message{kind: msgEvent, slot: h.slot, fd: h.fd, payload: h.event})
}

// treatLater goes on when a new worker may be started.
func (s *Supervisor) treatLater() {
	time.AfterFunc(s.timing.pause(s.quarantine.quick), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.treat()
	})
}

// treated says that the suspect that ran has been handled, and is none any more.
func (s *Supervisor) treated(identity uint64) {
	s.quarantine.running = nil
	s.forget(identity)
	s.proven()
	s.treat()
}

// quarantineDied goes on after the death of the worker for suspects.
func (s *Supervisor) quarantineDied(w *worker) {
	q := &s.quarantine
	q.worker = nil
	if q.quick++; !w.online.IsZero() {
		q.quick = 0
	}
	s.treatLater()
}

// tendQuarantine ends what has waited too long, and what nobody needs any more.
func (s *Supervisor) tendQuarantine(now time.Time) {
	q := &s.quarantine
	var late []*held
	for i := 0; i < len(q.queue); i++ {
		if h := q.queue[i]; now.Sub(h.since) >= s.timing.Fallback {
			late = append(late, h)
			q.queue = append(q.queue[:i], q.queue[i+1:]...)
			i--
		}
	}
	for _, h := range late { // Kong asks again, and gets the failure policy's answer
		s.suspect(s.board.identity(h.slot).Load(), deathsAlone)
		s.closeSoftly(h)
	}
	for identity, u := range q.suspects {
		patience := s.timing.Suspect
		if u.guilty() {
			patience = min(patience, s.timing.Fallback) // Kong has asked again by then
		}
		if now.Sub(u.seen) >= patience {
			s.forget(identity)
		}
	}
	if len(q.queue) > 0 || q.running != nil || len(q.suspects) > 0 || now.Sub(q.alarm) < s.timing.Suspect {
		return
	}
	s.board.alarm().Store(0)
	if w := q.worker; w != nil && !w.online.IsZero() && now.Sub(q.used) >= s.timing.Suspect {
		q.worker = nil
		s.drain(w)
	}
}

// endQuarantine lets nobody wait any more.
func (s *Supervisor) endQuarantine() {
	for _, h := range s.quarantine.queue {
		s.closeSoftly(h)
	}
	s.quarantine.queue = nil
}
