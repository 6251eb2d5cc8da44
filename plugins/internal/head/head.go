// Package head reads the head of an HTTP/1 request as a client sent it: the request line and
// the header lines, byte for byte.
//
// Parse takes only a head that follows the grammar of RFC 9112 to its last byte, because what
// Kong hands over is not always what the client sent. nginx's Lua module, which reads it back
// from nginx's buffers, shows a LF for a blank behind a value, a LF for every colon behind a
// line without one, a colon for the end of such a line, and nothing at all of what follows
// the first empty line (see kong/gateway/rawhead). Every one of these leaves something in the
// head that Parse refuses, so what it accepts is what nginx has understood, and at most more:
// nginx drops headers with odd names. Of a head that Parse refuses, Lines returns whatever may
// be a header; what nginx has understood must then be asked for.
package head

import (
	"strings"

	"kongwaf/detect"
)

// Head is a request's head. Its strings are pieces of the text that it was read from. Blanks
// around a value are left out, as nginx leaves them out; tabs are not.
type Head struct {
	Method, Target, Proto string
	Headers               []detect.Header
}

// Parse reads a head, the empty line at its end included. It reports false, and the head is
// of no use, unless the text is
//
//	token SP target SP ("HTTP/1.0" / "HTTP/1.1") CRLF *( token ":" value CRLF ) CRLF
//
// with nothing but visible bytes in the target, these, blanks and tabs in a value, and a blank
// or a tab before a value that is not empty. The grammar lets that blank out, but so does the
// module where it takes two names for one header.
func Parse(text string) (h Head, ok bool) {
	lines := strings.Count(text, "\n")
	if lines < 2 {
		return Head{}, false
	}
	rest, ok := h.requestLine(text)
	if !ok {
		return Head{}, false
	}
	h.Headers = make([]detect.Header, 0, lines-2)
	for {
		if rest == "\r\n" {
			return h, true
		}
		end := span(rest, token)
		if end == 0 || end == len(rest) || rest[end] != ':' {
			return Head{}, false
		}
		name := rest[:end]
		rest = rest[end+1:]
		end = span(rest, printed)
		if !strings.HasPrefix(rest[end:], "\r\n") || end > 0 && rest[0] != ' ' && rest[0] != '\t' {
			return Head{}, false
		}
		h.Headers = append(h.Headers, detect.Header{Name: name, Value: strings.Trim(rest[:end], " ")})
		rest = rest[end+2:]
	}
}

// requestLine reads the first line and returns what follows it.
func (h *Head) requestLine(text string) (rest string, ok bool) {
	end := span(text, token)
	if end == 0 || end == len(text) || text[end] != ' ' {
		return "", false
	}
	h.Method, text = text[:end], text[end+1:]
	end = span(text, visible)
	if end == 0 || end == len(text) || text[end] != ' ' {
		return "", false
	}
	h.Target, text = text[:end], text[end+1:]
	for _, proto := range [...]string{"HTTP/1.1", "HTTP/1.0"} {
		if rest, ok = strings.CutPrefix(text, proto+"\r\n"); ok {
			h.Proto = proto
			return rest, true
		}
	}
	return "", false
}

// Lines returns everything behind the first line of a head that may be a header, however the
// line ends. A line without a colon is a value without a name.
func Lines(text string) []detect.Header {
	_, text, _ = strings.Cut(text, "\n")
	var headers []detect.Header
	for line := range strings.SplitSeq(text, "\n") {
		name, value, colon := strings.Cut(line, ":")
		if !colon {
			name, value = "", line
		}
		if value = strings.Trim(value, " \r"); colon || value != "" {
			headers = append(headers, detect.Header{Name: strings.Trim(name, " \r"), Value: value})
		}
	}
	return headers
}

// class is a set of bytes.
type class uint8

const (
	token   class = 1 << iota // of names and methods (RFC 9110 section 5.6.2)
	visible                   // of targets: anything but blanks and control bytes
	printed                   // of values: visible ones, blanks, tabs (RFC 9110 section 5.5)
)

var classes = func() (t [256]class) {
	for c := range t {
		if c > ' ' && c != 0x7f {
			t[c] |= visible | printed
		}
		if c == ' ' || c == '\t' {
			t[c] |= printed
		}
		letter := 'a' <= c|0x20 && c|0x20 <= 'z' && c < 0x80
		if letter || '0' <= c && c <= '9' || c < 0x80 && strings.IndexByte("!#$%&'*+-.^_`|~", byte(c)) >= 0 {
			t[c] |= token
		}
	}
	return t
}()

// span returns how many bytes at the beginning of s are of the class.
func span(s string, of class) int {
	i := 0
	for ; i+4 <= len(s); i += 4 {
		q := s[i : i+4]
		if classes[q[0]]&classes[q[1]]&classes[q[2]]&classes[q[3]]&of == 0 {
			break
		}
	}
	for i < len(s) && classes[s[i]]&of != 0 {
		i++
	}
	return i
}
