// Package decode undoes the ways in which text hides inside text: percent encoding,
// HTML entities, backslash escapes, look-alike characters, UTF-7, base64, hex.
//
// A Forms walks through the readings of one value: the text as it came, then the text
// after each decoder that changes it, round after round until nothing changes or a limit
// is reached. Each reading is to be judged, because every decoding that helps against one
// target hides the attack on another.
//
// Two kinds of decoders exist. Those of the chain rewrite parts of a text and are applied
// one after the other; a reading follows each that changed something, so the number of
// readings grows with the number of layers, not with their combinations. Blob decoders
// (base64, deflate in base64, base32, hex, UTF-7) replace the whole text and are tried on every reading.
//
// It does not know containers (JSON, forms, multipart: package extract), compression or
// charsets, and it judges nothing. No decoder but deflate lets a text grow by more than maxGrowth.
package decode

import (
	"strings"
	"unsafe"

	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/work"
)

// Step names one decoder.
type Step uint8

// The decoders, in the order in which the chain applies them; blobs last.
const (
	Percent Step = iota
	HTML
	Unicode
	NUL
	Plus
	Escape
	Base64
	Deflate
	Base32
	Hex
	UTF7
	stepCount
)

var stepNames = [stepCount]string{"percent", "html", "unicode", "nul", "plus", "escape", "base64", "deflate", "base32", "hex", "utf-7"}

// String returns the name that findings show.
func (s Step) String() string {
	if s < stepCount {
		return stepNames[s]
	}
	return "unknown"
}

// Limits on one value: the layers below the text as it came, and the readings in all.
const (
	maxSteps = 10
	maxForms = 24
	// maxGrowth is how many times longer than its input a decoder's output may be.
	// Look-alikes are the only decoder that lengthens at all (one ellipsis, three dots).
	maxGrowth = 2
)

// Path lists the decoders that led to a reading, outermost first. The zero value is the
// text as it came.
type Path struct {
	n     uint8
	steps [maxSteps]Step
}

// Len returns the number of steps.
func (p Path) Len() int { return int(p.n) }

// Steps returns the steps, outermost first. The slice is the path's own.
func (p *Path) Steps() []Step { return p.steps[:p.n] }

// EndsIn reports whether the last step is the given one.
func (p *Path) EndsIn(s Step) bool { return p.n > 0 && p.steps[p.n-1] == s }

// Append adds the names of the steps to names.
func (p Path) Append(names []string) []string {
	for _, s := range p.steps[:p.n] {
		names = append(names, s.String())
	}
	return names
}

func (p Path) with(s Step) Path {
	p.steps[p.n] = s
	p.n++
	return p
}

// decoder is one way of writing text. A text that it changes has one of the classes in any;
// possible is another necessary condition, and head, if there is one, a third that looks at
// the first bytes. apply appends the decoded text to dst and reports whether it differs
// from s. It returns dst unchanged where it does not.
type decoder struct {
	step     Step
	any      value.Traits
	possible func(t value.Traits, p value.Pairs, n int) bool
	head     func(s string, p value.Pairs) bool
	apply    func(dst []byte, s string) ([]byte, bool)
}

var chain = [...]decoder{
	{step: Percent, any: value.Percent, possible: percentPossible, apply: appendPercent},
	{step: HTML, any: value.Ampersand, possible: entityPossible, apply: appendEntities},
	{step: Unicode, any: value.High, possible: unicodePossible, apply: appendUnicode},
	{step: NUL, any: value.NUL, possible: nulPossible, apply: appendWithoutNUL},
	{step: Plus, any: value.Plus, possible: plusPossible, apply: appendPlus},
	// Last, for it destroys the backslashes of a path.
	{step: Escape, any: value.Backslash, possible: escapePossible, apply: appendEscapes},
}

// chained are the classes of which a text has one that a decoder of the chain changes; those
// of UTF-7 are among them.
var chained = func() (t value.Traits) {
	for i := range chain {
		t |= chain[i].any
	}
	return t
}()

var blobs = [...]decoder{
	{step: Base64, any: value.Letter, possible: base64Possible, head: base64Head, apply: appendBase64},
	{step: Deflate, any: value.Letter, possible: deflatePossible, head: deflateHead, apply: appendDeflated},
	{step: Base32, any: value.Letter, possible: base32Possible, head: base32Head, apply: appendBase32},
	{step: Hex, any: value.Digit, possible: hexPossible, head: hexHead, apply: appendHex},
	{step: UTF7, any: value.Plus | value.Ampersand, possible: utf7Possible, apply: appendUTF7},
}

// packedAlphabet are the classes of which a text of base64, base32 or hex consists, with all that
// may stand around them: most texts have others.
const packedAlphabet = base64Alphabet | base64Around | hexAlphabet

// Possible reports whether any decoder could change s, whose traits and pairs are t and p; form as in
// Forms.Start. It never says
// no to a text that one would change, and costs a few nanoseconds for most texts.
func Possible(s string, t value.Traits, p value.Pairs, form bool) bool {
	if t.Any(chained) && (t.Any(value.Percent|value.Backslash|value.High|value.NUL) || entityPossible(t, p, len(s)) ||
		form && t.Any(value.Plus) || plusPossible(t, p, len(s)) || utf7Possible(t, p, len(s))) {
		return true
	}
	if len(s) < minBlob || !t.Only(packedAlphabet) {
		return false
	}
	return base64Possible(t, p, len(s)) && (base64Head(s, p) || len(s) >= minDeflated && deflateHead(s, p)) ||
		base32Possible(t, p, len(s)) && base32Head(s, p) || hexPossible(t, p, len(s)) && hexHead(s, p)
}

// Form is one reading of a value.
type Form struct {
	Text   string
	Traits value.Traits
	Pairs  value.Pairs
	Path   Path
	// Shown says that character references were undone in a text that has markup beside
	// them: a page shows what they stand for, and does not run it.
	Shown bool
}

// Forms enumerates the readings of one text after the text itself. Start it, then call
// Next until it reports false. The zero value is ready to Start; not for concurrent use.
// Texts of the readings live in the arena handed to Start.
type Forms struct {
	// Work, if not nil, counts what is read.
	Work *work.Meter

	arena *[]byte
	left  *int
	form  bool
	forms [maxForms]entry
	n     int // forms known
	read  int // forms handed out by Next; forms[0] is the text itself
	grown int // forms whose decoders have been applied
	// Exhausted says that a limit kept a reading from being made. Where memory did, the
	// work has ended too.
	Exhausted bool
}

type entry struct {
	Form
	from int  // the form that this is a reading of
	last bool // the chain goes on from here
	left bool // nothing follows from here
}

// Start begins with text; form says that it is from a query or a form, where every plus is
// a blank. Decoded texts are appended to *arena and taken off *left, the
// number of bytes that may still be kept. Strings stay valid for as long as the
// caller does not overwrite that part of the arena.
func (f *Forms) Start(text string, t value.Traits, p value.Pairs, form bool, path Path, arena *[]byte, left *int) {
	f.form = form
	f.arena, f.left = arena, left
	f.forms[0] = entry{Form: Form{Text: text, Traits: t, Pairs: p, Path: path}, last: true}
	f.n, f.read, f.grown = 1, 1, 0
	f.Exhausted = false
}

// Next returns the next reading, nil if there is none. The Form is valid until the next
// Start.
func (f *Forms) Next() *Form {
	for {
		for f.read == f.n {
			if f.grown == f.n {
				return nil
			}
			f.grow(f.grown)
			f.grown++
		}
		e := &f.forms[f.read]
		f.read++
		if !f.forms[e.from].left {
			return &e.Form
		}
		e.left = true // made before its origin was left
	}
}

// Leave says that the reading that Next returned last (the text itself, before that) is
// not to be decoded further: the caller has taken it apart.
func (f *Forms) Leave() { f.forms[f.read-1].left = true }

// grow adds the readings that follow from form i.
func (f *Forms) grow(i int) {
	from := &f.forms[i]
	if from.left {
		return
	}
	if from.last && from.Traits.Any(chained) {
		current, added := &from.Form, -1
		for k := range chain {
			// Each as often as it changes something: what comes later must not spoil what
			// another layer hides.
			for current.Traits.Any(chain[k].any) {
				at := f.apply(&chain[k], current, false)
				if at < 0 {
					break
				}
				f.forms[at].from = i
				if added >= 0 {
					f.forms[at].from = added
				}
				current, added = &f.forms[at].Form, at
			}
		}
		if added >= 0 {
			f.forms[added].last = true
		}
	}
	packed := from.Traits.Only(packedAlphabet)
	for k := range blobs {
		if !from.Traits.Any(blobs[k].any) || !packed && blobs[k].step != UTF7 {
			continue
		}
		if at := f.apply(&blobs[k], &from.Form, true); at >= 0 {
			f.forms[at].from = i
		}
	}
}

// apply adds the reading that d makes of from and returns its index, -1 if there is none.
func (f *Forms) apply(d *decoder, from *Form, last bool) int {
	if d.step == Plus && f.form && from == &f.forms[0].Form {
		// asked for
	} else if !d.possible(from.Traits, from.Pairs, len(from.Text)) || d.head != nil && !d.head(from.Text, from.Pairs) {
		return -1
	}
	if *f.left < len(from.Text) {
		f.Work.Exhaust()
	}
	if f.n == maxForms || from.Path.n == maxSteps || *f.left < len(from.Text) || !f.Work.Spend(2*len(from.Text)) {
		f.Exhausted = true
		return -1
	}
	mark := len(*f.arena)
	out, changed := d.apply(*f.arena, from.Text)
	if !changed {
		*f.arena = out[:mark] // it may have grown
		return -1
	}
	*f.arena = out
	text := view(out[mark:])
	*f.left -= len(text)
	if text == "" || f.known(text) {
		return -1
	}
	f.Work.Spend(len(text))
	t, p := value.Look(text)
	f.forms[f.n] = entry{Form: Form{Text: text, Traits: t, Pairs: p, Path: from.Path.with(d.step), Shown: from.Shown}, last: last}
	if d.step == HTML && richText(from.Text) {
		f.forms[f.n].Shown = true
	}
	f.n++
	return f.n - 1
}

// richText reports whether a text is markup in which a character reference stands for text:
// it has everyday elements, and none in which other rules apply.
func richText(s string) bool {
	rich := false
	for i := 0; ; {
		j := strings.IndexByte(s[i:], '<')
		if j < 0 {
			return rich
		}
		i += j + 1
		if i < len(s) && s[i] == '/' {
			rich = rich || hasElement(s[i+1:], "p", "code", "pre", "div", "li", "span", "td", "b", "strong", "em", "h1", "h2", "h3", "blockquote", "br")
		} else if hasElement(s[i:], "svg", "math", "style", "xmp", "noscript", "title", "textarea", "iframe", "template", "script", "select", "option", "noembed", "plaintext") {
			return false
		}
	}
}

// hasElement reports whether s begins with the name of one of the elements, in any case.
func hasElement(s string, names ...string) bool {
	for _, name := range names {
		if len(s) > len(name) && strings.EqualFold(s[:len(name)], name) && (s[len(name)] <= ' ' || s[len(name)] == '>' || s[len(name)] == '/') {
			return true
		}
	}
	return false
}

func (f *Forms) known(text string) bool {
	for i := range f.forms[:f.n] {
		if f.forms[i].Text == text {
			return true
		}
	}
	return false
}

// view returns the bytes as a string without copying them.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
