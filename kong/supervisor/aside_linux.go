package supervisor

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The aside is a process beside the workers that serves no request: it has whatever would
// not be worth the risk in a worker, such as sinks of events and the console. It gets the
// workers' shared memory and the messages that they send with Worker.Aside. Those wait in
// a socket that the supervisor holds open, so they outlive workers and aside; a worker
// whose aside is dead or slow finds the socket full. The aside is started again whenever
// it ends, and its death costs no request.
type aside struct {
	read, write *os.File // the two ends of the messages

	process *os.Process // guarded by Supervisor.mu; nil while there is none
	ending  bool
	stop    chan struct{} // closed when ending is set
	gone    chan struct{} // closed when it is not started again
	backoff time.Duration
}

// The environment that tells an aside, and a worker, of the socket between them.
const (
	asideEnv    = "KONG_WAF_INTERNAL_ASIDE"
	messagesEnv = "KONG_WAF_INTERNAL_MESSAGES"
)

// The descriptors that an aside inherits.
const (
	asideMessagesFD = 3 + iota
	asideSharedFD
)

// Timing of the aside.
const (
	asideStable = 10 * time.Second // one that lives so long is started again at once
	asideLinger = 5 * time.Second  // one may take so long to end
	maxBackoff  = 10 * time.Second
)

// messageBuffer is how much may wait in the socket, in bytes, as far as the kernel agrees.
const messageBuffer = 4 << 20

func newAside() (*aside, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	// More than net.core.wmem_max needs a privilege; what the kernel gives is enough.
	_ = unix.SetsockoptInt(pair[1], unix.SOL_SOCKET, unix.SO_SNDBUF, messageBuffer)
	return &aside{
		read: os.NewFile(uintptr(pair[0]), "messages"), write: os.NewFile(uintptr(pair[1]), "messages"),
		stop: make(chan struct{}), gone: make(chan struct{}),
	}, nil
}

// startAside starts the aside and starts it again whenever it ends; it returns at once.
func (s *Supervisor) startAside() {
	if s.aside == nil {
		return
	}
	go func() {
		defer close(s.aside.gone)
		for s.runAside() {
		}
	}()
}

// runAside runs the aside once, and reports whether it is to be run again.
func (s *Supervisor) runAside() bool {
	a := s.aside
	cmd := exec.Command(s.opt.Path, s.opt.WorkerArgs...)
	cmd.Env = append(os.Environ(), asideEnv+"=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{a.read, s.sharedFile}
	// It may write what it has when the supervisor dies.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	started := time.Now()
	done := make(chan error)
	s.spawns <- func() { done <- cmd.Start() }
	err := <-done
	if err == nil {
		s.mu.Lock()
		a.process = cmd.Process
		if a.ending {
			a.end()
		}
		s.mu.Unlock()
		err = cmd.Wait()
	}
	s.mu.Lock()
	a.process = nil
	ending := a.ending
	if time.Since(started) >= asideStable || err == nil {
		a.backoff = 0
	} else {
		a.backoff = min(max(2*a.backoff, 100*time.Millisecond), maxBackoff)
	}
	pause := a.backoff
	s.mu.Unlock()
	if ending {
		return false
	}
	if err != nil {
		s.log.Error("the process beside the workers died, starting another; no request notices", "error", err, "pause", pause.String())
	}
	select {
	case <-time.After(pause):
		return true
	case <-a.stop:
		return false
	}
}

// end asks the process to end, and ends it if it does not; Supervisor.mu is held.
func (a *aside) end() {
	if a.process == nil {
		return
	}
	process := a.process
	_ = process.Signal(syscall.SIGTERM)
	time.AfterFunc(asideLinger, func() { _ = process.Kill() })
}

// stopAside ends the aside for good and waits for that.
func (s *Supervisor) stopAside() {
	if s.aside == nil {
		return
	}
	s.mu.Lock()
	s.aside.ending = true
	close(s.aside.stop)
	s.aside.end()
	s.mu.Unlock()
	<-s.aside.gone
}

// IsAside reports whether this process was started by a supervisor as its aside.
func IsAside() bool { return os.Getenv(asideEnv) != "" }

// Aside is the aside's end of a supervisor.
type Aside struct {
	// Messages is where the workers' messages arrive, one a Read.
	Messages net.Conn
	// Shared is the memory of Worker.Shared.
	Shared []byte
}

// NewAside takes up what the supervisor that started this process handed over. It may be
// called once. The process is to end by SIGTERM.
func NewAside() (*Aside, error) {
	if !IsAside() {
		return nil, errors.New("this process was not started by a supervisor")
	}
	os.Unsetenv(asideEnv)
	shared, err := mapShared(os.NewFile(asideSharedFD, "shared"))
	if err != nil {
		return nil, err
	}
	messages, err := messageConn(asideMessagesFD)
	if err != nil {
		return nil, err
	}
	return &Aside{Messages: messages, Shared: shared}, nil
}

// messageConn takes a descriptor of the messages' socket.
func messageConn(fd int) (net.Conn, error) {
	file := os.NewFile(uintptr(fd), "messages")
	if file == nil {
		return nil, fmt.Errorf("descriptor %d is not open", fd)
	}
	defer file.Close()
	return net.FileConn(file)
}

// openMessages returns a worker's end of the messages, nil if the supervisor has no aside.
func openMessages() (net.Conn, error) {
	text := os.Getenv(messagesEnv)
	if text == "" {
		return nil, nil
	}
	os.Unsetenv(messagesEnv)
	fd, err := strconv.Atoi(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", messagesEnv, err)
	}
	return messageConn(fd)
}
