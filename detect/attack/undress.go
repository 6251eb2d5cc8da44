package attack

import (
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack/document"
	"kongwaf/detect/attack/reading"
	"kongwaf/detect/attack/value"
)

// A payload does not need to be the whole value: words before it, a greeting, a quotation mark
// of mail, a bullet of a list change nothing for what runs it. Languages that know where a
// value begins lose sight of it there. So a short text is also judged in fragments: each line
// without the marks of its dressing, and what follows the words with which a line begins.
//
// Both sides cannot be had for fragments that are ordinary lines of texts: an address, a
// command, a statement of SQL. They count only where they are beyond doubt, and not in code,
// where a line is always a line of something. What would refuse README files costs more than
// what a sentence in front of a weak payload hides.

const (
	// maxFragmentLines and maxFragmented bound the texts that are judged in fragments. Longer
	// ones are documents, which hold lines of every kind.
	maxFragmentLines = 16
	maxFragmented    = 8 << 10
	// fragmentLeast is the confidence from which a line counts, tailLeast the one for what
	// stands behind words.
	fragmentLeast = 0.8
	tailLeast     = 0.85
	// shortestFragment is the length of the shortest text that is an attack, in bytes.
	shortestFragment = 3
)

// undress judges a reading in fragments by the languages in mask, those that may see
// something in it as a whole.
func (s *session) undress(r *reading.Reading, mask uint32) {
	l, text := r.Leaf, r.Text
	mask &= fragmented
	if mask == 0 || s.sum.blocking || l.IsName || l.Run || l.Source != detect.SourceBody && l.Source != detect.SourceQuery ||
		len(text) > maxFragmented || !s.value.Traits.Any(value.Space|value.Newline) {
		return
	}
	breaks := 0
	if s.value.Traits.Any(value.Newline) {
		breaks = strings.Count(text, "\n")
	}
	if breaks == 0 && !s.value.Traits.Any(value.Space) || breaks > maxFragmentLines || breaks > 1 && document.Code(text) {
		return
	}
	whole := s.value
	for at := 0; at < len(text) && !s.sum.blocking; {
		end := len(text)
		if i := strings.IndexByte(text[at:], '\n'); i >= 0 {
			end = at + i
		}
		from, to := document.Undressed(text, at, end)
		if to-from < len(text) {
			least := fragmentLeast
			if blank(text[:from]) && blank(text[to:]) {
				least = suspicious // padding is no text: this is the value
			}
			s.fragment(r, &whole, from, to, mask, least)
		}
		if n := document.Words(text[from:to]); n > 0 {
			tail, end := document.Undressed(text, from+n, to)
			s.fragment(r, &whole, tail, end, mask&^opened, tailLeast)
		}
		at = end + 1
	}
	s.value = whole
}

// blank reports whether a text is nothing but white space.
func blank(text string) bool { return strings.TrimSpace(text) == "" }

// fragment judges r.Text[from:to] by itself. whole is the value that the languages were asked
// about before.
func (s *session) fragment(r *reading.Reading, whole *value.Value, from, to int, mask uint32, least float64) {
	text := r.Text[from:to]
	if len(text) < shortestFragment {
		return
	}
	if strings.IndexByte(";|&", text[0]) < 0 {
		mask &^= commands // a command is a line of any instructions; an operator before it is none
	}
	s.value = *whole
	t, p := value.Look(text)
	mask &= s.possible(r.Leaf, t, p)
	s.value.Text = text
	s.ask(mask, func(language int, m value.Match) {
		if m.Confidence < least {
			return
		}
		m.Start, m.End = m.Start+from, m.End+from
		fragment := s.value
		s.value = *whole
		m, lowered := s.mentioned(r, language, m)
		s.value = fragment
		m.Shape += ", in a part of the text"
		s.found(r, m, lowered)
	})
}

// fragmented are the languages that read fragments: all but those that look for their own
// beginnings in a text. opened are those whose attacks are opened as a whole: no file and no
// address begins with words. commands are those whose attacks can be mere words.
var (
	fragmented = ^maskOf("html", "js", "scanner", "upload")
	opened     = maskOf("path", "link")
	commands   = maskOf("shell")
)

// maskOf returns the set of the named languages.
func maskOf(names ...string) (mask uint32) {
	for _, name := range names {
		found := false
		for i := range languages {
			if languages[i].name == name {
				mask |= 1 << i
				found = true
			}
		}
		if !found {
			panic("attack: no language is called " + name)
		}
	}
	return mask
}
