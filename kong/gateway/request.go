package gateway

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"os"
	"strings"
)

// request is one request as the client sent it. Plugins change headers, query, method and
// body in place, as they do in nginx, so that later plugins see the change.
type request struct {
	method  string
	line    string // the request line as sent, for $request
	head    []byte // all of the head as sent; nil in HTTP/2
	target  string // nginx's $request_uri: origin form, bytes as sent
	query   string
	isQuery bool   // there was a "?"
	host    string // nginx's $host: of an absolute target, else of the Host header
	major   int
	minor   int
	headers fields
	length  int // bytes of the request line and headers
	body    *body
	peer    netip.AddrPort
	local   netip.AddrPort
}

// version is the HTTP version as Lua's number.
func (r *request) version() float64 {
	if r.major == 2 {
		return 2
	}
	return 1 + float64(r.minor)/10
}

// path is the target without its query, undecoded.
func (r *request) path() string {
	// Kong looks for the question mark from the second byte on.
	if len(r.target) > 1 {
		if i := strings.IndexByte(r.target[1:], '?'); i >= 0 {
			return r.target[:i+1]
		}
	}
	return r.target
}

// setTarget splits an origin-form target.
func (r *request) setTarget(target string) {
	r.target = target
	_, r.query, r.isQuery = strings.Cut(target, "?")
}

// body is a request's body. It is read from the client when somebody needs it, and then
// kept in memory or, above a limit, in a file. Not for concurrent use.
type body struct {
	src      io.Reader // nil: no body
	declared int64     // Content-Length, -1 if none was sent
	limit    int       // above this many bytes it goes to a file
	dir      string
	before   func() error // called before the first read: "100 Continue"

	loaded bool
	mem    []byte
	file   *os.File
	size   int64
	err    error
}

// start tells the client that its body is wanted.
func (b *body) start() error {
	if b.before == nil {
		return nil
	}
	f := b.before
	b.before = nil
	return f()
}

// load reads the whole body from the client.
func (b *body) load() error {
	if b.loaded {
		return b.err
	}
	b.loaded = true
	if b.src == nil {
		return nil
	}
	b.err = b.fetch()
	return b.err
}

func (b *body) fetch() error {
	if err := b.start(); err != nil {
		return err
	}
	var buf bytes.Buffer
	n, err := io.Copy(&buf, io.LimitReader(b.src, int64(b.limit)+1))
	b.size = n
	if err != nil {
		return err
	}
	b.mem = buf.Bytes()
	if n <= int64(b.limit) {
		return nil
	}
	if b.file, err = os.CreateTemp(b.dir, "kong-waf-body-*"); err != nil {
		return err
	}
	if _, err = b.file.Write(b.mem); err != nil {
		return err
	}
	b.mem = nil
	n, err = io.Copy(b.file, b.src)
	b.size += n
	return err
}

// replace puts another body in the place of the client's.
func (b *body) replace(content []byte) error {
	if err := b.load(); err != nil {
		return err
	}
	b.remove()
	b.mem, b.size, b.declared = content, int64(len(content)), int64(len(content))
	if b.src == nil {
		b.src = eofReader{}
	}
	return nil
}

// reader returns the body from its start: what was kept, or the client itself.
func (b *body) reader() (io.Reader, error) {
	switch {
	case b.src == nil:
		return bytes.NewReader(nil), nil
	case !b.loaded:
		if err := b.start(); err != nil {
			return nil, err
		}
		return b.src, nil
	case b.err != nil:
		return nil, b.err
	case b.file != nil:
		return io.NewSectionReader(b.file, 0, b.size), nil
	}
	return bytes.NewReader(b.mem), nil
}

// length is the body's length as far as it is known, or -1.
func (b *body) length() int64 {
	switch {
	case b.src == nil:
		return b.declared
	case b.loaded:
		return b.size
	}
	return b.declared
}

// received is how many bytes of the body came over the wire, chunks' own bytes included.
func (b *body) received() int64 {
	if c, ok := b.src.(*chunkedReader); ok {
		return c.raw
	}
	return b.size
}

// remove deletes the temporary file.
func (b *body) remove() {
	if b.file != nil {
		name := b.file.Name()
		b.file.Close()
		os.Remove(name)
		b.file = nil
	}
}

type eofReader struct{}

func (eofReader) Read([]byte) (int, error) { return 0, io.EOF }

var errBodyCut = errors.New("the client's body ended early")
