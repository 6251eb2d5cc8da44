package extract

import (
	"errors"
	"io"
	"strings"

	"kongwaf/detect"
)

// large.go walks what is left of a body that is too large to be held: its first MaxBody
// bytes are read as any body is; then the readers of those formats that can go on where
// their text was cut are fed the rest, a window at a time, to its end.

const (
	// maxWindow is how much is read at a time, and the longest thing (a string, a tag, a
	// part) that is read in one piece.
	maxWindow = 1 << 20
	// edges is how many edges a window has: behind MaxBody, of a file that is longer than two
	// edges only the first and the last one are handed out, and of a value that is longer than a
	// window its beginning and the last one.
	edges = 64
)

// resumable reads one format from a text that comes in pieces.
type resumable interface {
	// feed reads s and returns how much of it is used up.
	feed(s string, end pieceEnd) (used int)
	// wellFormed reports whether all that was read so far was.
	wellFormed() bool
}

// pieceEnd says what follows a piece.
type pieceEnd uint8

const (
	// last: nothing follows.
	last pieceEnd = iota
	// goesOn: what is not complete is left, and comes again with more behind it.
	goesOn
	// tooLong: the same, but what is not complete is longer than a window. All is used: what
	// is there of it is handed out, and the rest is passed over when it comes.
	tooLong
)

// large is the state of walking a body that is larger than what is held.
type large struct {
	// more says that the text of the body which is being read is only its beginning, text.
	more bool
	text string
	// late says that the walk is behind that beginning.
	late     bool
	window   int
	edge     int
	open     []suspended
	skipped  int64 // bytes that were not handed out
	unpacked int   // bytes that decompression may still yield
}

// suspended is a reader that waits for more text.
type suspended struct {
	reader resumable
	path   []segment // where it stands
	left   int       // how much of the text so far it has not used
}

// forget drops what points into the request.
func (g *large) forget() {
	clear(g.open)
	g.open, g.text = g.open[:0], ""
}

func (g *large) reset(lim *Limits) {
	clear(g.open)
	*g = large{open: g.open[:0], window: min(maxWindow, lim.MaxBody), unpacked: lim.MaxUnpacked}
	g.edge = max(g.window/edges, 1)
}

// resumable returns the readers of a format that can be read in pieces, none if it cannot,
// and the text without what stands before the format. A multipart body has one for each
// boundary.
func (w *Walker) resumable(f format, s, contentType string) (readers []resumable, text string) {
	base := len(w.path)
	switch f {
	case formatForm:
		return []resumable{&formReader{w: w}}, s
	case formatJSON:
		return []resumable{&jsonReader{w: w, base: base, label: named(""), clean: true}}, s[jsonStart(s):]
	case formatXML:
		return []resumable{&xmlReader{w: w, base: base}}, s
	case formatMultipart:
		tried, n := boundaries(s, contentType)
		for _, b := range tried[:n] {
			readers = append(readers, &partsReader{w: w, boundary: strings.Clone(b), charset: partsCharset(s)})
		}
	}
	return readers, s
}

// begin reads the beginning of a large body and suspends its readers. It reports whether
// the format can be read in pieces, and whether its beginning was well-formed.
func (w *Walker) begin(f format, s, contentType string) (clean, ok bool) {
	readers, text := w.resumable(f, s, contentType)
	for _, r := range readers {
		w.suspend(r, text)
		clean = clean || r.wellFormed()
	}
	return clean, len(readers) > 0
}

// suspend lets a reader read the beginning of the body, and keeps it for what follows.
func (w *Walker) suspend(r resumable, s string) {
	base := len(w.path)
	// What begins here and is longer than a window is handed out as far as it is held.
	used := w.large.feed(r, s, goesOn, w.large.window)
	w.large.open = append(w.large.open, suspended{reader: r, path: ownPath(nil, w.path), left: len(s) - used})
	w.path = w.path[:base]
}

// feed feeds a reader so that no more than most bytes are left.
func (g *large) feed(r resumable, s string, end pieceEnd, most int) (used int) {
	used = r.feed(s, end)
	if len(s)-used > most {
		used += r.feed(s[used:], tooLong)
	}
	return used
}

// ownPath copies a path out of memory that is used again.
func ownPath(dst, path []segment) []segment {
	dst = append(dst[:0], path...)
	for i := range dst {
		dst[i].name = ownName(dst[i].name)
	}
	return dst
}

// ownName copies a name; one that no place shows whole is shortened.
func ownName(s string) string {
	return strings.Clone(s[:min(len(s), 4*maxPlaceName)])
}

// goOn feeds the suspended readers what follows the beginning of the body.
func (w *Walker) goOn(rest io.Reader) {
	g := &w.large
	keep := 0
	for i := range g.open {
		keep = max(keep, g.open[i].left)
	}
	buf := make([]byte, 2*g.window)
	n := copy(buf, g.text[len(g.text)-keep:])
	g.late = true
	for end := goesOn; end == goesOn && !w.stopped; {
		m, err := io.ReadFull(rest, buf[n:n+g.window])
		n += m
		if err != nil {
			end = last
		}
		if end == last && err != io.EOF && err != io.ErrUnexpectedEOF {
			w.unreadable(err)
		}
		if !w.spend(4 * m) { // for reading and scanning it, and once more for what is cut
			break
		}
		keep = 0
		for i := range g.open {
			o := &g.open[i]
			text := view(buf[n-m-o.left : n])
			w.path, w.placed = append(w.path[:0], o.path...), false
			used := g.feed(o.reader, text, end, g.window)
			o.path, o.left = ownPath(o.path, w.path), len(text)-used
			keep = max(keep, o.left)
		}
		clear(w.names[:]) // they lie in buf
		n = copy(buf, buf[n-keep:n])
	}
	g.late = false
}

// unreadable says why a body was not read to its end.
func (w *Walker) unreadable(err error) {
	w.truncated = true
	if !errors.Is(err, errPacked) {
		w.path, w.placed = append(w.path[:0], named("body")), false
		w.anomaly(detect.ClassProtocol, refused, "the body cannot be read to its end: "+err.Error())
	}
}

// clip hands out the first and the last bytes of a long text in a file behind the beginning of
// a large body.
func (w *Walker) clip(name, text string, index int32, isName bool) bool {
	edge := w.large.edge
	w.skip(len(text) - 2*edge)
	return w.emit(name, text[:edge], index, isName) && w.emit(name, text[len(text)-edge:], index, isName)
}

// skip notes that bytes were passed over.
func (w *Walker) skip(n int) {
	if n > 0 {
		w.large.skipped += int64(n)
		w.truncated = true
	}
}

// ending keeps the last bytes of something long that is passed over.
type ending struct {
	w *Walker
	b []byte
}

// add passes over s.
func (e *ending) add(s string) {
	edge := e.w.large.edge
	e.w.skip(len(s))
	if len(s) >= edge {
		e.b = append(e.b[:0], s[len(s)-edge:]...)
		return
	}
	if over := len(e.b) + len(s) - edge; over > 0 {
		e.b = e.b[:copy(e.b, e.b[over:])]
	}
	e.b = append(e.b, s...)
}

// take returns what was kept, and keeps nothing.
func (e *ending) take() string {
	s := string(e.b)
	e.w.large.skipped -= int64(len(s))
	e.b = e.b[:0]
	return s
}
