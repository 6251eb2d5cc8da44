package extract

import (
	"errors"
	"io"
	"strings"

	"kongwaf/detect"
)

const (
	maxCodings    = 6         // how many stacked codings are undone
	freeInflate   = 512 << 10 // bytes of output that no ratio forbids
	maxZstdWindow = 8 << 20   // RFC 8878 section 3.1.1.1.2 asks decoders for no more
	// refused is the confidence of a finding for what the application could read and the
	// walk could not: nothing of it is known.
	refused = 0.85
)

// coded is a text whose coding may have to be undone: its first bytes, and what follows.
type coded struct {
	text string
	rest io.Reader // nil if text is all
	size int64     // of the whole, as it was sent
	// from is what rest comes from, if a coding was undone.
	from *unpacking
}

// decompress undoes the declared content codings from the last to the first (RFC 9110
// section 8.4), then whatever codings the bytes themselves show: back ends and middleware
// inflate by looks as well. A coding that does not fit the bytes is passed over where they
// are text, and refused where they are not. Damaged streams yield what came out before the
// damage.
func (w *Walker) decompress(p coded) coded {
	d := &w.declared
	for i := d.codingCount - 1; i >= 0; i-- {
		if detect.EqualFold(d.codings[i], "identity") {
			continue
		}
		if out, ok := w.inflate(codingOf(d.codings[i], p.text), p, true); ok {
			p = out
		} else if sniffCoding(p.text) == codingNone && !looksText(p.text[:min(len(p.text), lookAt)]) {
			w.anomaly(detect.ClassProtocol, refused, "content-encoding that cannot be undone: "+d.codings[i])
		}
	}
	return w.decompressLooks(p)
}

// lookAt is how many bytes tell text from binary data.
const lookAt = 4 << 10

// decompressLooks undoes the codings that the bytes themselves show.
func (w *Walker) decompressLooks(p coded) coded {
	for range maxCodings {
		out, ok := w.inflate(sniffCoding(p.text), p, false)
		if !ok {
			break
		}
		p = out
	}
	return p
}

// unpack undoes the codings that a text shows by itself, up to MaxBody bytes of it.
func (w *Walker) unpack(s string) string {
	p := w.decompressLooks(coded{text: s, size: int64(len(s))})
	if p.from != nil {
		p.from.drain()
	}
	return p.text
}

// coding is a content coding.
type coding uint8

const (
	codingNone coding = iota
	codingGzip
	codingZlib
	codingDeflate
	codingBrotli
	codingZstd
	codingBzip2
)

var codingSteps = [...]string{"", "gzip", "deflate", "deflate", "br", "zstd", "bzip2"}

func codingOf(name, s string) coding {
	switch {
	case detect.EqualFold(name, "gzip"), detect.EqualFold(name, "x-gzip"):
		return codingGzip
	case detect.EqualFold(name, "deflate"):
		if looksZlib(s) {
			return codingZlib
		}
		return codingDeflate
	case detect.EqualFold(name, "br"):
		return codingBrotli
	case detect.EqualFold(name, "zstd"):
		return codingZstd
	case detect.EqualFold(name, "bzip2"), detect.EqualFold(name, "x-bzip2"), detect.EqualFold(name, "bzip"), detect.EqualFold(name, "x-bzip"):
		return codingBzip2
	}
	return codingNone
}

func sniffCoding(s string) coding {
	switch {
	case strings.HasPrefix(s, "\x1f\x8b\x08"):
		return codingGzip
	case strings.HasPrefix(s, "\x28\xb5\x2f\xfd"):
		return codingZstd
	case len(s) > 6 && looksZlib(s) && s[0] == 0x78:
		return codingZlib
	case strings.HasPrefix(s, "BZh") && len(s) > 10 && (s[4:10] == "1AY&SY" || s[4:10] == "\x17\x72\x45\x38\x50\x90"):
		return codingBzip2
	}
	return codingNone
}

// looksZlib reports whether s begins with a zlib header (RFC 1950 section 2.2).
func looksZlib(s string) bool {
	return len(s) > 2 && s[0]&0x0f == 8 && s[0]>>4 <= 7 && (uint(s[0])<<8|uint(s[1]))%31 == 0 && s[1]&0x20 == 0
}

// inflate undoes one coding and reports whether anything came out. Up to MaxBody bytes of
// it are the text; if there may be more, it is the rest.
func (w *Walker) inflate(c coding, p coded, declared bool) (coded, bool) {
	if c == codingNone {
		return p, false
	}
	if p.from != nil {
		w.unpacking = nil // it goes on being read
	}
	if w.unpacking == nil {
		w.unpacking = new(unpacking)
	}
	u := w.unpacking
	if u.open(w, c, p) != nil {
		return p, false
	}
	u.declared = declared
	out, more, err := w.readAll(u, int(min(p.size, int64(w.lim.MaxBody))))
	if len(out) == 0 {
		return p, false
	}
	// A few bytes before an error are what any junk yields.
	if err != nil && len(out) < 8 {
		return p, false
	}
	w.step(u.name)
	p = coded{text: out, size: p.size}
	if more {
		p.rest, p.from = u, u
	}
	return p, true
}

// readAll reads what a decompressor yields, up to MaxBody bytes, and reports whether there
// may be more.
func (w *Walker) readAll(r io.Reader, compressed int) (text string, more bool, err error) {
	limit := w.lim.MaxBody
	room := w.scratch.room(min(limit, max(4*compressed, arenaMin)))
	for len(room) < limit {
		if len(room) == cap(room) {
			// Moves to a larger buffer; the text so far is copied along.
			larger := w.scratch.room(min(limit, 2*cap(room)))
			room = append(larger, room...)
		}
		n, err := r.Read(room[len(room):min(cap(room), limit)])
		room = room[:len(room)+n]
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return w.scratch.keep(room), false, err
		}
	}
	return w.scratch.keep(room), true, nil
}
