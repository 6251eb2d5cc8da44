package extract

import "strings"

// Nested looks inside a text that was decoded out of a leaf: JSON in a form field, a form in
// base64, a URL with a query, XML in JSON, a multipart body, a JWT, a data: URL, gzip. If
// the text is such a container, Nested visits its leaves and names and reports true; the
// place continues below the parent's ("query.data.json.user") and the steps after
// parent.Steps. It is meant to be called from within visit, also from within its own.
//
// Where Limits.MaxNesting is used up, it reports false and the walk counts as truncated.
func (w *Walker) Nested(parent *Leaf, text string, visit func(*Leaf) bool) bool {
	f := nestedFormat(parent.Name, text)
	if f == formatNone {
		return false
	}
	if w.lim.MaxBody == 0 {
		w.lim = w.lim.withDefaults()
	}
	if w.nesting >= w.lim.MaxNesting {
		w.truncated = true
		return false
	}
	saved := walkState{
		visit: w.visit, path: len(w.path), pathStart: w.pathStart, steps: len(w.steps),
		stepStart: w.stepStart, file: w.file, stopped: w.stopped,
	}
	source := w.source
	w.visit, w.source, w.file, w.stopped = visit, parent.Source, parent.File, false
	joined := w.joined
	w.joined = nil // an XML reader further out may be in the midst of joining
	w.nest(w.nesting + 1)
	w.below(parent)
	clean := w.nestedRead(f, text)
	w.nest(w.nesting - 1)
	w.joined = joined
	w.visit, w.source, w.file, w.stopped = saved.visit, source, saved.file, saved.stopped
	w.path, w.pathStart = w.path[:saved.path], saved.pathStart
	w.steps, w.stepStart = w.steps[:saved.steps], saved.stepStart
	w.nestedClean = clean
	return true
}

// NestedClean reports whether the text of the Nested call that returned last was well-formed
// throughout, so that everything in it that could be code has been handed out, and the text
// as a whole shows nothing more. It is false for URLs and forms, which any text can be.
func (w *Walker) NestedClean() bool { return w.nestedClean }

// walkState is what Nested puts back.
type walkState struct {
	visit            func(*Leaf) bool
	path, pathStart  int
	steps, stepStart int
	file             string
	stopped          bool
}

// below makes parent's place and steps the current ones, as copies on top of the stacks.
func (w *Walker) below(parent *Leaf) {
	start := len(w.path)
	if parent.end <= len(w.path) && parent.end-parent.start > 1 {
		w.path = append(w.path, w.path[parent.start:parent.end]...)
	} else {
		w.path = append(w.path, named(parent.root))
	}
	if label := parent.label(); label.name != "" || label.index >= 0 {
		w.path = append(w.path, label)
	}
	w.pathStart = start
	start = len(w.steps)
	w.steps = append(w.steps, parent.Steps...)
	w.stepStart = start
}

func (w *Walker) nestedRead(f format, text string) (clean bool) {
	if !w.spend(2 * len(text)) {
		return false
	}
	w.push(named(formatNames[f].word))
	switch f {
	case formatURL:
		q := strings.IndexByte(text, '?')
		w.pairs(text[q+1:])
	case formatDataURL:
		comma := strings.IndexByte(text, ',')
		if data, ok := w.decodeBase64(text[comma+1:]); ok {
			w.step("base64")
			w.plainOf(segment{index: -1}, data, text[len("data:"):comma])
		}
	case formatCompressed:
		steps := len(w.steps)
		if text = w.unpack(text); len(w.steps) > steps {
			w.content(segment{index: -1}, text, nil, 1)
			clean = true
		}
	case formatJWT:
		clean = w.jwt(strings.TrimPrefix(strings.TrimSpace(text), "Bearer "))
	case formatForm:
		w.pairs(text)
	default:
		clean = w.read(f, text, "", 1)
	}
	return clean && !w.stopped
}
