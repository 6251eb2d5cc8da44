package facts

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"kongwaf/plugins/internal/raw"
)

// DefaultMaxBody is how much of a body is held in memory unless a check says otherwise, in
// bytes.
const DefaultMaxBody = 8 << 20

// windows is what reading the rest of a large body takes, in bytes.
const windows = 4 << 20

// held is what the facts of an event keep from others.
type held struct {
	file   *os.File // the body's
	memory int64
	keeper keeper
	times  int // how many times what is held of the body still follows it
}

// keeper is a Kong that bounds the memory which all events together hold, and the time of each.
type keeper interface {
	Reserve(n int64) bool
	Release(n int64)
	Extend(d time.Duration)
}

// longest is by how much the time for judging grows at most.
const longest = 30 * time.Second

// Time returns how long may be computed where it is d for a body that is held: as much again
// for each further stretch of that size.
func (f *Facts) Time(d time.Duration) time.Duration {
	return d + min(d*time.Duration(f.held.times), longest)
}

// Extend asks for that time.
func (f *Facts) Extend(d time.Duration) {
	if k, ok := f.kong.(keeper); ok && f.held.times > 0 {
		k.Extend(f.Time(d) - d)
	}
}

var errMemory = errors.New("no memory left for the body: limits.body_memory of the plugin server bounds what all events together hold")

// Close gives back what the facts keep from others. The request's body must not be read any more.
func (f *Facts) Close() {
	if f.held.file != nil {
		f.held.file.Close()
	}
	if f.held.memory > 0 {
		f.held.keeper.Release(f.held.memory)
	}
	f.held = held{}
}

// Hold asks for memory to work in until Close, in bytes. The error is for Kong's log.
func (f *Facts) Hold(n int64) error {
	if !f.reserve(n) {
		return errMemory
	}
	return nil
}

// reserve asks for memory.
func (f *Facts) reserve(n int64) bool {
	k, ok := f.kong.(keeper)
	if !ok {
		return true
	}
	if !k.Reserve(n) {
		return false
	}
	f.held.keeper, f.held.memory = k, f.held.memory+n
	return true
}

// mayHaveBody reports whether the request can have a body. In HTTP/1 a body is announced
// by Content-Length or Transfer-Encoding (RFC 9112 section 6.3); in HTTP/2 it needs neither.
func (f *Facts) mayHaveBody() bool {
	if !strings.HasPrefix(f.Request.Proto, "HTTP/1.") {
		return true
	}
	length, hasLength := f.Request.Header("content-length")
	_, chunked := f.Request.Header("transfer-encoding")
	return chunked || hasLength && length != "0" || f.Request.HeadersTruncated
}

// readBody asks for the body. Above nginx's buffer size Kong names a file instead.
func (f *Facts) readBody(max int) {
	reply, err := f.ask(callBody)
	if err != nil {
		f.BodyErr = err
		return
	}
	const (
		content  = 1
		filepath = 2
		failure  = 3
	)
	ok := raw.Fields(reply, func(field protowire.Number, payload string, _ uint64) {
		switch field {
		case content:
			f.Request.Body = []byte(payload[:min(len(payload), max)])
			if len(payload) > max {
				f.rest(strings.NewReader(payload), int64(len(payload)))
			}
		case filepath:
			if f.BodyErr = f.readFile(payload, int64(max)); f.BodyErr != nil {
				f.BodyErr = fmt.Errorf("reading the body that Kong spooled to a file: %w", f.BodyErr)
			}
		case failure:
			f.BodyErr = fmt.Errorf("body not read by Kong: %s", payload)
		}
	})
	if !ok {
		f.BodyErr = fmt.Errorf("the answer of Kong to %s is malformed", callBody.Method)
	}
}

// readFile reads the first max bytes of a spooled body. The file of a longer one stays open:
// Kong removes its name once the request is over, and no sooner changes what is in it.
func (f *Facts) readFile(path string, max int64) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	f.held.file = file
	info, err := file.Stat()
	if err != nil {
		return err
	}
	size, needed := info.Size(), info.Size()
	if size > max {
		size, needed = max, max+windows
	}
	if !f.reserve(needed) {
		return errMemory
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(file, body); err != nil {
		return err
	}
	f.Request.Body = body
	if info.Size() > max {
		f.rest(file, info.Size())
	}
	return nil
}

// rest notes that the body goes on behind what is held, in something of the given size.
func (f *Facts) rest(body io.ReaderAt, size int64) {
	held := int64(len(f.Request.Body))
	f.Request.BodyTruncated = true
	f.Request.Rest = io.NewSectionReader(body, held, size-held)
	f.held.times = int((size - 1) / held)
}
