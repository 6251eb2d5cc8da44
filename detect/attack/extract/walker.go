package extract

import (
	"kongwaf/detect"
	"kongwaf/detect/attack/work"
)

// nestingCap is the most that Limits.MaxNesting can be.
const nestingCap = 16

// Walker walks requests. The zero value is ready. It keeps its buffers, so that walking
// benign requests one after the other allocates nothing; it is not safe for concurrent use.
type Walker struct {
	// Work, if not nil, counts what is read. When it has ended, so does the walk.
	Work *work.Meter

	lim       Limits
	visit     func(*Leaf) bool
	leaves    [nestingCap + 2]Leaf // the leaf being visited on each level of nesting
	leaf      *Leaf                // &leaves[nesting]
	placed    bool                 // leaf has the source, the root and the file
	nesting   int
	path      []segment
	pathStart int
	steps     []string
	stepStart int
	source    detect.Source
	file      string
	run       bool // as in Leaf

	stopped   bool // visit said stop, or the work has ended
	truncated bool
	names     [64]seenName
	joined    []byte // XML text in several pieces, while it is joined
	scratch   arena
	large     large

	nestedClean bool

	declared  declaration
	unpacking *unpacking
	graphqls  graphqlScan
	documents documents
	found     []detect.Finding
}

// seenName remembers a name that was handed out in this walk: arrays of objects repeat
// theirs, and judging one once is enough.
type seenName struct {
	name   string
	source detect.Source
}

// Walk calls visit for every value and every name of the request until visit returns false.
// It reports whether a limit cut anything off (the request's own truncation included).
// Valid JSON numbers, booleans and nulls, and empty texts are handed out only if lim.All says so.
func (w *Walker) Walk(r *detect.Request, lim Limits, visit func(*Leaf) bool) (truncated bool) {
	w.Head(r, lim, visit)
	return w.Body(r)
}

// Head walks what comes before the body, as the first half of Walk does; Body is the other.
func (w *Walker) Head(r *detect.Request, lim Limits, visit func(*Leaf) bool) {
	w.reset(lim, visit)
	w.protocol(r)
	w.method(r.Method)
	w.target(r.Target)
	w.headers(r.Headers)
}

// Body walks the body, behind Head. It returns what Walk does.
func (w *Walker) Body(r *detect.Request) (truncated bool) {
	w.body(r)
	w.visit = nil
	w.large.forget()
	if len(r.Body) > keepBody {
		w.forget()
	}
	return w.truncated || r.BodyTruncated && r.Rest == nil || r.HeadersTruncated
}

// Skipped returns how many bytes of the body the last walk passed over: the content of files
// and the middle of long values behind the beginning of a large body, and what could not be
// walked at all.
func (w *Walker) Skipped() int64 { return w.large.skipped }

// keepBody is the size of a body that may stay in memory while a pooled Walker, which still
// points into it, waits for its next request.
const keepBody = 64 << 10

// forget drops everything that points into the request.
func (w *Walker) forget() {
	clear(w.leaves[:])
	clear(w.names[:])
	clear(w.path[:cap(w.path)])
	w.path = w.path[:0]
	w.declared = declaration{}
	w.graphqls = graphqlScan{}
	w.documents.envelope = ""
	if w.unpacking != nil {
		w.unpacking.in.Reset(nil)
	}
}

func (w *Walker) reset(lim Limits, visit func(*Leaf) bool) {
	w.lim = lim.withDefaults()
	w.visit = visit
	w.pathStart, w.stepStart = 0, 0
	w.nest(0)
	w.path, w.steps, w.found = w.path[:0], w.steps[:0], w.found[:0]
	w.source, w.file = detect.SourceUnknown, ""
	w.large.reset(&w.lim)
	w.stopped, w.truncated = false, false
	clear(w.names[:])
	w.scratch.reset()
	w.declared = declaration{}
	w.graphqls.reset()
	w.documents.reset()
}

// Anomalies returns what is wrong with the last walked request itself: findings of the
// classes protocol and graphql. The slice is the Walker's and valid until its next Walk;
// the strings in it are copies.
func (w *Walker) Anomalies() []detect.Finding { return w.found }

// at starts a place: everything up to the next at stands below the given root.
func (w *Walker) at(source detect.Source, root string) {
	w.source = source
	w.path = append(w.path[:0], named(root))
	w.pathStart = 0
	w.placed = false
}

// value hands out a value below the current place. Of a JSON web token, wherever it stands,
// the content is handed out instead: the token itself is noise.
func (w *Walker) value(label segment, text string) bool {
	if len(text) > 16 && text[0] == 'e' && text[1] == 'y' && isJWT(text) {
		w.push(label)
		w.push(named("jwt"))
		ok := w.jwt(text)
		w.path = w.path[:len(w.path)-2]
		if ok && !w.lim.All {
			return !w.stopped
		}
	}
	return w.emit(label.name, text, label.index, false)
}

// name hands out a name, once for each walk and source.
func (w *Walker) name(text string) bool {
	if len(text) == 0 {
		return !w.stopped
	}
	// Nested texts may lie in memory that their owner uses again, so they are not remembered.
	if len(text) <= 32 && w.nesting == 0 && !w.lim.All {
		h := (uint(len(text))*7 + uint(text[0])*3 + uint(text[len(text)-1])*5 + uint(text[len(text)/2])) % uint(len(w.names))
		if w.names[h].name == text && w.names[h].source == w.source {
			return !w.stopped
		}
		w.names[h] = seenName{name: text, source: w.source}
	}
	return w.emit(text, text, byName, true)
}

// emit hands out one leaf; index is as in Leaf. It reports whether the walk goes on.
func (w *Walker) emit(name, text string, index int32, isName bool) bool {
	if w.stopped {
		return false
	}
	if len(text) == 0 && !w.lim.All {
		return true
	}
	if w.large.late && w.file != "" && len(text) > 2*w.large.edge {
		return w.clip(name, text, index, isName)
	}
	l := w.leaf
	if !w.placed {
		w.placed = true
		l.Source, l.File, l.w = w.source, w.file, w
		l.root, l.start = w.path[w.pathStart].name, w.pathStart
	}
	// Field by field: writing the whole struct at once costs three times as much.
	l.Text, l.Name, l.IsName, l.Passing, l.Run = text, name, isName, w.large.late, w.run
	l.index, l.end = index, len(w.path)
	if len(w.steps) > w.stepStart || len(l.Steps) > 0 {
		l.Steps = w.steps[w.stepStart:len(w.steps):len(w.steps)]
	}
	if !w.visit(l) {
		w.stopped = true
	}
	return !w.stopped
}

// spend counts n bytes that are about to be read, and reports whether the walk goes on.
func (w *Walker) spend(n int) bool {
	if !w.Work.Spend(n) {
		w.stopped = true
	}
	return !w.stopped
}

// nest goes to a level of nesting.
func (w *Walker) nest(level int) {
	w.nesting = level
	w.leaf = &w.leaves[level]
	w.placed = false
}

// push enters a container, pop leaves it.
func (w *Walker) push(s segment) { w.path = append(w.path, s) }
func (w *Walker) pop()           { w.path = w.path[:len(w.path)-1] }

// step adds a container decoding; back undoes what was added since mark.
func (w *Walker) step(name string) (mark int) {
	mark = len(w.steps)
	w.steps = append(w.steps, name)
	return mark
}
func (w *Walker) back(mark int) { w.steps = w.steps[:mark] }

// isPlain reports whether s holds nothing but ASCII letters, digits, '_', '-' and '.'.
func isPlain(s string) bool {
	for i := 0; i < len(s); i++ {
		if !plainByte[s[i]] {
			return false
		}
	}
	return true
}

var plainByte = func() (t [256]bool) {
	for c := range t {
		t[c] = 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-' || c == '.'
	}
	return t
}()
