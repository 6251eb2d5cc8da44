package extract

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
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
		{name: "bzip2", req: declared("bzip2", bzipped), want: []string{"body.json.id=1'-- {bzip2}"}},
		{name: "bzip2, undeclared", req: post("application/json", bzipped), want: []string{"body.json.id=1'-- {bzip2}"}},
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

// bzipped is {"id":"1'--"}, by bzip2 itself.
const bzipped = "\x42\x5a\x68\x39\x31\x41\x59\x26\x53\x59\x21\xea\x17\x8e\x00\x00\x05\x99\x80\x10\x82\x20\x10\x04\x20\x00\x0a\x20" +
	"\x00\x22\x1a\x30\x82\x0c\x98\x82\xa2\x61\xba\x83\x87\x8b\xb9\x22\x9c\x28\x48\x10\xf5\x0b\xc7\x00"

// What the application could unpack and the walk cannot is refused; what is no packed data is
// read as it is.
func TestCodingsThatCannotBeUndone(t *testing.T) {
	data := strings.Repeat("\x9d\x01\x90\x00\xff", 20)
	for _, row := range []struct {
		name, coding, body string
		refused            bool
	}{
		{name: "compress", coding: "compress", body: "\x1f" + data, refused: true},
		{name: "xz", coding: "xz", body: "\xfd7zXZ\x00" + data, refused: true},
		{name: "a dictionary nobody has", coding: "dcb", body: data, refused: true},
		{name: "gzip that is none", coding: "gzip", body: data, refused: true},
		{name: "harmless twin: text with a coding that is none", coding: "utf-8", body: `{"a":"b"}`},
		{name: "harmless twin: text, unpacked on the way", coding: "gzip", body: "a=b"},
		{name: "harmless twin: data in no coding", coding: "identity", body: data},
		{name: "harmless twin: data that nobody declared", body: data},
	} {
		r := post("application/octet-stream", row.body)
		if row.coding != "" {
			r = post("application/octet-stream", row.body, "Content-Encoding: "+row.coding)
		}
		_, _, found := leaves(r, Limits{}, false)
		if got := len(found) > 0 && found[0].Confidence >= 0.8; got != row.refused {
			t.Errorf("%s: found %v", row.name, found)
		}
	}
}

// A bomb is refused whatever its size, however little of it is held, wherever it stands; packed
// data of the same size whose text does not repeat itself is not.
func TestBombsOfEverySize(t *testing.T) {
	blanks := strings.Repeat(" ", 4<<20)
	words := make([]byte, 0, 1<<20)
	for i := 0; len(words) < 1<<20; i++ {
		words = fmt.Appendf(words, "%d %x\n", i, i*i*2654435761)
	}
	packers := map[string]func(string) string{"gzip": gzipped, "deflate": zlibbed, "br": brotlied, "zstd": zstded}
	for _, text := range []string{blanks, string(words)} {
		for coding, pack := range packers {
			body := pack(text + "a=1'--")
			requests := []*shapeRequest{post(formType, body, "Content-Encoding: "+coding)}
			if coding != "br" { // it has no signature
				requests = append(requests, post("", body), post("multipart/form-data; boundary=b",
					lines("--b", `Content-Disposition: form-data; name="f"; filename="g"`, "", body, "--b--")))
			}
			for i, r := range requests {
				for _, held := range []int{1 << 20, 32 << 20} {
					_, _, found := leaves(split(r, held), Limits{MaxBody: held}, false)
					if got := len(found) > 0 && found[0].Confidence >= 0.8; got != (text == blanks) {
						t.Errorf("%s, request %d: %d bytes from %d, %d held: found %v", coding, i, len(text), len(body), held, found)
					}
				}
			}
		}
	}
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
