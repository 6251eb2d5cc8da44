package extract

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"kongwaf/detect"
)

// inflaters are the decompressors of a Walker, made when first needed and reused.
type inflaters struct {
	in     bytes.Reader
	gzip   *gzip.Reader
	flate  io.ReadCloser
	brotli *brotli.Reader
	zstd   *zstd.Decoder
}

const (
	maxCodings    = 6         // how many stacked codings are undone
	freeInflate   = 512 << 10 // bytes of output that no ratio forbids
	maxZstdWindow = 8 << 20   // RFC 8878 section 3.1.1.1.2 asks decoders for no more
)

// decompress undoes the declared content codings from the last to the first (RFC 9110
// section 8.4), then whatever codings the bytes themselves show: back ends and middleware
// inflate by looks as well. A coding that does not fit the bytes is passed over. Damaged
// streams yield what came out before the damage.
func (w *Walker) decompress(s string) string {
	d := &w.declared
	for i := d.codingCount - 1; i >= 0; i-- {
		if out, ok := w.inflate(codingOf(d.codings[i], s), s); ok {
			s = out
		}
	}
	return w.decompressLooks(s)
}

// decompressLooks undoes the codings that the bytes themselves show.
func (w *Walker) decompressLooks(s string) string {
	for range maxCodings {
		out, ok := w.inflate(sniffCoding(s), s)
		if !ok {
			break
		}
		s = out
	}
	return s
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
)

var codingSteps = [...]string{"", "gzip", "deflate", "deflate", "br", "zstd"}

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
	}
	return codingNone
}

// looksZlib reports whether s begins with a zlib header (RFC 1950 section 2.2).
func looksZlib(s string) bool {
	return len(s) > 2 && s[0]&0x0f == 8 && s[0]>>4 <= 7 && (uint(s[0])<<8|uint(s[1]))%31 == 0 && s[1]&0x20 == 0
}

// inflate undoes one coding and reports whether anything came out.
func (w *Walker) inflate(c coding, s string) (string, bool) {
	f := &w.inflaters
	var r io.Reader
	var err error
	f.in.Reset(unsafeBytes(s))
	switch c {
	case codingGzip:
		if f.gzip == nil {
			f.gzip = new(gzip.Reader)
		}
		err = f.gzip.Reset(&f.in)
		r = f.gzip
	case codingZlib, codingDeflate:
		if c == codingZlib {
			f.in.Reset(unsafeBytes(s[2:]))
		}
		if f.flate == nil {
			f.flate = flate.NewReader(&f.in)
		} else {
			err = f.flate.(flate.Resetter).Reset(&f.in, nil)
		}
		r = f.flate
	case codingBrotli:
		if f.brotli == nil {
			f.brotli = brotli.NewReader(&f.in)
		} else {
			err = f.brotli.Reset(&f.in)
		}
		r = f.brotli
	case codingZstd:
		if f.zstd == nil {
			f.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
				zstd.WithDecoderMaxWindow(maxZstdWindow), zstd.IgnoreChecksum(true))
		}
		if err == nil {
			err = f.zstd.Reset(&f.in)
		}
		r = f.zstd
	default:
		return "", false
	}
	if err != nil {
		return "", false
	}
	out, err := w.readAll(r, len(s), codingSteps[c])
	if len(out) == 0 {
		return "", false
	}
	// A few bytes before an error are what any junk yields.
	if err != nil && len(out) < 8 {
		return "", false
	}
	w.step(codingSteps[c])
	return out, true
}

// readAll reads what a decompressor yields, up to the limits on size and ratio.
func (w *Walker) readAll(r io.Reader, compressed int, name string) (string, error) {
	limit := min(w.lim.MaxBody, max(freeInflate, compressed*w.lim.MaxRatio))
	room := w.scratch.room(min(limit, max(4*compressed, arenaMin)))
	for {
		if len(room) == cap(room) {
			if len(room) >= limit {
				break
			}
			// Moves to a larger buffer; the text so far is copied along.
			larger := w.scratch.room(min(limit, 2*cap(room)))
			room = append(larger, room...)
		}
		n, err := r.Read(room[len(room):min(cap(room), limit)])
		room = room[:len(room)+n]
		if !w.Work.Unpack(n) {
			w.stopped = true
			return "", nil
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return w.scratch.keep(room), err
		}
		if len(room) >= limit {
			break
		}
	}
	w.truncated = true
	if ratio := len(room) / max(compressed, 1); ratio >= w.lim.MaxRatio {
		w.anomaly(detect.ClassProtocol, 0.8, fmt.Sprintf("compression bomb: %s, more than %d to 1", name, ratio))
	}
	return w.scratch.keep(room), nil
}
