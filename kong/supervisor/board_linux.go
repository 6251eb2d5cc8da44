package supervisor

import (
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"kongwaf/kong/pluginserver"
)

// board is memory shared between supervisor and workers: what there is of each worker and
// of each connection, and which events are suspected of killing workers. It outlives both.
//
//	alarm      8 bytes     not 0: workers note which events they handle
//	suspects   8 bytes each, identities of events, see suspicion
//	workers   16 bytes each: heartbeat, number of handled events (0, or more)
//	conns     16 bytes each: state, identity of the event under way in StateHandling
type board struct {
	file   *os.File
	memory []byte
}

const (
	maxConns    = 1 << 16 // connections at a time
	maxWorkers  = 32      // workers take their places in turn
	maxSuspects = 256     // suspects at a time
)

// stateOver: the connection has ended, the worker has let go of it.
const stateOver = pluginserver.State(0xff)

const (
	suspectsAt = 8
	workersAt  = suspectsAt + 8*maxSuspects
	connsAt    = workersAt + 16*maxWorkers
	boardSize  = connsAt + 16*maxConns
)

// newShared returns shared memory of that many zero bytes.
func newShared(name string, size int) (*os.File, []byte, error) {
	file, err := memoryFile(name, nil)
	if err != nil {
		return nil, nil, err
	}
	if err := file.Truncate(int64(size)); err != nil {
		file.Close()
		return nil, nil, err
	}
	memory, err := mapShared(file)
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return file, memory, nil
}

// mapShared maps a whole file; an empty one gives nil.
func mapShared(file *os.File) ([]byte, error) {
	info, err := file.Stat()
	if err != nil || info.Size() == 0 {
		return nil, err
	}
	memory, err := unix.Mmap(int(file.Fd()), 0, int(info.Size()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %d bytes of shared memory: %w", info.Size(), err)
	}
	return memory, nil
}

func (b *board) word(offset int) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(&b.memory[offset]))
}

// alarm is not 0 while workers note which events they handle.
func (b *board) alarm() *atomic.Uint64 { return b.word(0) }

// heartbeat returns the counter that a worker counts up while it lives.
func (b *board) heartbeat(worker int) *atomic.Uint64 {
	return b.word(workersAt + 16*(worker%maxWorkers))
}

// handled is not 0 once a worker has handled an event.
func (b *board) handled(worker int) *atomic.Uint64 {
	return b.word(workersAt + 16*(worker%maxWorkers) + 8)
}

// mark notes a connection's state.
func (b *board) mark(slot uint32, state pluginserver.State) {
	b.word(connsAt + 16*int(slot)).Store(uint64(state))
}

// state returns the state that was noted last.
func (b *board) state(slot uint32) pluginserver.State {
	return pluginserver.State(b.word(connsAt + 16*int(slot)).Load())
}

// identity is that of the event which a connection handles, or has left.
func (b *board) identity(slot uint32) *atomic.Uint64 {
	return b.word(connsAt + 16*int(slot) + 8)
}

// suspicion says how a worker handles an event: elsewhere if it is suspected, by policy if
// it is guilty. An entry is an identity whose lowest bit says guilty; 0 is none.
func (b *board) suspicion(identity uint64) pluginserver.Way {
	for i := range maxSuspects {
		switch b.word(suspectsAt + 8*i).Load() {
		case identity &^ guilty:
			return pluginserver.WayElsewhere
		case identity | guilty:
			return pluginserver.WayPolicy
		}
	}
	return pluginserver.WayHere
}

const guilty = uint64(1)

// accuse writes a suspect down.
func (b *board) accuse(index int, entry uint64) { b.word(suspectsAt + 8*index).Store(entry) }

// free returns the index of a free entry among the suspects, -1 if there is none.
func (b *board) free() int {
	for i := range maxSuspects {
		if b.word(suspectsAt+8*i).Load() == 0 {
			return i
		}
	}
	return -1
}
