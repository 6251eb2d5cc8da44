// Package reading hands out every way in which a value may be read: as it came, decoded, and
// taken apart where it is a container, in any order and depth in which encodings and
// containers stand around each other. JSON in base64 in a form field comes out as the field,
// as the JSON, and as the JSON's values, each of which goes the same way again.
//
// decode knows the encodings and extract the containers; what is here is how they meet. It
// judges nothing. All of it runs under a budget of work, and decoded texts live in one
// buffer that is bounded by the size of the request.
package reading

import (
	"strings"
	"unsafe"

	"kongwaf/detect/attack/decode"
	"kongwaf/detect/attack/extract"
	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/work"
)

const (
	// maxDepth is how deep containers may be nested in texts that were decoded.
	maxDepth = 6
	// The decoded forms of one value may take roomFloor + roomFactor * size of the request, in
	// bytes. They do with several decoders one after the other, of which each changes little.
	roomFloor  = 1 << 20
	roomFactor = 8
	// keepArena is the largest buffer that stays between requests.
	keepArena = 1 << 20
)

// containers are the byte classes without which a text holds no container.
const containers = value.BraceOpen | value.BracketOpen | value.Equals | value.Less | value.Control | value.High | value.NUL | value.Question

// Reading is one way to read a leaf.
type Reading struct {
	Leaf   *extract.Leaf
	Text   string
	Traits value.Traits
	Pairs  value.Pairs
	Path   decode.Path
	// Shown says that the reading is of markup that a page shows, and does not run.
	Shown bool
	// Apart says that the text is JSON all of whose parts have been handed out: its own quotes
	// and braces are no break-out.
	Apart bool
}

// Reader reads values. Make one with New; it is not safe for concurrent use.
type Reader struct {
	// Cut says that a limit on depth or rounds left something out since Begin.
	Cut bool

	walker *extract.Walker
	visit  func(*extract.Leaf) bool
	judge  func(*Reading)
	work   *work.Meter

	arena   []byte // texts of decoded forms
	left    int    // bytes that decoded forms may still take
	forms   [maxDepth + 1]decode.Forms
	depth   int
	flat    bool // the text was taken apart before: its parts have been judged
	shown   bool
	path    decode.Path // decodings of the container that is being walked
	reading Reading     // the one that is being judged
}

// New returns a reader that hands readings to judge and the leaves of containers to visit,
// which is expected to have them read in turn. The walker walks the containers.
func New(walker *extract.Walker, meter *work.Meter, visit func(*extract.Leaf) bool, judge func(*Reading)) *Reader {
	r := &Reader{walker: walker, work: meter, visit: visit, judge: judge}
	for i := range r.forms {
		r.forms[i].Work = meter
	}
	return r
}

// Begin starts a request of so many bytes.
func (r *Reader) Begin(sent int) { r.left, r.Cut = roomFloor+roomFactor*sent, false }

// End drops everything that belongs to the request.
func (r *Reader) End() {
	r.arena = r.arena[:0]
	if cap(r.arena) > keepArena {
		r.arena = nil
	}
	r.reading = Reading{}
}

// Outermost reports whether what is visited is no part of a container that a value holds.
func (r *Reader) Outermost() bool { return r.depth == 0 }

// Path returns the decodings of the container whose leaf is visited.
func (r *Reader) Path() decode.Path { return r.path }

// One reports whether a text with these traits has one reading only, the text itself; encoded
// says that decode finds it possible to decode.
func One(t value.Traits, encoded bool) bool { return !encoded && !t.Any(containers) }

// Read hands out all readings of a leaf. parameter says that it is one of a query or a form,
// encoded that decode finds it possible to decode.
func (r *Reader) Read(l *extract.Leaf, t value.Traits, p value.Pairs, parameter, encoded bool) {
	if !encoded {
		r.read(l, l.Text, t, p, r.path)
		return
	}
	mark, left, f := len(r.arena), r.left, &r.forms[r.depth]
	f.Start(l.Text, t, p, parameter, r.path, &r.arena, &r.left)
	// Undoing percent signs hides nothing: the text as it came need not be judged too.
	hides := !t.Any(value.Percent | value.Plus)
	if hides && r.read(l, l.Text, t, p, r.path) {
		f.Leave()
	}
	form := f.Next()
	if !hides && (form == nil || !form.Path.EndsIn(decode.Percent) && !(parameter && form.Path.EndsIn(decode.Plus))) {
		r.read(l, l.Text, t, p, r.path)
	}
	for ; form != nil; form = f.Next() {
		outer := r.shown
		r.shown = outer || form.Shown
		if r.read(l, form.Text, form.Traits, form.Pairs, form.Path) {
			f.Leave()
		}
		r.shown = outer
	}
	r.Cut = r.Cut || f.Exhausted
	r.arena, r.left = r.arena[:mark], left
}

// ReadWhole hands out all readings of a leaf that was put together of parameters. flat says that
// it holds no containers that have not been taken apart.
func (r *Reader) ReadWhole(l *extract.Leaf, flat bool) {
	r.depth, r.flat = 1, flat // below the parameters: it is none itself
	t, p := value.Look(l.Text)
	r.Read(l, t, p, true, decode.Possible(l.Text, t, p, true))
	r.depth, r.flat = 0, false
}

// Borrow calls use with the text that fill appends, in memory that is used again behind it.
func (r *Reader) Borrow(fill func(dst []byte) []byte, use func(text string)) {
	mark := len(r.arena)
	r.arena = fill(r.arena)
	use(view(r.arena[mark:]))
	r.arena = r.arena[:mark]
}

// read judges one decoded form of a leaf, and has its parts visited if it is a container. It
// reports whether the parts are all there is to it: JSON, whose escapes the walker undoes.
func (r *Reader) read(l *extract.Leaf, text string, t value.Traits, p value.Pairs, path decode.Path) (all bool) {
	clean := false
	switch {
	case !t.Any(containers), l.IsName && path.Len() == 0, r.flat:
	case r.depth == maxDepth:
		r.Cut = true
	default:
		outer := r.path
		r.path = path
		r.depth++
		all = r.walker.Nested(l, text, r.visit) && isJSON(text)
		r.depth--
		r.path = outer
		// A lone string is no container that anybody would send.
		clean = all && r.walker.NestedClean() && strings.TrimLeft(text, blanks)[0] != '"'
	}
	r.reading = Reading{Leaf: l, Text: text, Traits: t, Pairs: p, Path: path, Shown: r.shown, Apart: clean}
	r.judge(&r.reading)
	return all
}

const blanks = " \t\r\n"

// isJSON reports whether a text that the walker took apart begins and ends like JSON.
func isJSON(text string) bool {
	text = strings.Trim(text, blanks)
	if len(text) < 2 {
		return false
	}
	switch last := text[len(text)-1]; text[0] {
	case '{':
		return last == '}'
	case '[':
		return last == ']'
	case '"':
		return last == '"'
	}
	return false
}

// view returns the bytes as a string without copying them.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
