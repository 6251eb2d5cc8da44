package extract

import (
	"strconv"
	"unicode/utf8"

	"kongwaf/detect"
)

// Leaf is one value of a request, or one name.
//
// A Leaf is valid while visit runs. The visitor may change its Steps: Nested continues below
// whatever they say. Text and Name stay readable until the next Walk and as long as
// the request's strings and body are unchanged; a copy of a Leaf that stands directly below
// its source (query, form, header, cookie, path) also keeps its Place until then.
type Leaf struct {
	// Text is the value with all containers undone but its own encodings intact: raw
	// percent-encoding in queries and forms, but no JSON escapes, XML entities or
	// quoted-printable. It may hold any byte.
	Text string
	// Source is the part of the request that the value came from.
	Source detect.Source
	// Name is the nearest parameter's, header's or field's own name as sent; "" for a path
	// segment. For an element of a JSON array it is the array's name.
	Name string
	// IsName says that Text is itself a name: of a parameter, a field, an element, a file.
	IsName bool
	// File is the file name that the value was uploaded under, "" if it was not.
	File string
	// Passing says that Text and Name are overwritten once the visit is over: the leaf is
	// from behind the beginning of a large body.
	Passing bool
	// Run says that Text is a run of printable characters in binary data that is declared to be
	// no text: an image, a font, an archive, a program. Nobody reads such runs apart.
	Run bool
	// Steps are the container decodings so far, outermost first: "gzip", "utf-16",
	// "json" (escapes undone), "xml" (entities undone), "quoted-printable", "jwt" ...
	Steps []string

	w          *Walker
	root       string
	start, end int   // the segments above the leaf: w.path[start:end]
	index      int32 // its position in an array or in the path, byName or noStep
}

// What the last step of a leaf's place is, besides a position.
const (
	byName int32 = -1 - iota // Name
	noStep                   // none: it stands where its container does
)

// label is the last step of the leaf's place.
func (l *Leaf) label() segment {
	if l.IsName || l.index == noStep {
		return named("")
	}
	return segment{name: l.Name, index: l.index}
}

// IsSegment reports whether the leaf is a segment of the request path, which has been handed
// out as a whole before.
func (l *Leaf) IsSegment() bool {
	return l.Source == detect.SourcePath && l.index >= 0
}

// Within returns the names of the nearest and of the outermost field or parameter that the
// leaf stands in, "" if it stands in none.
func (l *Leaf) Within() (nearest, outermost string) {
	if l.w == nil || l.end > len(l.w.path) {
		return "", ""
	}
	above := l.w.path[min(l.start+1, l.end):l.end] // the first is the source
	for i := range above {
		switch name := above[i].name; name {
		case "", "json", "form", "xml", "multipart", "query", "graphql", "jwt":
		default:
			if outermost == "" {
				outermost = name
			}
			nearest = name
		}
	}
	return nearest, outermost
}

// segment is one step of a place.
type segment struct {
	name  string
	index int32 // position in an array; none if negative
	next  int32 // as an array: the index of its next element
	array bool
}

// named is the segment of a field or parameter.
func named(name string) segment { return segment{name: name, index: -1} }

const (
	maxPlace     = 400 // bytes of a rendered place
	maxPlaceName = 64  // bytes of one name in it
)

// Place renders where the leaf stands: "query.id", "body.json.user.name[2]",
// "header.referer", "path[1]". The place of a name is the container that holds it.
// Long names and long places are cut, control bytes and stars replaced.
func (l *Leaf) Place() detect.Place {
	var buf [maxPlace]byte
	return detect.Place(l.AppendPlace(buf[:0], maxPlace))
}

// AppendPlace is Place in memory of the caller's, which must be empty. Of a place of more than
// most bytes as much is rendered as shows that it has more.
func (l *Leaf) AppendPlace(b []byte, most int) []byte { return l.appendPlace(b, l.label(), most) }

// AppendNamed renders the place of what a name names: for a file's name "filename" below the
// form.
func (l *Leaf) AppendNamed(b []byte, most int) []byte { return l.appendPlace(b, named(l.Name), most) }

func (l *Leaf) appendPlace(b []byte, label segment, most int) []byte {
	most = min(most, maxPlace)
	header := 0
	if l.Source == detect.SourceHeader {
		header = 1 // header names are the first segment below the source, in lower case
	}
	if l.w != nil && l.end <= len(l.w.path) && l.end-l.start > 1 {
		for i, s := range l.w.path[l.start:l.end] {
			if b = s.render(b, i == 0, header == 1 && i == 1); len(b) > most {
				return b[:min(len(b), maxPlace)]
			}
		}
		header = 0
	} else {
		b = append(b, l.root...)
	}
	b = label.render(b, false, header == 1)
	return b[:min(len(b), maxPlace)]
}

func (s segment) render(b []byte, first, fold bool) []byte {
	if len(b) > maxPlace {
		return b
	}
	switch {
	case s.index >= 0:
		b = append(b, '[')
		b = strconv.AppendInt(b, int64(s.index), 10)
		return append(b, ']')
	case first:
		return append(b, s.name...)
	case s.name == "":
		return b
	}
	b = append(b, '.')
	return appendPlaceName(b, s.name, fold)
}

// appendPlaceName appends a name with its percent-encoding undone once, as people write it
// in exceptions.
func appendPlaceName(b []byte, name string, fold bool) []byte {
	start := len(b)
	for i := 0; i < len(name); {
		if len(b)-start >= maxPlaceName {
			return append(b, "..."...)
		}
		c := name[i]
		if c == '%' && i+2 < len(name) && hexDigit[name[i+1]] < 16 && hexDigit[name[i+2]] < 16 {
			c = hexDigit[name[i+1]]<<4 | hexDigit[name[i+2]]
			i += 3
			b = append(b, placeByte(c, fold))
			continue
		}
		if c < utf8.RuneSelf {
			b = append(b, placeByte(c, fold))
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(name[i:])
		if r == utf8.RuneError {
			r = '?'
		}
		b = utf8.AppendRune(b, r)
		i += n
	}
	return b
}

func placeByte(c byte, fold bool) byte {
	switch {
	case c < 0x20 || c >= 0x7f || c == '*': // a star would be a pattern in an exception that is copied from a report
		return '?'
	case fold && 'A' <= c && c <= 'Z':
		return c + 'a' - 'A'
	}
	return c
}

// hexDigit maps a byte to its value as a hexadecimal digit, 0xff if it is none.
var hexDigit = func() (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i := range byte(10) {
		t['0'+i] = i
	}
	for i := range byte(6) {
		t['a'+i] = 10 + i
		t['A'+i] = 10 + i
	}
	return t
}()
