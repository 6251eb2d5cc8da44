package extract

import (
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"kongwaf/detect"
	"kongwaf/detect/attack/work"
)

// unpacking reads what one coding hides, within the limits on ratio and on the sum of all
// that is unpacked in a walk. Its decompressors are made when first needed and reused.
type unpacking struct {
	in     bytes.Reader
	gzip   *gzip.Reader
	flate  io.ReadCloser
	brotli *brotli.Reader
	zstd   *zstd.Decoder

	w        *Walker
	r        io.Reader
	name     string
	size     int64 // of what was sent
	out      int64 // bytes read so far
	declared bool  // whoever receives the body undoes the coding too
}

// errPacked ends the reading of what is packed too densely, or is too much.
var errPacked = errors.New("more is packed than is read")

// open makes u read what p hides in a coding.
func (u *unpacking) open(w *Walker, c coding, p coded) (err error) {
	u.w, u.name, u.size, u.out = w, codingSteps[c], p.size, 0
	text := p.text
	if c == codingZlib {
		text = text[2:]
	}
	u.in.Reset(unsafeBytes(text))
	in := io.Reader(&u.in)
	if p.rest != nil {
		in = io.MultiReader(in, p.rest)
	}
	switch c {
	case codingGzip:
		if u.gzip == nil {
			u.gzip = new(gzip.Reader)
		}
		u.r, err = u.gzip, u.gzip.Reset(in)
	case codingZlib, codingDeflate:
		if u.flate == nil {
			u.flate = flate.NewReader(in)
		} else {
			err = u.flate.(flate.Resetter).Reset(in, nil)
		}
		u.r = u.flate
	case codingBrotli:
		if u.brotli == nil {
			u.brotli = brotli.NewReader(in)
		} else {
			err = u.brotli.Reset(in)
		}
		u.r = u.brotli
	case codingZstd:
		if u.zstd == nil {
			u.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
				zstd.WithDecoderMaxWindow(maxZstdWindow), zstd.IgnoreChecksum(true))
		}
		if err == nil {
			err = u.zstd.Reset(in)
		}
		u.r = u.zstd
	case codingBzip2:
		u.r = bzip2.NewReader(in)
	}
	return err
}

// Read implements io.Reader.
func (u *unpacking) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	u.out += int64(n)
	w := u.w
	w.large.unpacked -= n
	ratio := int64(w.lim.MaxRatio)
	left := w.large.unpacked
	switch {
	case !u.count(n):
	case u.out > freeInflate && u.out > ratio*u.size,
		left < 0 && u.out > ratio*(u.size-int64(u.in.Len())):
		w.anomaly(detect.ClassProtocol, refused, fmt.Sprintf("compression bomb: %s, more than %d to 1", u.name, ratio))
	case left < 0 && u.declared:
		w.anomaly(detect.ClassProtocol, refused, fmt.Sprintf("%s: more than %d bytes unpacked", u.name, w.lim.MaxUnpacked))
	case left >= 0:
		return n, err
	}
	w.truncated = true
	return n, errPacked
}

// count counts n bytes that were unpacked. A body that was sent packed may be large: its
// bounds are those of Read. What is packed beside or inside it has a budget of its own.
func (u *unpacking) count(n int) bool {
	if u.declared {
		return u.w.spend(2 * n)
	}
	dense := min(int64(n), max(0, u.out-work.DenseRatio*u.size))
	if !u.w.Work.Unpack(n, int(dense)) {
		u.w.stopped = true
	}
	return !u.w.stopped
}

// denseEnough is how many packed bytes show whether what nobody declared to be packed is a
// bomb: a file that is uploaded need not be unpacked to its end.
const denseEnough = 1 << 20

// drain reads to the end for the limits' sake, and throws away what it reads.
func (u *unpacking) drain() {
	buf := make([]byte, 32<<10)
	for u.declared || u.size-int64(u.in.Len()) < denseEnough {
		n, err := u.Read(buf)
		u.w.skip(n)
		if err != nil {
			return
		}
	}
	u.w.truncated = true
}
