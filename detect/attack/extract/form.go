package extract

import "strings"

// formReader reads a form in pieces.
type formReader struct {
	w *Walker
	// among says that the text is well-formed in another format: only parameters with
	// ordinary names count, and what stands before the first '&' is none.
	among bool
	begun bool // behind the first '&'
	clean bool

	passing bool // over the rest of a value that is too long
	name    string
	tail    ending
}

// wellFormed implements resumable.
func (f *formReader) wellFormed() bool { return f.clean && !f.among }

// feed implements resumable.
func (f *formReader) feed(s string, end pieceEnd) (used int) {
	w := f.w
	if !f.begun {
		f.clean = w.formLooks(s)
	}
	if f.passing {
		i := strings.IndexByte(s, '&')
		if i < 0 {
			i = len(s)
		}
		f.tail.add(s[:i])
		if i == len(s) && end != last {
			return i
		}
		f.passing = false
		w.value(named(f.name), f.tail.take())
		used = min(i+1, len(s))
	}
	s = s[used:]
	n := len(s)
	if end == goesOn {
		n = strings.LastIndexByte(s, '&') + 1
	}
	f.pairs(s[:n])
	if end == tooLong {
		name, _, _ := strings.Cut(s[strings.LastIndexByte(s, '&')+1:], "=")
		f.name = ownName(name)
		f.passing, f.tail.w = true, w
	}
	return used + n
}

func (f *formReader) pairs(s string) {
	if s == "" {
		return
	}
	if !f.among {
		f.w.pairs(s)
	} else if f.begun {
		f.w.ordinaryPairs(s)
	} else {
		f.w.laterPairs(s)
	}
	f.begun = true
}
