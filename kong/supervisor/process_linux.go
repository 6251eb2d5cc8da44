package supervisor

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"kongwaf/kong/pluginserver"
)

// worker is a worker process. Its fields below line are guarded by Supervisor.mu.
type worker struct {
	cmd  *exec.Cmd
	line *line

	process  *os.Process // nil until it is started
	index    int
	online   time.Time // zero until it is ready
	draining bool
}

// spawn starts a worker, for suspects or for all else, and tells it the instances; s.mu is
// held, but not while the program is being loaded, which can take seconds on a busy
// machine. The worker gets connections once it says that it is ready.
func (s *Supervisor) spawn(suspects bool) error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("start a worker: %w", err)
	}
	w := &worker{index: s.started}
	s.started++
	s.board.handled(w.index).Store(0)
	theirs := os.NewFile(uintptr(pair[1]), "line")
	defer theirs.Close()
	w.cmd = exec.Command(s.opt.Path, s.opt.WorkerArgs...)
	w.cmd.Env = append(os.Environ(), workerEnv+"="+strconv.Itoa(w.index))
	w.cmd.Stdout, w.cmd.Stderr = os.Stdout, os.Stderr
	w.cmd.ExtraFiles = []*os.File{theirs, s.board.file, s.sharedFile}
	if s.aside != nil {
		w.cmd.ExtraFiles = append(w.cmd.ExtraFiles, s.aside.write)
		w.cmd.Env = append(w.cmd.Env, messagesEnv+"="+strconv.Itoa(messagesFD))
	}
	if w.line, err = newLine(os.NewFile(uintptr(pair[0]), "line")); err != nil {
		return fmt.Errorf("start a worker: %w", err)
	}
	s.workers[w] = struct{}{}
	if suspects {
		s.quarantine.worker = w
	}
	for id, command := range s.known {
		w.line.send(message{kind: msgInstance, id: id, payload: command, fd: -1})
	}
	if s.stopping {
		w.line.send(message{kind: msgRetire, fd: -1})
	}
	s.mu.Unlock()
	err = s.startProcess(w.cmd)
	s.mu.Lock()
	if err != nil {
		delete(s.workers, w)
		if suspects {
			s.quarantine.worker = nil
		}
		w.line.close()
		s.checkOver()
		return fmt.Errorf("start a worker: %w", err)
	}
	w.process = w.cmd.Process
	s.log.Info("worker started", "pid", w.process.Pid, "for_suspects", suspects)
	dead := make(chan struct{})
	go s.watch(w, dead)
	go s.listen(w, dead)
	return nil
}

// startProcess starts a process that ends, at the latest, when the supervisor does.
func (s *Supervisor) startProcess(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Pdeathsig: syscall.SIGKILL,
		// Ctrl-C is for the supervisor: it drains.
		Setpgid: true,
	}
	done := make(chan error)
	s.spawns <- func() { done <- cmd.Start() }
	return <-done
}

// kill ends a worker at once, if it has been started; Supervisor.mu is held, or it has.
func (w *worker) kill() {
	if w.process != nil {
		w.process.Kill()
	}
}

// drain asks a worker to let its events end; s.mu is held.
func (s *Supervisor) drain(w *worker) {
	if w.draining {
		return
	}
	w.draining = true
	if s.current == w {
		s.current = nil
	}
	w.line.send(message{kind: msgDrain, fd: -1})
	time.AfterFunc(s.timing.Drain, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		w.kill()
	})
}

// listen handles a worker's messages until it is dead.
func (s *Supervisor) listen(w *worker, dead chan struct{}) {
	for {
		m, err := w.line.receive()
		if err != nil {
			break
		}
		s.handle(w, m)
	}
	// A line can only break on the other side's wish. What it does not serve any more it
	// must not touch either.
	if !w.asked(s) {
		w.kill()
	}
	err := w.cmd.Wait()
	close(dead)
	w.line.close()
	s.died(w, err)
}

// asked reports whether w was asked to end: then it does so by itself.
func (w *worker) asked(s *Supervisor) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return w.draining
}

func (s *Supervisor) handle(w *worker, m message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch m.kind {
	case msgOnline:
		s.online(w)
		return
	case msgDropped:
		delete(s.known, m.id)
		return
	}
	h := s.held[m.slot]
	if h == nil || h.by != w {
		return
	}
	switch m.kind {
	case msgAnswer:
		if h.command != nil {
			h.by, h.busy = nil, true
			go s.answer(h, w, m.payload)
		}
	case msgWaits:
		s.readCommand(h)
	case msgReleased:
		identity := s.board.identity(h.slot).Load()
		s.place(h)
		if s.quarantine.running == h {
			s.treated(identity)
		}
	case msgLeft:
		s.isolate(h, m.payload)
	case msgOver:
		s.end(h)
	}
}

// online makes w the worker that serves, and drains the one before; s.mu is held.
func (s *Supervisor) online(w *worker) {
	if w.draining || s.ending {
		return
	}
	w.online = time.Now()
	if s.quarantine.worker == w {
		s.treat()
		return
	}
	old := s.current
	if old != nil {
		s.noneFrom = w.online
	}
	s.current = w
	s.log.Info("worker ready", "pid", w.cmd.Process.Pid)
	if q := &s.quarantine; old != nil && q.worker != nil { // an upgrade
		s.drain(q.worker)
		q.worker = nil
	}
	for other := range s.workers {
		// A worker that is not ready yet, older than this one, is no longer needed.
		if other == old || other.index < w.index && other != s.quarantine.worker {
			s.drain(other)
		}
	}
	s.endFallback()
	s.placeAll()
}

// watch kills a worker that does not get ready, or that stops its heartbeat.
func (s *Supervisor) watch(w *worker, dead chan struct{}) {
	const checks = 4 // a machine that slept misses one, not four
	tick := time.NewTicker(s.timing.Frozen / checks)
	defer tick.Stop()
	start := time.AfterFunc(s.timing.Start, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if w.online.IsZero() && !w.draining {
			s.log.Error("worker does not get ready, killing it", "pid", w.cmd.Process.Pid)
			w.kill()
		}
	})
	defer start.Stop()
	heartbeat := s.board.heartbeat(w.index)
	last, missed := heartbeat.Load(), 0
	for {
		select {
		case <-dead:
			return
		case <-tick.C:
		}
		now := heartbeat.Load()
		s.mu.Lock()
		ready := !w.online.IsZero()
		s.mu.Unlock()
		if now != last || !ready {
			last, missed = now, 0
			continue
		}
		if missed++; missed == checks {
			s.log.Error("worker shows no sign of life, killing it", "pid", w.cmd.Process.Pid)
			s.mu.Lock()
			s.stats.Frozen++
			s.mu.Unlock()
			w.kill()
		}
	}
}

// served reports whether a worker was no failed start: it was ready, and it has handled an
// event, or has not been asked to for long.
func (s *Supervisor) served(w *worker) bool {
	return !w.online.IsZero() &&
		(s.board.handled(w.index).Load() != 0 || time.Since(w.online) >= s.timing.Stable)
}

// proven says that workers work; s.mu is held.
func (s *Supervisor) proven() { s.quick, s.noneFrom = 0, time.Now() }

// died goes on without a worker.
func (s *Supervisor) died(w *worker, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.workers, w)
	served, q := s.served(w), &s.quarantine
	if s.current == w {
		s.current = nil
	}
	unasked := (!w.draining || err != nil) && !s.ending
	if unasked {
		q.alarm = time.Now()
		s.board.alarm().Store(1)
	}
	alone, underWay := q.worker == w, 0
	for _, h := range s.held {
		if h.by != w {
			continue
		}
		if q.running == h {
			q.running = nil
		}
		switch s.board.state(h.slot) {
		case pluginserver.StateEvent, pluginserver.StateHandling:
			underWay++
		}
		s.adopt(h, alone)
	}
	defer s.checkOver()
	if !unasked {
		return
	}
	s.stats.Died++
	s.log.Error("worker died", "pid", w.cmd.Process.Pid, "error", err, "for_suspects", alone, "events", underWay)
	if alone {
		s.quarantineDied(w)
		return
	}
	if w.draining || s.current != nil {
		return // another one serves
	}
	switch {
	case served:
		s.proven()
	case !w.online.IsZero() && underWay == 0: // it has kept nobody waiting
		s.quick++
		s.noneFrom = time.Now()
	default:
		s.quick++
	}
	s.respawnLater()
}

// respawnLater starts a worker when that may be done; s.mu is held.
func (s *Supervisor) respawnLater() {
	s.await()
	pause := s.timing.pause(s.quick)
	if pause == 0 {
		s.respawn()
		return
	}
	time.AfterFunc(pause, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.respawn()
	})
}

// respawn starts a worker where none is, or is about to be; s.mu is held.
func (s *Supervisor) respawn() {
	if s.ending || s.current != nil {
		return
	}
	for w := range s.workers {
		if !w.draining && w != s.quarantine.worker {
			return
		}
	}
	if err := s.spawn(false); err != nil {
		s.log.Error("no worker", "error", err)
		s.quick++
		s.respawnLater()
	}
}

// await lets the failure policy answer if no worker proves itself soon; s.mu is held.
func (s *Supervisor) await() {
	left := s.timing.Fallback - time.Since(s.noneFrom)
	if left <= 0 {
		s.startFallback()
		return
	}
	time.AfterFunc(left, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if time.Since(s.noneFrom) >= s.timing.Fallback {
			s.startFallback()
		}
	})
}
