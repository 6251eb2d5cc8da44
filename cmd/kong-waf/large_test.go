package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// part returns one part of a multipart body whose boundary is "cut".
func part(name, more, content string) string {
	return fmt.Sprintf("--cut\r\nContent-Disposition: form-data; name=%q%s\r\n\r\n%s\r\n", name, more, content)
}

// gzipOf compresses count times text, and what is behind it.
func gzipOf(count int, text, behind string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	for range count {
		io.WriteString(z, text)
	}
	io.WriteString(z, behind)
	z.Close()
	return b.String()
}

// noise returns n random bytes.
func noise(n int) string {
	b := make([]byte, n)
	rnd := rand.NewChaCha8([32]byte{1})
	rnd.Read(b)
	return string(b)
}

// TestLargeBodies hides an attack behind more than is held of a body. Kong hands all these
// bodies over in files. The harmless twins pass.
func TestLargeBodies(t *testing.T) {
	s := newSystem(t, deckWith(`
          - name: waf-detect
            config: {timeout_ms: 60000, on_error: deny}
`))
	const (
		multipart = "multipart/form-data; boundary=cut"
		attack    = "1' or 1=1 -- "
		harmless  = "it's 1 or 2"
	)
	upload := 100 << 20
	if testing.Short() {
		upload = 20 << 20
	}
	file := strings.Repeat(noise(1<<20), upload>>20)
	record := `{"id":123456,"name":"Ann O'Neill","tags":["red","green"],"note":"a few words, and (some) more"},` + "\n"
	records := func(n int) string { return strings.Repeat(record, n/len(record)+1) }
	var lines strings.Builder
	for lines.Len() < 12<<20 {
		fmt.Fprintf(&lines, `{"at":%d,"level":"info","user":"u%x","text":"it took %d ms to load (%x)"}`+"\n", lines.Len(), rand.Int(), rand.IntN(900), rand.Int())
	}
	blanks := strings.Repeat(" ", 1<<20)
	for _, row := range []struct {
		name, contentType, coding string
		body                      func(value string) string
	}{
		{name: "form field behind a large file", contentType: multipart, body: func(v string) string {
			return part("f", `; filename="a.bin"`, file) + part("q", "", v) + "--cut--\r\n"
		}},
		{name: "last member of 9 MB of JSON", contentType: "application/json", body: func(v string) string {
			return `{"rows":[` + records(9<<20) + `{}],"q":"` + v + `"}`
		}},
		{name: "last field of a large form", contentType: formType, body: func(v string) string {
			return strings.Repeat("text=a+few+words+of+prose&", 9<<20/26) + "q=" + strings.ReplaceAll(v, " ", "+")
		}},
		{name: "behind one long string", contentType: "application/json", body: func(v string) string {
			return `{"data":"` + strings.Repeat("QUJDREVG", 9<<20/8) + `","q":"` + v + `"}`
		}},
		{name: "at the end of one long string", contentType: "application/json", body: func(v string) string {
			return `{"q":"` + strings.Repeat("some words ", 9<<20/11) + v + `"}`
		}},
		{name: "last element of large XML", contentType: "application/xml", body: func(v string) string {
			return `<?xml version="1.0"?><r>` + strings.Repeat("<row id='1'><name>Ann</name></row>\n", 9<<20/35) + "<q>" + v + "</q></r>"
		}},
		{name: "last line of packed NDJSON", contentType: "application/x-ndjson", coding: "gzip", body: func(v string) string {
			return gzipOf(1, lines.String(), `{"q":"`+v+`"}`)
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			headers := []string{"Content-Type", row.contentType}
			if row.coding != "" {
				headers = append(headers, "Content-Encoding", row.coding)
			}
			require.Equal(t, 403, s.send(t, "POST", "/r", row.body(attack), headers...).Status)
			require.Equal(t, 200, s.send(t, "POST", "/r", row.body(harmless), headers...).Status, s.logs.String())
			runtime.GC()
		})
	}
	for name, body := range map[string]string{
		"90 MB of blanks and an attack": gzipOf(90, blanks, "q="+attack),
		"90 MB of blanks":               gzipOf(90, blanks, ""),
		"300 MB of blanks":              gzipOf(300, blanks, ""),
	} {
		require.Equal(t, 403, s.send(t, "POST", "/r", body, "Content-Encoding", "gzip", "Content-Type", formType).Status, name)
		require.Equal(t, 403, s.send(t, "POST", "/r", body, "Content-Type", "text/plain").Status, name+", not declared")
	}
}
