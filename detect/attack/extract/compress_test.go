package extract

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"kongwaf/detect"
)

// packed compresses s with the writer that open makes.
func packed(s string, open func(io.Writer) io.WriteCloser) string {
	var b bytes.Buffer
	w := open(&b)
	io.WriteString(w, s)
	w.Close()
	return b.String()
}

func gzipped(s string) string {
	return packed(s, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
}

func zlibbed(s string) string {
	return packed(s, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) })
}

func deflated(s string) string {
	return packed(s, func(w io.Writer) io.WriteCloser { f, _ := flate.NewWriter(w, 9); return f })
}

func brotlied(s string) string {
	return packed(s, func(w io.Writer) io.WriteCloser { return brotli.NewWriter(w) })
}

func zstded(s string) string {
	return packed(s, func(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w); return z })
}

func TestCompression(t *testing.T) {
	body := `{"id":"1'--","text":"` + strings.Repeat("la ", 40) + `"}`
	declared := func(coding, body string) *shapeRequest {
		return post("application/json", body, "Content-Encoding: "+coding)
	}
	run(t, []shape{
		{name: "gzip", req: declared("gzip", gzipped(body)), want: []string{"body.json.id=1'-- {gzip}"}},
		{name: "x-gzip in capitals", req: declared("X-GZIP", gzipped(body)), want: []string{"body.json.id=1'-- {gzip}"}},
		{name: "deflate with zlib's header", req: declared("deflate", zlibbed(body)), want: []string{"body.json.id=1'-- {deflate}"}},
		{name: "deflate without", req: declared("deflate", deflated(body)), want: []string{"body.json.id=1'-- {deflate}"}},
		{name: "br", req: declared("br", brotlied(body)), want: []string{"body.json.id=1'-- {br}"}},
		{name: "zstd", req: declared("zstd", zstded(body)), want: []string{"body.json.id=1'-- {zstd}"}},
		{name: "stacked", req: declared("gzip, br", brotlied(gzipped(body))), want: []string{"body.json.id=1'-- {br,gzip}"}},
		{
			name: "stacked in two header lines",
			req:  post("application/json", zstded(gzipped(body)), "Content-Encoding: gzip", "Content-Encoding: zstd"),
			want: []string{"body.json.id=1'-- {zstd,gzip}"},
		},
		{name: "undeclared", req: post("application/json", gzipped(body)), want: []string{"body.json.id=1'-- {gzip}"}},
		{name: "twice, declared once", req: declared("gzip", gzipped(gzipped(body))), want: []string{"body.json.id=1'-- {gzip,gzip}"}},
		{name: "declared, but plain", req: declared("gzip", body), want: []string{"body.json.id=1'--"}},
		{name: "declared wrongly", req: declared("br", gzipped(body)), want: []string{"body.json.id=1'-- {gzip}"}},
		{name: "a damaged checksum", req: declared("gzip", gzipped(body)[:len(gzipped(body))-6]), want: []string{"body.json.id=1'-- {gzip}"}},
	})
}

func TestCompressionBomb(t *testing.T) {
	bomb := gzipped(strings.Repeat("\x00", 16<<20))
	_, truncated, found := leaves(post("", bomb), Limits{}, false)
	if !truncated || len(found) != 1 || found[0].Class != detect.ClassProtocol || found[0].Confidence < 0.7 {
		t.Errorf("truncated %v, found %v", truncated, found)
	}
	_, truncated, found = leaves(post("", gzipped(strings.Repeat("all work and no play. ", 1<<14))), Limits{}, false)
	if truncated || len(found) != 0 {
		t.Errorf("harmless twin: truncated %v, found %v", truncated, found)
	}
}

func TestInflateLimit(t *testing.T) {
	text := strings.Repeat("abcdefghij", 1000)
	got, truncated, _ := leaves(post("text/plain", gzipped(text)), Limits{MaxBody: 5000}, false)
	if !truncated || len(got[len(got)-1]) > 5100 {
		t.Errorf("truncated %v, last leaf of %d bytes", truncated, len(got[len(got)-1]))
	}
}
