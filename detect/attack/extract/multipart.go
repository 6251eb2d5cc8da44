package extract

import (
	"strings"

	"kongwaf/detect"
)

// maxInner is how many multipart bodies may stand inside each other.
const maxInner = 3

// multipart hands out a multipart body (RFC 2046 section 5.1, RFC 7578): of each part the
// field names, the file names, the values of its other headers, and the content with its
// transfer encoding and charset undone. It takes line ends of LF, a missing final boundary,
// text outside the parts, and a boundary that is only in the body. Where the declared
// boundary and the body's own disagree, it reads both ways. It reports whether there was a
// part and nothing odd.
func (w *Walker) multipart(s, contentType string, inner int) (clean bool) {
	if inner > maxInner {
		w.truncated = true
		return false
	}
	var tried [4]string
	n := 0
	add := func(b string) {
		for _, t := range tried[:n] {
			if t == b {
				return
			}
		}
		if b != "" && len(b) <= 256 && n < len(tried) {
			tried[n] = b
			n++
		}
	}
	_, rest, _ := strings.Cut(contentType, ";")
	for rest != "" {
		var name, value string
		name, value, rest = nextParam(rest)
		if detect.EqualFold(name, "boundary") && n < 2 {
			add(value)
			// A lenient reader keeps what a strict one takes off.
			if i := strings.IndexAny(value, " ,"); i > 0 {
				add(value[:i])
			}
		}
	}
	add(sniffBoundary(s[skipSpace(s, 0):]))
	for _, b := range tried[:n] {
		if !w.stopped && w.parts(s, b, inner) {
			clean = true
		}
	}
	return clean
}

// sniffBoundary returns the boundary of a body that begins with one: "--boundary", a line
// end, and a header.
func sniffBoundary(s string) string {
	if !strings.HasPrefix(s, "--") {
		return ""
	}
	end := strings.IndexByte(s[:min(len(s), 260)], '\n')
	if end < 3 {
		return ""
	}
	boundary := strings.TrimRight(s[2:end], " \t\r")
	head := strings.TrimLeft(s[end+1:min(len(s), end+80)], " \t\r\n")
	if boundary == "" || strings.ContainsAny(boundary, " \t") && !strings.HasPrefix(head, "Content-") {
		return ""
	}
	if i := strings.IndexByte(head, ':'); i <= 0 || !isPlain(head[:i]) || !contains(head[:i], "content-") {
		return ""
	}
	return boundary
}

// delimiter returns where "--boundary" stands in s at the start of a line, -1 if nowhere.
func delimiter(s, boundary string, from int) int {
	for from < len(s) {
		i := strings.Index(s[from:], boundary)
		if i < 0 {
			return -1
		}
		i += from
		if i >= 2 && s[i-2:i] == "--" && (i == 2 || s[i-3] == '\n' || s[i-3] == '\r') && delimiterEnds(s[i+len(boundary):]) {
			return i - 2
		}
		from = i + len(boundary)
	}
	return -1
}

// delimiterEnds reports whether what follows a boundary ends the delimiter, rather than
// making it another, longer one.
func delimiterEnds(rest string) bool {
	return rest == "" || rest[0] == '\r' || rest[0] == '\n' || rest[0] == ' ' || rest[0] == '\t' || strings.HasPrefix(rest, "--")
}

// parts reads the parts between the delimiters and reports whether there was one.
func (w *Walker) parts(s, boundary string, inner int) bool {
	at := delimiter(s, boundary, 0)
	if at < 0 {
		return false
	}
	w.outside(s[:at])
	found := false
	for at >= 0 && !w.stopped {
		begin := at + 2 + len(boundary)
		next := delimiter(s, boundary, begin)
		end := len(s)
		if next >= 0 {
			end = next
		}
		part := s[begin:end]
		at = next
		if strings.HasPrefix(part, "--") {
			// The final delimiter; some readers go on behind it.
			w.outside(part[2:])
			continue
		}
		eol := strings.IndexByte(part, '\n')
		if eol < 0 {
			w.outside(part)
			continue
		}
		if line := strings.TrimSpace(part[:eol]); line != "" {
			w.outside(line)
		}
		part = strings.TrimSuffix(part[eol+1:], "\n")
		part = strings.TrimSuffix(part, "\r")
		found = true
		w.part(part, inner)
	}
	return found
}

// outside hands out text before, between and behind the parts.
func (w *Walker) outside(s string) {
	if s = strings.TrimSpace(s); s != "" {
		w.plain(named("outside"), s)
	}
}

// part hands out one part: header lines, an empty line, content.
func (w *Walker) part(s string, inner int) {
	var field, file, contentType, encoding string
	hasField := false
	for s != "" && !w.stopped {
		line, rest := headerLine(s)
		s = rest
		if strings.TrimRight(line, "\r\n") == "" {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			w.outside(line)
			continue
		}
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch {
		case detect.EqualFold(name, "content-disposition"):
			_, params, _ := strings.Cut(value, ";")
			for params != "" && !w.stopped {
				var n, v string
				n, v, params = nextParam(params)
				switch {
				case detect.EqualFold(n, "name"):
					w.name(unquote(w, v))
					if !hasField {
						field, hasField = v, true
					}
				case detect.EqualFold(n, "filename"):
					v = unquote(w, v)
					w.fileName(v)
					if file == "" {
						file = v
					}
				case detect.EqualFold(n, "filename*"):
					// charset'language'percent-encoded (RFC 8187 section 3.2)
					if i := strings.LastIndexByte(v, '\''); i >= 0 {
						v = v[i+1:]
					}
					w.fileName(v)
					if file == "" {
						file = v
					}
				case v == "":
					w.name(n)
				default:
					w.name(n)
					w.value(named(n), v)
				}
			}
			continue
		case detect.EqualFold(name, "content-type"):
			if contentType == "" {
				contentType = value
			}
		case detect.EqualFold(name, "content-transfer-encoding"):
			if encoding == "" {
				encoding = value
			}
		}
		w.name(name)
		w.value(named(name), value)
	}
	outer := w.file
	w.file, w.placed = file, false
	w.partContent(named(field), s, contentType, encoding, inner)
	w.file, w.placed = outer, false
}

func (w *Walker) fileName(s string) {
	w.emit("filename", s, byName, true)
}

// partContent undoes the part's transfer encoding and hands out what is in it. The fields of
// a form stay single values: looking into them is for Nested.
func (w *Walker) partContent(label segment, s, contentType, encoding string, inner int) {
	mark := len(w.steps)
	switch {
	case detect.EqualFold(encoding, "base64"):
		if text, ok := w.decodeBase64(s); ok {
			w.step("base64")
			s = text
		}
	case detect.EqualFold(encoding, "quoted-printable"):
		w.step("quoted-printable")
		s = w.unquotePrintable(s)
	}
	if sniffCoding(s) != codingNone {
		s = w.decompressLooks(s)
	}
	f := declaredFormat(contentType)
	switch {
	case f == formatMultipart:
		depth := w.enter(label, f)
		if !w.multipart(s, contentType, inner+1) {
			w.plain(label, s)
		}
		w.leave(depth)
	default:
		cs := charsetOf(mediaParam(contentType, "charset"))
		s, _ = w.toUTF8(s, cs)
		w.plain(label, s)
	}
	w.back(mark)
}

// headerLine cuts one header line off s, with the lines that continue it (obs-fold).
func headerLine(s string) (line, rest string) {
	end := 0
	for {
		n := strings.IndexByte(s[end:], '\n')
		if n < 0 {
			return s, ""
		}
		first := end == 0 && strings.TrimRight(s[:n], "\r") == ""
		end += n + 1
		if first || end >= len(s) || s[end] != ' ' && s[end] != '\t' {
			return s[:end], s[end:]
		}
	}
}

// unquote takes the backslashes off escaped quotes in a parameter.
func unquote(w *Walker, s string) string {
	if !strings.Contains(s, `\"`) {
		return s
	}
	b := w.scratch.room(len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && s[i+1] == '"' {
			continue
		}
		b = append(b, s[i])
	}
	return w.scratch.keep(b)
}

// unquotePrintable undoes quoted-printable (RFC 2045 section 6.7); what is invalid stays.
func (w *Walker) unquotePrintable(s string) string {
	b := w.scratch.room(len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '=' {
			rest := s[i+1:]
			switch {
			case len(rest) >= 2 && hexDigit[rest[0]] < 16 && hexDigit[rest[1]] < 16:
				b = append(b, hexDigit[rest[0]]<<4|hexDigit[rest[1]])
				i += 2
				continue
			case strings.HasPrefix(rest, "\r\n"):
				i += 2
				continue
			case strings.HasPrefix(rest, "\n"):
				i++
				continue
			}
		}
		b = append(b, s[i])
	}
	return w.scratch.keep(b)
}
