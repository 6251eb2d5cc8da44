package head

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/detect"
	"kongwaf/kong/gateway/rawhead"
)

// grammar is Parse's grammar as a regular expression, its slow and obvious twin.
var (
	wholeGrammar = regexp.MustCompile("^([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([^\\x00-\\x20\\x7f]+) (HTTP/1\\.[01])\r\n((?:" + lineGrammar + ")*)\r\n$")
	oneLine      = regexp.MustCompile("^(?:" + lineGrammar + ")")
)

const lineGrammar = "([!#$%&'*+.^_`|~0-9A-Za-z-]+):((?:[ \\t][^\\x00-\\x08\\x0a-\\x1f\\x7f]*)?)\r\n"

// slow is the twin. Regular expressions read runes: every byte becomes one.
func slow(text string) (h Head, ok bool) {
	m := wholeGrammar.FindStringSubmatch(runes(text))
	if m == nil {
		return Head{}, false
	}
	h = Head{Method: octets(m[1]), Target: octets(m[2]), Proto: m[3], Headers: []detect.Header{}}
	for rest := m[4]; rest != ""; {
		line := oneLine.FindStringSubmatch(rest)
		h.Headers = append(h.Headers, detect.Header{Name: octets(line[1]), Value: strings.Trim(octets(line[2]), " ")})
		rest = rest[len(line[0]):]
	}
	return h, true
}

func runes(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}

func octets(s string) string {
	var b []byte
	for _, r := range s {
		b = append(b, byte(r))
	}
	return string(b)
}

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		ok         bool
	}{
		{name: "plain", text: "GET /a?b=c HTTP/1.1\r\nHost: x\r\nA: 1\r\n\r\n", ok: true},
		{name: "no header at all", text: "GET / HTTP/1.0\r\n\r\n", ok: true},
		{name: "an empty value", text: "GET / HTTP/1.1\r\nA:\r\n\r\n", ok: true},
		{name: "a value of blanks", text: "GET / HTTP/1.1\r\nA:   \r\n\r\n", ok: true},
		{name: "bytes that are no UTF-8", text: "GET /\xff HTTP/1.1\r\nA: \xff\xfe\r\n\r\n", ok: true},
		{name: "a tab in a value", text: "GET / HTTP/1.1\r\nA: \t1\t2\t\r\n\r\n", ok: true},
		{name: "underscore and dot in names", text: "GET / HTTP/1.1\r\nA_B: 1\r\nA.B: 2\r\n\r\n", ok: true},
		{name: "absolute form", text: "GET http://a/b HTTP/1.1\r\n\r\n", ok: true},
		{name: "a value that touches its colon", text: "GET / HTTP/1.1\r\nA:1\r\n\r\n"},
		{name: "LF for a blank behind a value", text: "GET / HTTP/1.1\r\nA: 1\n\r\nB: 2\r\n\r\n"},
		{name: "LF for a colon", text: "GET / HTTP/1.1\r\nA\n 1\r\n\r\n"},
		{name: "a line without a colon", text: "GET / HTTP/1.1\r\nA\r\n\r\n"},
		{name: "a line without a name", text: "GET / HTTP/1.1\r\n: 1\r\n\r\n"},
		{name: "lines that end in LF", text: "GET / HTTP/1.1\nA: 1\n\n"},
		{name: "one line that ends in LF", text: "GET / HTTP/1.1\r\nA: 1\nB: 2\r\n\r\n"},
		{name: "a CR inside", text: "GET / HTTP/1.1\r\nA: 1\rB: 2\r\n\r\n"},
		{name: "two CRs at the end", text: "GET / HTTP/1.1\r\nA: 1\r\r\n\r\n"},
		{name: "a folded line", text: "GET / HTTP/1.1\r\nA: 1\r\n 2\r\n\r\n"},
		{name: "a blank before the colon", text: "GET / HTTP/1.1\r\nA : 1\r\n\r\n"},
		{name: "NUL in a value", text: "GET / HTTP/1.1\r\nA: 1\x002\r\n\r\n"},
		{name: "a control byte in a value", text: "GET / HTTP/1.1\r\nA: 1\x012\r\n\r\n"},
		{name: "DEL in a value", text: "GET / HTTP/1.1\r\nA: 1\x7f2\r\n\r\n"},
		{name: "high bytes in a name", text: "GET / HTTP/1.1\r\nA\xe9: 1\r\n\r\n"},
		{name: "an empty line in the middle", text: "GET / HTTP/1.1\r\nA: 1\r\n\r\nB: 2\r\n\r\n"},
		{name: "no empty line at the end", text: "GET / HTTP/1.1\r\nA: 1\r\n"},
		{name: "something behind the end", text: "GET / HTTP/1.1\r\n\r\nx"},
		{name: "several blanks in the request line", text: "GET  /  HTTP/1.1\r\n\r\n"},
		{name: "a blank in the target", text: "GET /a b HTTP/1.1\r\n\r\n"},
		{name: "another version", text: "GET / HTTP/1.2\r\n\r\n"},
		{name: "no version", text: "GET /\r\n\r\n"},
		{name: "no target", text: "GET HTTP/1.1\r\n\r\n"},
		{name: "a control byte in the target", text: "GET /\x01 HTTP/1.1\r\n\r\n"},
		{name: "the request line alone, as over HTTP/2", text: "GET / HTTP/2.0"},
		{name: "nothing"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, ok := Parse(tc.text)
			require.Equal(t, tc.ok, ok)
			want, ok := slow(tc.text)
			require.Equal(t, tc.ok, ok, "the slow twin")
			require.Equal(t, want, got)
		})
	}
}

func TestLines(t *testing.T) {
	got := Lines("GET / HTTP/1.1\r\nA: 1\n\r\nB\n <b>\r\nC:2\r\n\r\n")
	require.Equal(t, []detect.Header{{Name: "A", Value: "1"}, {Value: "B"}, {Value: "<b>"}, {Name: "C", Value: "2"}}, got)
}

func FuzzParse(f *testing.F) {
	f.Add("GET /a?b=c HTTP/1.1\r\nHost: x\r\nA: 1\r\n\r\n")  // regular
	f.Add("GET / HTTP/1.1\r\nA: 1\n\r\nB: 2\r\n\r\n")        // LF for a blank
	f.Add("GET / HTTP/1.1\r\nA\n \xff\r\nB:\t2\x7f\r\n\r\n") // LF for a colon, odd bytes
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := Parse(text)
		want, slowOK := slow(text)
		if ok != slowOK {
			t.Fatalf("%q: Parse says %v, the grammar %v", text, ok, slowOK)
		}
		if ok {
			require.Equal(t, want, got, "%q", text)
		}
	})
}

// nginx is what nginx understands of a header section: by lines, whatever ends them. It
// reports false for one that nginx answers with 400.
func nginx(head string) (headers []detect.Header, ok bool) {
	_, rest, _ := strings.Cut(head, "\n")
	for {
		line, after, found := strings.Cut(rest, "\n")
		if !found {
			return nil, false
		}
		rest = after
		if line = strings.TrimRight(line, "\r"); line == "" {
			return headers, true
		}
		name, value, _ := strings.Cut(line, ":")
		if name == "" || strings.ContainsAny(line, "\r\x00") || strings.ContainsAny(name, " \t") {
			return nil, false
		}
		if strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789-_") == "" {
			headers = append(headers, detect.Header{Name: name, Value: strings.Trim(value, " ")})
		}
	}
}

// unseen returns a header that nginx understands and the fast path would not know of,
// wherever in the head one of nginx's buffers ends and the next begins.
func unseen(head string) *detect.Header {
	understood, ok := nginx(head)
	if !ok {
		return nil
	}
	if h := missing(understood, rawhead.Show([]byte(head))); h != nil {
		return h
	}
	for i := range len(head) - 1 {
		if head[i] == '\n' {
			if h := missing(understood, rawhead.Show([]byte(head), i+1)); h != nil {
				return h
			}
		}
	}
	return nil
}

// missing returns one of the headers that Parse does not find in the text that it accepts.
func missing(understood []detect.Header, text string) *detect.Header {
	parsed, ok := Parse(text)
	if !ok {
		return nil // Kong is asked
	}
	for i, want := range understood {
		found := false
		for _, have := range parsed.Headers {
			found = found || have == want
		}
		if !found {
			return &understood[i]
		}
	}
	return nil
}

// TestNothingUnseen goes through every header section of up to four lines from the shapes
// that confuse nginx's module, and finds each header that nginx understands in what Parse
// accepts.
func TestNothingUnseen(t *testing.T) {
	lines := []string{"A: 1\r\n", "B: 2 \r\n", "C: 3\n", "D: 4 \n", "E\r\n", "F\n", "G:\r\n", "H:\n", "I.J: 5\r\n", "K: 6\r\r\n", "L\r\r\n", "M:7\r\n", "N: 8  \r\n"}
	ends := []string{"\r\n", "\n"}
	tried, accepted := 0, 0
	var walk func(head string, left int)
	walk = func(head string, left int) {
		for _, end := range ends {
			tried++
			if h := unseen(head + end); h != nil {
				t.Fatalf("%q: %v is not seen", head+end, *h)
			}
			if _, ok := Parse(rawhead.Show([]byte(head + end))); ok {
				accepted++
			}
		}
		if left > 0 {
			for _, line := range lines {
				walk(head+line, left-1)
			}
		}
	}
	walk("GET / HTTP/1.1\r\n", 4)
	if accepted == 0 || accepted == tried {
		t.Errorf("of %d heads %d were accepted: nothing was tried", tried, accepted)
	}
}

func FuzzNothingUnseen(f *testing.F) {
	f.Add("A: 1\r\nE\nF\r\nB: <b>\r\n\r\n")    // two names without colons
	f.Add("A: 1 \r\nB: 2 \nC\r\r\nD: 4\r\n\n") // blanks, LF, CR CR LF
	f.Fuzz(func(t *testing.T, lines string) {
		if h := unseen("GET / HTTP/1.1\r\n" + lines); h != nil {
			t.Fatalf("%q: %v is not seen", lines, *h)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	text := "GET /api/v1/orders?customer=4711&status=open HTTP/1.1\r\nHost: shop.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n" +
		"Accept: application/json, text/plain, */*\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\nReferer: https://shop.example.com/account/orders\r\n" +
		"Cookie: session=8f14e45fceea167a5a36dedd4bea2543; theme=dark\r\nSec-Fetch-Mode: cors\r\n\r\n"
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, ok := Parse(text); !ok {
			b.Fatal("refused")
		}
	}
}
