package supervisor

import (
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"kongwaf/kong/pluginserver"
)

// board is memory shared between supervisor and workers: the heartbeat of each worker and
// the state of each connection. It outlives both.
type board struct {
	file   *os.File
	memory []byte
}

const (
	maxConns   = 1 << 16 // connections at a time
	maxWorkers = 16      // heartbeats; workers take them in turn
)

// stateOver: the connection has ended, the worker has let go of it.
const stateOver = pluginserver.State(0xff)

// boardSize is the board's size in bytes: heartbeats of 8 bytes, states of 4.
const boardSize = 8*maxWorkers + 4*maxConns

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

// heartbeat returns the counter that a worker counts up while it lives.
func (b *board) heartbeat(worker int) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(&b.memory[8*(worker%maxWorkers)]))
}

func (b *board) word(slot uint32) *atomic.Uint32 {
	return (*atomic.Uint32)(unsafe.Pointer(&b.memory[8*maxWorkers+4*int(slot)]))
}

// mark notes a connection's state.
func (b *board) mark(slot uint32, state pluginserver.State) { b.word(slot).Store(uint32(state)) }

// state returns the state that was noted last.
func (b *board) state(slot uint32) pluginserver.State {
	return pluginserver.State(b.word(slot).Load())
}
