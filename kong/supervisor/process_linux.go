package supervisor

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
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

// spawn starts a worker and tells it the instances; s.mu is held, but not while the
// program is being loaded, which can take seconds on a busy machine. The worker gets
// connections once it says that it is ready.
func (s *Supervisor) spawn() error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("start a worker: %w", err)
	}
	w := &worker{index: s.started}
	s.started++
	theirs := os.NewFile(uintptr(pair[1]), "line")
	defer theirs.Close()
	w.cmd = exec.Command(s.opt.Path, s.opt.WorkerArgs...)
	w.cmd.Env = append(os.Environ(), workerEnv+"="+strconv.Itoa(w.index))
	w.cmd.Stdout, w.cmd.Stderr = os.Stdout, os.Stderr
	w.cmd.ExtraFiles = []*os.File{theirs, s.board.file, s.sharedFile}
	w.cmd.SysProcAttr = &syscall.SysProcAttr{
		Pdeathsig: syscall.SIGKILL,
		// Ctrl-C is for the supervisor: it drains.
		Setpgid: true,
	}
	if w.line, err = newLine(os.NewFile(uintptr(pair[0]), "line")); err != nil {
		return fmt.Errorf("start a worker: %w", err)
	}
	s.workers[w] = struct{}{}
	for id, command := range s.known {
		w.line.send(message{kind: msgInstance, id: id, payload: command, fd: -1})
	}
	if s.stopping {
		w.line.send(message{kind: msgRetire, fd: -1})
	}
	s.mu.Unlock()
	done := make(chan error)
	s.spawns <- func() { done <- w.cmd.Start() }
	err = <-done
	s.mu.Lock()
	if err != nil {
		delete(s.workers, w)
		w.line.close()
		s.checkOver()
		return fmt.Errorf("start a worker: %w", err)
	}
	w.process = w.cmd.Process
	s.log.Info("worker started", "pid", w.process.Pid)
	dead := make(chan struct{})
	go s.watch(w, dead)
	go s.listen(w, dead)
	return nil
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
		s.place(h)
	}
}

// online makes w the worker that serves, and drains the one before; s.mu is held.
func (s *Supervisor) online(w *worker) {
	if w.draining || s.ending {
		return
	}
	w.online = time.Now()
	old := s.current
	if old != nil {
		s.noneFrom = w.online
	}
	s.current = w
	s.log.Info("worker ready", "pid", w.cmd.Process.Pid)
	for other := range s.workers {
		// A worker that is not ready yet, older than this one, is no longer needed.
		if other == old || other.index < w.index {
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

// died goes on without a worker.
func (s *Supervisor) died(w *worker, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.workers, w)
	stable := !w.online.IsZero() && time.Since(w.online) >= s.timing.Stable
	if s.current == w {
		s.current = nil
		if stable {
			s.noneFrom = time.Now() // a worker that dies at once has served nobody
		}
	}
	for _, h := range s.held {
		if h.by == w {
			s.adopt(h)
		}
	}
	defer s.checkOver()
	if w.draining && err == nil || s.ending {
		return
	}
	s.stats.Died++
	s.log.Error("worker died", "pid", w.cmd.Process.Pid, "error", err)
	if w.draining || s.current != nil {
		return // another one serves
	}
	if stable {
		s.quick = 0
	} else {
		s.quick++
	}
	s.await()
	if s.quick <= 1 {
		s.respawn()
		return
	}
	if s.quick > 2 || time.Since(s.noneFrom) >= s.timing.Fallback {
		s.startFallback()
	}
	time.AfterFunc(min(50*time.Millisecond<<min(s.quick-2, 20), s.timing.Backoff), func() {
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
		if !w.draining {
			return
		}
	}
	if err := s.spawn(); err != nil {
		s.log.Error("no worker", "error", err)
		s.quick++
		s.startFallback()
		time.AfterFunc(s.timing.Backoff, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.respawn()
		})
	}
}

// await lets the failure policy answer if no worker gets ready soon; s.mu is held.
func (s *Supervisor) await() {
	time.AfterFunc(s.timing.Fallback, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if time.Since(s.noneFrom) >= s.timing.Fallback {
			s.startFallback()
		}
	})
}
