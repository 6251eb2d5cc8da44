package supervisor

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// kind is what a message between supervisor and worker says.
type kind byte

const (
	// Supervisor to worker.
	msgConn     kind = 'c' // serve this connection: slot, descriptor
	msgEvent    kind = 'e' // handle this event, and nothing else: slot, descriptor, the event
	msgCommand  kind = 'f' // answer this command: slot, id for a new instance, the frame's payload
	msgInstance kind = 'i' // this instance is known: id, its CmdStartInstance
	msgRetire   kind = 't' // end each connection behind its next event
	msgDrain    kind = 'd' // let running events end, give the connections back, exit

	// Worker to supervisor.
	msgOnline   kind = 'o' // ready to serve
	msgAnswer   kind = 'a' // the answer to a command: slot, the frame's payload
	msgWaits    kind = 'w' // a command waits in this connection, which is given back: slot
	msgReleased kind = 'r' // this connection is given back, idle: slot
	msgLeft     kind = 'l' // this connection is given back, with an event that is a suspect: slot, the event
	msgOver     kind = 'v' // this connection, which had a suspect, is over: slot
	msgDropped  kind = 'x' // this instance was dropped: id
)

// message is one message. The descriptor is -1 if there is none.
type message struct {
	kind    kind
	slot    uint32
	id      int32
	payload []byte
	fd      int
}

const (
	messageHead = 9
	// inlinePayload is the longest payload inside the message, in bytes. Above it travels
	// in a file in memory: a message must fit into the socket as a whole.
	inlinePayload = 16 << 10
)

// line is one end of the socket between supervisor and worker.
type line struct {
	conn *net.UnixConn
	raw  syscall.RawConn

	mu     sync.Mutex
	queue  []message
	busy   bool          // write is sending what was queued before
	signal chan struct{} // has room for one
	closed bool

	buf, oob []byte // of receive
}

// newLine returns the line over a SOCK_SEQPACKET socket, whose descriptor it takes.
func newLine(file *os.File) (*line, error) {
	defer file.Close()
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, err
	}
	unixConn, ok := conn.(*net.UnixConn)
	if !ok {
		conn.Close()
		return nil, fmt.Errorf("worker line is a %T", conn)
	}
	raw, err := unixConn.SyscallConn()
	if err != nil {
		conn.Close()
		return nil, err
	}
	l := &line{conn: unixConn, raw: raw, signal: make(chan struct{}, 1),
		buf: make([]byte, messageHead+inlinePayload), oob: make([]byte, unix.CmsgSpace(4))}
	go l.write()
	return l, nil
}

// send sends a message, or queues it if the socket is full; it never blocks, whatever the
// other side does. Its descriptor must stay open while the other side lives.
func (l *line) send(m message) {
	l.mu.Lock()
	if l.closed || !l.busy && len(l.queue) == 0 && len(m.payload) == 0 && l.sendNow(m) {
		l.mu.Unlock()
		return
	}
	l.queue = append(l.queue, m)
	l.mu.Unlock()
	select {
	case l.signal <- struct{}{}:
	default:
	}
}

// write sends what is queued, until the line breaks or is closed.
func (l *line) write() {
	for range l.signal {
		l.mu.Lock()
		queue, closed := l.queue, l.closed
		l.queue, l.busy = nil, true
		l.mu.Unlock()
		for _, m := range queue {
			// A broken line stays open for receive: what the other side sent before it died counts.
			if l.put(m) != nil {
				break
			}
		}
		l.mu.Lock()
		l.busy = false
		l.mu.Unlock()
		if closed {
			l.conn.Close()
			return
		}
	}
}

// sendNow sends a short message if that does not block, and reports whether it did.
func (l *line) sendNow(m message) bool {
	var head [messageHead]byte
	m.head(head[:])
	var oob []byte
	if m.fd >= 0 {
		oob = unix.UnixRights(m.fd)
	}
	sent := false
	err := l.raw.Write(func(fd uintptr) bool {
		sent = unix.Sendmsg(int(fd), head[:], oob, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL) == nil
		return true
	})
	return err == nil && sent
}

// head writes the fixed part of a message.
func (m message) head(b []byte) {
	b[0] = byte(m.kind)
	binary.LittleEndian.PutUint32(b[1:], m.slot)
	binary.LittleEndian.PutUint32(b[5:], uint32(m.id))
}

func (l *line) put(m message) error {
	buf := make([]byte, messageHead, messageHead+len(m.payload))
	m.head(buf)
	fd := m.fd
	if len(m.payload) <= inlinePayload {
		buf = append(buf, m.payload...)
	} else {
		file, err := memoryFile("payload", m.payload)
		if err != nil {
			return err
		}
		defer file.Close()
		fd = int(file.Fd())
	}
	var oob []byte
	if fd >= 0 {
		oob = unix.UnixRights(fd)
	}
	_, _, err := l.conn.WriteMsgUnix(buf, oob, nil)
	return err
}

// receive waits for the next message; one goroutine calls it. Payload and descriptor are
// the caller's.
func (l *line) receive() (message, error) {
	buf, oob := l.buf, l.oob
	n, oobn, _, _, err := l.conn.ReadMsgUnix(buf, oob)
	if err != nil {
		return message{}, err
	}
	if n == 0 {
		return message{}, io.EOF
	}
	m := message{fd: -1}
	if oobn > 0 {
		if m.fd, err = descriptor(oob[:oobn]); err != nil {
			return message{}, err
		}
	}
	if n < messageHead {
		return message{}, errors.New("short message")
	}
	m.kind = kind(buf[0])
	m.slot = binary.LittleEndian.Uint32(buf[1:])
	m.id = int32(binary.LittleEndian.Uint32(buf[5:]))
	m.payload = bytes.Clone(buf[messageHead:n])
	if m.fd >= 0 && m.kind != msgConn && m.kind != msgEvent {
		file := os.NewFile(uintptr(m.fd), "payload")
		defer file.Close()
		m.fd = -1
		if m.payload, err = io.ReadAll(io.NewSectionReader(file, 0, 1<<40)); err != nil {
			return message{}, err
		}
	}
	return m, nil
}

// close ends the line once what is queued has been sent.
func (l *line) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	select {
	case l.signal <- struct{}{}:
	default:
	}
}

// descriptor returns the one descriptor in a control message.
func descriptor(oob []byte) (int, error) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil || len(messages) == 0 {
		return -1, fmt.Errorf("control message: %v", err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return -1, fmt.Errorf("control message: %d descriptors, %v", len(fds), err)
	}
	return fds[0], nil
}

// memoryFile returns an anonymous file with this content.
func memoryFile(name string, content []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), name)
	if _, err := file.Write(content); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}
