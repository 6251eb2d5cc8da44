package extract

import (
	"math/bits"
	"strconv"
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack/swar"
)

// declaration is what the headers say about the body.
type declaration struct {
	types        [3]string // the distinct content types
	typeCount    int
	codings      [maxCodings]string // content codings in the order in which they were applied
	codingCount  int
	grpcEncoding string
}

// anomaly records a finding about the request itself at the current place.
func (w *Walker) anomaly(class detect.Class, confidence float64, evidence string) {
	const most = 16 // an abusive request must not make a long report
	if len(w.found) >= most {
		return
	}
	l := Leaf{Source: w.source, IsName: true, w: w, start: w.pathStart, end: len(w.path)}
	if w.pathStart < len(w.path) {
		l.root = w.path[w.pathStart].name
	}
	place := l.Place()
	for i := range w.found {
		if w.found[i].Evidence == evidence && w.found[i].Place == place {
			return
		}
	}
	const longest = 120
	w.found = append(w.found, detect.Finding{
		Class: class, Place: place, Confidence: confidence,
		Evidence: strings.Clone(evidence[:min(len(evidence), longest)]),
	})
}

// protocol reads the request's framing: it notes what the headers declare about the body and
// reports what is malformed, or what two servers could understand differently (RFC 9110,
// RFC 9112; request smuggling, CWE-444).
func (w *Walker) protocol(r *detect.Request) {
	w.at(detect.SourceMethod, "method")
	if !isToken(r.Method) {
		w.anomaly(detect.ClassProtocol, 0.7, "method is no token: "+strconv.Quote(r.Method[:min(len(r.Method), 40)]))
	}
	w.protocolTarget(r.Target)
	w.at(detect.SourceHeader, "header")
	if r.HeadersTruncated {
		w.anomaly(detect.ClassProtocol, 0.85, "more headers than could be read")
	}
	w.protocolHeaders(r.Headers)
}

func (w *Walker) protocolHeaders(headers []detect.Header) {
	var host, contentType, contentLength, transfer *detect.Header
	d := &w.declared
	for i := range headers {
		h := &headers[i]
		w.headerBytes(h)
		if len(h.Name) < 4 {
			continue
		}
		switch h.Name[0] | 0x20 {
		case 'h':
			if detect.EqualFold(h.Name, "host") {
				host = w.once(host, h, 0.8)
			}
		case 't':
			if detect.EqualFold(h.Name, "transfer-encoding") {
				transfer = w.once(transfer, h, 0.8)
				w.transferEncoding(h.Value)
			}
		case 'g':
			if detect.EqualFold(h.Name, "grpc-encoding") {
				d.grpcEncoding = strings.TrimSpace(h.Value)
			}
		case 'c':
			switch {
			case detect.EqualFold(h.Name, "content-type"):
				contentType = w.once(contentType, h, 0.5)
				d.addType(h.Value)
			case detect.EqualFold(h.Name, "content-length"):
				contentLength = w.once(contentLength, h, 0.9)
				if !digits(strings.Trim(h.Value, " \t")) {
					w.anomaly(detect.ClassProtocol, 0.8, "content-length is no number: "+strconv.Quote(h.Value[:min(len(h.Value), 40)]))
				}
			case detect.EqualFold(h.Name, "content-encoding"):
				d.addCodings(h.Value)
			}
		}
	}
	if transfer != nil && contentLength != nil {
		w.anomaly(detect.ClassProtocol, 0.8, "content-length and transfer-encoding: "+transfer.Value)
	}
}

// once returns the first of the headers that must not be repeated, and reports a repetition
// with another value.
func (w *Walker) once(first, h *detect.Header, confidence float64) *detect.Header {
	if first == nil {
		return h
	}
	if first.Value != h.Value {
		w.anomaly(detect.ClassProtocol, confidence, h.Name+" twice: "+first.Value[:min(len(first.Value), 40)]+" / "+h.Value)
	}
	return first
}

// transferEncoding reports codings that are written so that only some servers see "chunked".
func (w *Walker) transferEncoding(value string) {
	chunked := 0
	for rest := value; rest != ""; {
		var c string
		c, rest, _ = strings.Cut(rest, ",")
		switch c = strings.Trim(c, " \t"); {
		case detect.EqualFold(c, "chunked"):
			chunked++
		case c == "", detect.EqualFold(c, "gzip"), detect.EqualFold(c, "deflate"), detect.EqualFold(c, "compress"),
			detect.EqualFold(c, "identity"), detect.EqualFold(c, "trailers"):
		default:
			w.anomaly(detect.ClassProtocol, 0.8, "transfer-encoding: "+strconv.Quote(value[:min(len(value), 60)]))
			return
		}
	}
	if chunked > 1 {
		w.anomaly(detect.ClassProtocol, 0.7, "transfer-encoding: chunked twice")
	}
}

// headerBytes reports bytes that end or fold a header line, and names that are no tokens.
func (w *Walker) headerBytes(h *detect.Header) {
	if !isToken(h.Name) && !(h.Name[0] == ':' && isToken(h.Name[1:])) { // ":path" as in HTTP/2
		w.anomaly(detect.ClassProtocol, 0.7, "header name is no token: "+strconv.Quote(h.Name[:min(len(h.Name), 60)]))
	}
	if !lineByteIn(h.Value) {
		return
	}
	for i := 0; i < len(h.Value); i++ {
		c := h.Value[i]
		if c != '\r' && c != '\n' && c != 0 {
			continue
		}
		confidence, what := 0.9, "line break or NUL in header "
		rest := strings.TrimLeft(h.Value[i:], "\r\n")
		if c != 0 && rest != "" && (rest[0] == ' ' || rest[0] == '\t') {
			confidence, what = 0.5, "folded header "
		}
		around := h.Value[max(0, i-20):min(len(h.Value), i+30)]
		w.anomaly(detect.ClassProtocol, confidence, what+h.Name+": "+strconv.Quote(around))
		return
	}
}

// protocolTarget reports request targets that servers decode differently: many invalid
// percent sequences, overlong UTF-8 (RFC 3629 section 3), raw control bytes.
func (w *Walker) protocolTarget(target string) {
	w.at(detect.SourcePath, "path")
	var percents, invalid, overlong, otherHigh, controls int
	at := 0
	for i := 0; i < len(target); i++ {
		if i+8 <= len(target) {
			if even := targetOddIn(swar.Load(target, i)); even > 0 {
				i += even - 1
				continue
			}
		}
		c := target[i]
		if !targetOdd[c] {
			continue
		}
		switch {
		case c == '%':
			percents++
			if i+2 < len(target) && hexDigit[target[i+1]] < 8 && hexDigit[target[i+2]] < 16 {
				i += 2 // an ASCII character
				continue
			}
			b, n := targetByte(target, i)
			if n == 1 {
				if !strings.HasPrefix(target[i+1:], "u") {
					invalid++
				}
				continue
			}
			if b >= 0x80 {
				next, m := targetByte(target, i+n)
				if overlongLead(b, next) && m > 0 {
					overlong++
					at = i
					i += n + m - 1 + continuations(target, i+n+m)
					continue
				}
				otherHigh++
			}
			i += n - 1
		case c < 0x20 || c == 0x7f:
			controls++
		case c >= 0xc0 && i+1 < len(target) && overlongLead(c, target[i+1]):
			overlong++
			at = i
			i += 1 + continuations(target, i+2)
		case c >= 0x80:
			otherHigh++
		}
	}
	if invalid >= 6 && invalid*2 > percents {
		w.anomaly(detect.ClassProtocol, 0.5, strconv.Itoa(invalid)+" invalid percent sequences")
	}
	if controls > 0 {
		w.anomaly(detect.ClassProtocol, 0.5, "control bytes in the target")
	}
	if overlong > 0 {
		// The same bytes are ordinary characters in old East Asian charsets, where they
		// rarely stand alone.
		confidence := 0.6
		if otherHigh > 0 {
			confidence = 0.3
		}
		w.anomaly(detect.ClassProtocol, confidence, "overlong UTF-8: "+strconv.Quote(target[at:min(len(target), at+24)]))
	}
}

// targetOdd are the bytes of a target that protocolTarget looks at.
var targetOdd = func() (t [256]bool) {
	for c := range t {
		t[c] = c < 0x20 || c >= 0x7f || c == '%'
	}
	return t
}()

// targetOddIn returns how many of eight bytes stand before the first that is in targetOdd.
func targetOddIn(x uint64) int {
	// Of bytes below 0x80, the high bit is set by a borrow from those below a blank and from
	// percent signs, and by a carry into 0x7f. What is above the first may be wrong.
	odd := ((x - swar.Ones*' ') | ((x ^ swar.Ones*'%') - swar.Ones) | (x + swar.Ones) | x) & swar.Highs
	return bits.TrailingZeros64(odd) >> 3
}

// targetByte returns the byte at i, percent-decoded, and how many bytes of s it took; 0 at
// the end of s.
func targetByte(s string, i int) (b byte, n int) {
	switch {
	case i >= len(s):
		return 0, 0
	case s[i] == '%' && i+2 < len(s) && hexDigit[s[i+1]] < 16 && hexDigit[s[i+2]] < 16:
		return hexDigit[s[i+1]]<<4 | hexDigit[s[i+2]], 3
	}
	return s[i], 1
}

// continuations returns the length of the continuation bytes of UTF-8 at i.
func continuations(s string, i int) int {
	start := i
	for {
		b, n := targetByte(s, i)
		if n == 0 || b < 0x80 || b >= 0xc0 {
			return i - start
		}
		i += n
	}
}

// overlongLead reports whether two bytes begin a UTF-8 sequence that is longer than needed.
func overlongLead(b, next byte) bool {
	switch b {
	case 0xc0, 0xc1:
		return next >= 0x80 && next < 0xc0
	case 0xe0:
		return next >= 0x80 && next < 0xa0
	case 0xf0:
		return next >= 0x80 && next < 0x90
	}
	return false
}

// addType notes a content type, once.
func (d *declaration) addType(t string) {
	for _, have := range d.types[:d.typeCount] {
		if have == t {
			return
		}
	}
	if d.typeCount < len(d.types) {
		d.types[d.typeCount] = t
		d.typeCount++
	}
}

// addCodings notes the codings of one Content-Encoding line.
func (d *declaration) addCodings(value string) {
	for value != "" {
		var c string
		c, value, _ = strings.Cut(value, ",")
		if c = strings.Trim(c, " \t"); c != "" && d.codingCount < len(d.codings) {
			d.codings[d.codingCount] = c
			d.codingCount++
		}
	}
}

func digits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// isToken reports whether s has only characters of methods and header names (RFC 9110
// section 5.6.2).
func isToken(s string) bool {
	ok := uint8(1)
	i := 0
	for ; i+4 <= len(s); i += 4 {
		q := s[i : i+4]
		ok &= tokenByte[q[0]] & tokenByte[q[1]] & tokenByte[q[2]] & tokenByte[q[3]]
	}
	for ; i < len(s); i++ {
		ok &= tokenByte[s[i]]
	}
	return ok == 1
}

// tokenByte is 1 for the characters of tokens.
var tokenByte = func() (t [256]uint8) {
	for c := range t {
		if plainByte[c] || strings.IndexByte("!#$%&'*+^`|~", byte(c)) >= 0 {
			t[c] = 1
		}
	}
	return t
}()
