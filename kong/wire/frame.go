// Package wire is the byte level of Kong 3's plugin-server protocol ("ProtoBuf:1"):
// frames, and the calls that travel in them. The plugin server and the stand-in gateway
// both speak it.
//
// A frame is a 4-byte little-endian length and that many bytes. Kong sends RpcCall
// messages; while an event is handled, the server may send calls of Kong's Plugin
// Development Kit (PDK), each two frames, method name and argument message, and Kong
// answers each with one frame, in order. The server ends an event with an empty frame and
// an RpcReturn. The messages are go-pdk's kong_plugin_protocol.
package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// HeaderSize is the length of a frame's own length field, in bytes.
const HeaderSize = 4

// DefaultMaxFrame is how long a frame may be unless the reader says otherwise, in bytes.
// Kong sends a request's body in one frame only up to nginx's client_body_buffer_size;
// users raise that, rarely beyond this.
const DefaultMaxFrame = 64 << 20

// ErrFrameTooLong is wrapped by ReadFrame's error when a peer announces a frame above the limit.
var ErrFrameTooLong = errors.New("frame too long")

// ReadFrame reads one frame and returns its payload, in buf if it has the capacity.
// A length above max ends the conversation: nothing of the payload is read. io.EOF is
// returned only if r ended before the first byte of a frame.
func ReadFrame(r io.Reader, buf []byte, max int) ([]byte, error) {
	if cap(buf) < HeaderSize {
		buf = make([]byte, 512)
	}
	head := buf[:HeaderSize]
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(head)
	if uint64(n) > uint64(max) {
		return nil, fmt.Errorf("%w: %d bytes announced, %d allowed", ErrFrameTooLong, n, max)
	}
	return readPayload(r, buf, int(n))
}

// readPayload grows buf in steps, so that a peer which announces much and sends little
// cannot make us allocate much.
func readPayload(r io.Reader, buf []byte, n int) ([]byte, error) {
	const step = 1 << 20
	if n <= cap(buf) {
		buf = buf[:n]
		_, err := io.ReadFull(r, buf)
		return buf, noEOF(err)
	}
	buf = buf[:0]
	for len(buf) < n {
		more := min(n-len(buf), step)
		start := len(buf)
		buf = append(buf, make([]byte, more)...)
		if _, err := io.ReadFull(r, buf[start:]); err != nil {
			return nil, noEOF(err)
		}
	}
	return buf, nil
}

// noEOF turns an end inside a frame into io.ErrUnexpectedEOF.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// AppendFrame appends payload as one frame to dst.
func AppendFrame(dst, payload []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(payload)))
	return append(dst, payload...)
}

// Call is one call of Kong's PDK: a method such as "kong.request.get_headers" and its
// argument message in protobuf's wire form.
type Call struct {
	Method string
	Args   []byte
}

// AppendCall appends the two frames of a PDK call to dst.
func AppendCall(dst []byte, call Call) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(call.Method)))
	dst = append(dst, call.Method...)
	return AppendFrame(dst, call.Args)
}
