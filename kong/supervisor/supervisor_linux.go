package supervisor

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"kongwaf/kong/pluginserver"
)

// Supervisor runs workers. Make one with New.
type Supervisor struct {
	opt        Options
	timing     Timing
	log        *slog.Logger
	board      board
	sharedFile *os.File
	shared     []byte
	aside      *aside      // nil if there is none
	spawns     chan func() // run by one thread that lives as long as the supervisor

	mu       sync.Mutex
	held     map[uint32]*held
	slots    []uint32 // free, of those below nextSlot
	nextSlot uint32
	known    map[int32][]byte // instances: the CmdStartInstance of each, by id
	lastID   int32
	workers  map[*worker]struct{}
	current  *worker              // gets the connections; nil while there is none
	fallback *pluginserver.Server // answers by policy meanwhile; else nil
	quick    int                  // starts that failed, in a row
	started  int                  // workers ever
	noneFrom time.Time            // since when there is no worker but such as fail
	stopping bool                 // connections end behind their next event
	ending   bool                 // idle connections end, and workers
	over     chan struct{}        // closed when ending and nothing is left
	stats    Stats
	quietTo  time.Time // no log line about a peer's bytes before

	quarantine quarantine
	owner      *owner
	heldAt     time.Time // when the last connection came
}

// New returns a supervisor; Run starts it.
func New(opt Options) (*Supervisor, error) {
	if IsWorker() {
		return nil, errors.New("a worker cannot be a supervisor: look at IsWorker first")
	}
	if opt.Path == "" {
		path, err := os.Executable()
		if err != nil {
			return nil, err
		}
		opt.Path = path
	}
	s := &Supervisor{
		opt:     opt,
		timing:  opt.Timing.withDefaults(),
		log:     opt.Logger,
		spawns:  make(chan func()),
		held:    map[uint32]*held{},
		known:   map[int32][]byte{},
		lastID:  rand.Int32N(math.MaxInt32 / 2),
		workers: map[*worker]struct{}{},
		over:    make(chan struct{}),

		quarantine: quarantine{suspects: map[uint64]*suspect{}},
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	s.owner = &owner{s: s}
	var err error
	if s.board.file, s.board.memory, err = newShared("kong-waf board", boardSize); err != nil {
		return nil, err
	}
	if s.sharedFile, s.shared, err = newShared("kong-waf shared", opt.SharedSize); err != nil {
		return nil, err
	}
	if opt.Aside {
		if s.aside, err = newAside(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Run is New and Supervisor.Run with a signal: SIGHUP upgrades.
func Run(ctx context.Context, opt Options) error {
	s, err := New(opt)
	if err != nil {
		return err
	}
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	go func() {
		for {
			select {
			case <-hangups:
				s.Upgrade()
			case <-ctx.Done():
				return
			}
		}
	}()
	return s.Run(ctx)
}

// Shared returns the memory that the workers share, see Worker.Shared.
func (s *Supervisor) Shared() []byte { return s.shared }

// Stats returns the counters.
func (s *Supervisor) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.stats
	stats.Connections, stats.Instances = len(s.held), len(s.known)
	stats.Started, stats.Fallback = s.started, s.fallback != nil
	stats.Lost = s.owner.why()
	if s.current != nil {
		stats.Worker = s.current.cmd.Process.Pid
	}
	return stats
}

// Run serves until ctx is done; then running events end, Kong's connections are closed
// softly, and Run returns nil. The listener's path is left alone: it may belong to a
// newer supervisor already. It may be called once.
func (s *Supervisor) Run(ctx context.Context) error {
	quit := make(chan struct{})
	defer close(quit)
	go func() {
		// A worker is killed when the thread that started it ends, not only the process.
		runtime.LockOSThread()
		for {
			select {
			case f := <-s.spawns:
				f()
			case <-quit:
				return
			}
		}
	}()
	s.startAside()
	defer s.stopAside()
	go s.sweep(quit)
	s.mu.Lock()
	err := s.spawn(false)
	s.noneFrom = time.Now()
	s.await()
	s.mu.Unlock()
	if err != nil {
		return err
	}
	if err := s.owner.start(s.opt.Socket); err != nil {
		return err
	}
	err = s.owner.run(ctx.Done())
	s.stop()
	select {
	case <-s.over:
	case <-time.After(s.timing.Drain):
		s.log.Warn("giving up on events that still run")
		err = errors.Join(err, context.DeadlineExceeded)
		s.mu.Lock()
		for w := range s.workers {
			w.kill()
		}
		s.mu.Unlock()
	}
	return err
}

// rawFile returns a file over a copy of the listener's descriptor: a net.Listener does not
// let others accept from it.
func rawFile(listener *net.UnixListener) (*os.File, error) {
	raw, err := listener.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd, dupErr := -1, error(nil)
	err = raw.Control(func(original uintptr) {
		fd, dupErr = unix.FcntlInt(original, unix.F_DUPFD_CLOEXEC, 0)
	})
	if err := errors.Join(err, dupErr); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "listener"), nil
}

// stop makes everything end: first each connection behind its next event, then those that
// have none.
func (s *Supervisor) stop() {
	start := time.Now()
	s.mu.Lock()
	s.stopping = true
	for w := range s.workers {
		w.line.send(message{kind: msgRetire, fd: -1})
	}
	if s.fallback != nil {
		s.fallback.Retire()
	}
	s.mu.Unlock()
	s.owner.leave()
	time.AfterFunc(s.timing.Linger-time.Since(start), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ending = true
		for w := range s.workers {
			s.drain(w)
		}
		s.endFallback()
		s.endQuarantine()
		s.placeAll()
		s.checkOver()
	})
}

// checkOver closes over when the end has begun and nothing is left; s.mu is held.
func (s *Supervisor) checkOver() {
	if s.ending && len(s.held) == 0 && len(s.workers) == 0 {
		select {
		case <-s.over:
		default:
			close(s.over)
		}
	}
}

// Upgrade starts a new worker and, once it is ready, drains the old one: no request
// notices. If the new one does not get ready, the old one stays.
func (s *Supervisor) Upgrade() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return
	}
	if err := s.spawn(false); err != nil {
		s.log.Error("upgrade failed, the old worker stays", "error", err)
	}
	if s.aside != nil {
		s.aside.end() // it is started again, from the new file
	}
}

// accept takes connections until the listener is closed. The connections' descriptors do
// not go into Go's poller: each byte from Kong would wake the supervisor up.
func (s *Supervisor) accept(listener *os.File) error {
	raw, err := listener.SyscallConn()
	if err != nil {
		return err
	}
	for {
		fd, accErr := -1, error(nil)
		err := raw.Read(func(listener uintptr) bool {
			fd, _, accErr = syscall.Accept4(int(listener), syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC)
			return accErr != syscall.EAGAIN
		})
		if err != nil {
			if errors.Is(err, os.ErrClosed) {
				return nil
			}
			return err
		}
		switch accErr {
		case nil:
			s.hold(fd)
		case syscall.EINTR, syscall.ECONNABORTED:
		default:
			// Out of descriptors, most likely: those in use come back.
			s.log.Warn("cannot accept a connection", "error", accErr)
			time.Sleep(100 * time.Millisecond)
		}
	}
}
