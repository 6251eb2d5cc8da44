package extract

import (
	"strings"

	"kongwaf/detect"
)

// zip.go looks into archives in zip's format, which office documents are as well (xlsx, docx,
// odt, epub, jar), for what harms whoever opens them: names that lead out of the folder
// (CWE-22, "zip slip"), and document types of XML members (CWE-611). What else is in an
// archive is its owner's business and is not judged: pages, programs, texts.

const (
	zipLocal   = "PK\x03\x04" // APPNOTE.TXT 4.3.7
	zipCentral = "PK\x01\x02" // 4.3.12

	maxMembers = 512       // whose beginning is looked at
	maxProlog  = 256 << 10 // bytes of an XML member before its first element
)

// zip walks the members of an archive by whatever headers are in it: readers differ in which
// of two headers they believe, and an archive may be cut off before its directory.
func (w *Walker) zip(label segment, s string) {
	if !w.spend(len(s)) {
		return
	}
	depth := len(w.path)
	if label.name != "" || label.index >= 0 {
		w.push(label)
	}
	w.push(named("zip"))
	members := 0
	for i := 0; !w.stopped; i += 4 {
		n := strings.Index(s[i:], "PK")
		if n < 0 || i+n+4 > len(s) {
			break
		}
		i += n
		switch rest := s[i:]; rest[:4] {
		case zipCentral:
			if len(rest) >= 46 {
				w.memberName(sliced(rest, 46, littleEndian(rest[28:30])))
			}
		case zipLocal:
			if len(rest) < 30 {
				continue
			}
			name := littleEndian(rest[26:28])
			w.memberName(sliced(rest, 30, name))
			if members++; members <= maxMembers {
				w.member(rest, 30+name+littleEndian(rest[28:30]))
			} else {
				w.truncated = true
			}
		default:
			i -= 2 // the next may begin within these four bytes
		}
	}
	w.path = w.path[:depth]
}

// memberName reports a name that leads out of the folder in which the archive is unpacked.
func (w *Walker) memberName(name string) {
	if !strings.Contains(name, "..") {
		return
	}
	for step := range strings.FieldsFuncSeq(name, func(c rune) bool { return c == '/' || c == '\\' }) {
		if step == ".." {
			w.anomaly(detect.ClassPathTraversal, refused, "member of an archive: "+name)
			return
		}
	}
}

// member hands out the document type of an XML member; s begins with its header, its data
// stands at from.
func (w *Walker) member(s string, from int) {
	if from >= len(s) {
		return
	}
	data, size := s[from:], littleEndian(s[18:22])
	if size > 0 && size < len(data) {
		data = data[:size]
	}
	mark := len(w.steps)
	defer w.back(mark)
	var prolog string
	switch littleEndian(s[8:10]) {
	case 0:
		prolog = data[:min(len(data), maxProlog)]
		if !beginsXML(prolog) {
			return
		}
	case 8:
		if prolog = w.inflateProlog(data); prolog == "" {
			return
		}
		w.step("deflate")
	default:
		return
	}
	whole := len(prolog) < maxProlog
	prolog, _ = w.toUTF8(prolog, charsetNone)
	end := firstElement(prolog)
	switch doctype := strings.Index(prolog[:end], "<!DOCTYPE"); {
	case doctype >= 0:
		w.value(segment{index: -1}, prolog[doctype:end])
	case end == len(prolog) && !whole:
		w.anomaly(detect.ClassProtocol, refused, "XML in an archive begins with more than can be read")
	}
}

// inflateProlog returns the beginning of a deflated member if it is XML, else "".
func (w *Walker) inflateProlog(data string) string {
	if w.unpacking == nil {
		w.unpacking = new(unpacking)
	}
	u := w.unpacking
	if u.open(w, codingDeflate, coded{text: data, size: int64(len(data))}) != nil {
		return ""
	}
	u.declared = false
	room := w.scratch.room(maxProlog)
	for len(room) < maxProlog {
		n, err := u.Read(room[len(room):min(maxProlog, max(64, 4*len(room)))])
		room = room[:len(room)+n]
		if len(room) >= 4 && !beginsXML(view(room)) {
			return ""
		}
		// Most members are XML without a document type: their first tag shows it.
		if err != nil || n > 0 && len(room) >= 256 && room[1] != 0 && firstElement(view(room)) < len(room) {
			break
		}
	}
	if len(room) < 4 {
		return ""
	}
	return w.scratch.keep(room)
}

// beginsXML reports whether a text may be XML, in UTF-8 or UTF-16.
func beginsXML(s string) bool {
	s = strings.TrimPrefix(s, "\xef\xbb\xbf")
	if sniffCharset(s) != charsetNone {
		return true
	}
	s = strings.TrimLeft(s, " \t\r\n")
	return s == "" || s[0] == '<'
}

// firstElement returns where the first element of an XML text begins, its length if nowhere.
func firstElement(s string) int {
	for i := 0; i < len(s); {
		n := strings.IndexByte(s[i:], '<')
		if n < 0 || i+n+1 >= len(s) {
			break
		}
		i += n
		switch rest := s[i:]; {
		case strings.HasPrefix(rest, "<!--"):
			_, n = until(rest, 4, "-->")
		case strings.HasPrefix(rest, "<?"):
			_, n = until(rest, 2, "?>")
		case rest[1] == '!':
			n = doctypeEnd(rest)
		default:
			return i
		}
		i += n
	}
	return len(s)
}

// sliced returns n bytes of s from a position, or as many as there are.
func sliced(s string, from, n int) string {
	return s[min(from, len(s)):min(from+n, len(s))]
}

func littleEndian(s string) (n int) {
	for i := len(s) - 1; i >= 0; i-- {
		n = n<<8 | int(s[i])
	}
	return n
}
