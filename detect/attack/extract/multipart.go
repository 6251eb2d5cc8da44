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
	tried, n := boundaries(s, contentType)
	for _, b := range tried[:n] {
		if w.stopped {
			break
		}
		p := partsReader{w: w, boundary: b, inner: inner, charset: partsCharset(s)}
		p.feed(s, last)
		clean = clean || p.found
	}
	return clean
}

// boundaries returns the boundaries that a body is to be read by.
func boundaries(s, contentType string) (tried [4]string, n int) {
	add := func(b string) {
		for _, t := range tried[:n] {
			if t == b {
				return
			}
		}
		if b != "" && len(b) <= maxBoundary && n < len(tried) {
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
	return tried, n
}

// maxBoundary is the length of the longest boundary that is tried; RFC 2046 allows 70.
const maxBoundary = 256

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

// partsReader reads the parts between the delimiters.
type partsReader struct {
	w        *Walker
	boundary string
	inner    int
	charset  charset // of fields that name none themselves
	found    bool    // a part
	inside   bool    // behind the first delimiter: s begins with one

	// passing says that the content of a part is passed over, for it is too long.
	passing     bool
	field, file string // of that part
	tail        ending
}

// wellFormed implements resumable.
func (p *partsReader) wellFormed() bool { return p.found }

// feed implements resumable. What it leaves begins with a delimiter, but for the first.
func (p *partsReader) feed(s string, end pieceEnd) (used int) {
	w, at := p.w, 0
	switch {
	case p.passing:
		if at = p.next(s, 0, end); at < 0 {
			return p.pass(s, end)
		}
		p.pass(s[:at], last)
	case !p.inside:
		if at = p.next(s, 0, end); at < 0 {
			if end == tooLong {
				w.outside(s)
				p.begin("outside", "")
				return len(s)
			}
			return 0
		}
		w.outside(s[:at])
	}
	p.inside = true
	for !w.stopped {
		begin := at + 2 + len(p.boundary)
		next := p.next(s, begin, end)
		switch {
		case next >= 0:
			p.part(s[begin:next], true)
			at = next
		case end == goesOn:
			return at
		default:
			p.part(s[begin:], end == last)
			return len(s)
		}
	}
	return len(s)
}

// next returns where the next delimiter begins, -1 if there is none, or none whose end can
// be seen.
func (p *partsReader) next(s string, from int, end pieceEnd) int {
	at := delimiter(s, p.boundary, from)
	if end != last && at >= 0 && len(s)-at < 2+len(p.boundary)+2 {
		return -1
	}
	return at
}

// part reads what stands between two delimiters; if it is not whole, its rest is passed over.
func (p *partsReader) part(s string, whole bool) {
	w, field, file := p.w, "outside", ""
	defer func() {
		if !whole {
			p.begin(field, file)
		}
	}()
	if strings.HasPrefix(s, "--") {
		// The final delimiter; some readers go on behind it.
		w.outside(s[2:])
		return
	}
	eol := strings.IndexByte(s, '\n')
	if eol < 0 {
		w.outside(s)
		return
	}
	if line := strings.TrimSpace(s[:eol]); line != "" {
		w.outside(line)
	}
	s = s[eol+1:]
	if whole {
		s = strings.TrimSuffix(strings.TrimSuffix(s, "\n"), "\r")
	}
	p.found = true
	field, file = w.part(s, p.charset, p.inner)
}

// begin begins to pass over what is left of a part.
func (p *partsReader) begin(field, file string) {
	p.passing, p.tail.w = true, p.w
	p.field, p.file = ownName(field), ownName(file)
}

// pass passes over s, up to where a delimiter may begin, and hands out the last bytes of the
// part at its end.
func (p *partsReader) pass(s string, end pieceEnd) (used int) {
	used = len(s)
	if end != last {
		used = max(0, used-len(p.boundary)-6)
	}
	p.tail.add(s[:used])
	if end == last {
		p.passing = false
		w, outer := p.w, p.w.file
		w.file, w.placed = p.file, false
		w.plain(named(p.field), strings.TrimRight(p.tail.take(), "\r\n"))
		w.file, w.placed = outer, false
	}
	return used
}

// outside hands out text before, between and behind the parts.
func (w *Walker) outside(s string) {
	if s = strings.TrimSpace(s); s != "" {
		w.plain(named("outside"), s)
	}
}

// part hands out one part: header lines, an empty line, content. It returns the names of its
// field and of its file.
func (w *Walker) part(s string, charset charset, inner int) (field, file string) {
	var contentType, encoding string
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
	cs := charsetOf(mediaParam(contentType, "charset"))
	if cs == charsetNone && charset.foreign() && file == "" {
		// Not every framework asks what the form says of itself.
		w.partContent(named(field), s, contentType, encoding, cs, inner)
		cs = charset
	}
	w.partContent(named(field), s, contentType, encoding, cs, inner)
	w.file, w.placed = outer, false
	return field, file
}

func (w *Walker) fileName(s string) {
	w.emit("filename", s, byName, true)
}

// partContent undoes the part's transfer encoding and hands out what is in it. The fields of
// a form stay single values: looking into them is for Nested.
func (w *Walker) partContent(label segment, s, contentType, encoding string, cs charset, inner int) {
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
		s = w.unpack(s)
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
		s, _ = w.toUTF8(s, cs)
		if edge := w.large.edge; w.large.late && w.file != "" && len(s) > 2*edge {
			w.skip(len(s) - 2*edge)
			w.plainOf(label, s[:edge], contentType)
			s = s[len(s)-edge:]
		}
		w.plainOf(label, s, contentType)
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
