package extract

import (
	"io"
	"slices"
	"strings"

	"kongwaf/detect"
)

// format is a kind of container. A new one needs: a constant and its names below, a reader
// (a method of Walker that hands out leaves and reports whether it understood everything)
// in read, how it is declared in declaredFormat, how it looks in sniff and, if it occurs
// inside values, in nestedFormat; rows in a table of shapes, a seed in the fuzz targets and
// its dearest input in the adversarial benchmark.
type format uint8

const (
	formatNone format = iota
	formatForm
	formatJSON
	formatXML
	formatMultipart
	formatGraphQL
	formatGRPC
	formatGRPCText
	formatProtobuf
	formatMsgpack
	formatCBOR
	formatYAML
	formatJWT
	formatURL
	formatDataURL
	formatCompressed
)

// formatNames are a format's word in places: below another container, and as the root of a body.
var formatNames = [...]struct{ word, root string }{
	formatNone:       {"", "body"},
	formatForm:       {"form", "body.form"},
	formatJSON:       {"json", "body.json"},
	formatXML:        {"xml", "body.xml"},
	formatMultipart:  {"multipart", "body.multipart"},
	formatGraphQL:    {"graphql", "body.graphql"},
	formatGRPC:       {"grpc", "body.grpc"},
	formatGRPCText:   {"grpc", "body.grpc"},
	formatProtobuf:   {"protobuf", "body.protobuf"},
	formatMsgpack:    {"msgpack", "body.msgpack"},
	formatCBOR:       {"cbor", "body.cbor"},
	formatYAML:       {"yaml", "body.yaml"},
	formatJWT:        {"jwt", "body.jwt"},
	formatURL:        {"query", "body.query"},
	formatDataURL:    {"data", "body.data"},
	formatCompressed: {"compressed", "body.compressed"},
}

// body undoes compression and reads the body as declared and as it looks.
func (w *Walker) body(r *detect.Request) {
	if len(r.Body) == 0 {
		return
	}
	w.at(detect.SourceBody, "body")
	mark := len(w.steps)
	p := w.decompress(bodyOf(r, w.lim.MaxBody))
	w.large.more, w.large.text = p.rest != nil, p.text
	w.content(segment{index: -1}, p.text, w.declared.types[:w.declared.typeCount], 0)
	w.large.more = false
	if p.rest != nil && !w.stopped {
		if p.from != nil {
			w.unpacking = nil // texts in what follows may be packed too
		}
		w.behind(p)
	}
	w.back(mark)
}

// bodyOf returns the first bytes of a body, and what follows them.
func bodyOf(r *detect.Request, most int) coded {
	p := coded{text: view(r.Body), size: int64(len(r.Body))}
	if r.Rest != nil {
		p.rest = io.NewSectionReader(r.Rest, 0, r.Rest.Size())
		p.size += r.Rest.Size()
	}
	if len(p.text) > most {
		behind := io.Reader(strings.NewReader(p.text[most:]))
		if p.rest != nil {
			behind = io.MultiReader(behind, p.rest)
		}
		p.text, p.rest = p.text[:most], behind
	}
	return p
}

// behind walks what is behind the beginning of a large body.
func (w *Walker) behind(p coded) {
	switch {
	case len(w.large.open) > 0:
		w.goOn(p.rest)
	case p.from != nil:
		p.from.drain()
	default:
		w.skip(int(p.size) - len(p.text))
	}
}

// content reads a body, or a part of one, whose declared content types are given. Where the
// declared format and the looks of the text disagree, both are read; where neither reads
// cleanly, the text is handed out whole as well. inner counts multipart bodies around it.
func (w *Walker) content(label segment, s string, types []string, inner int) {
	mark := len(w.steps)
	defer w.back(mark)
	w.graphqlVariables(label.name, s) // a part of a multipart body
	// It is sniffed, brought to UTF-8 and read.
	if !w.spend(3 * len(s)) {
		return
	}
	cs := charsetNone
	for _, t := range types {
		if cs = charsetOf(mediaParam(t, "charset")); cs != charsetNone {
			break
		}
	}
	raw := s
	s, cs = w.toUTF8(s, cs)
	if w.large.more && w.nesting == 0 {
		w.large.text = s
		if cs.foreign() && len(w.steps) > mark {
			w.large.more = false
			w.anomaly(detect.ClassProtocol, refused, "a large body in a charset that hides its structure")
		}
	}
	var formats [len(w.declared.types)]format
	for i, t := range types {
		formats[i] = declaredFormat(t)
	}
	seen, seenType := sniff(s), ""
	if seen == formatJSON && isProgram(types) && !bracketed(s) {
		seen = formatNone
	}
	for i, t := range types {
		if formats[i] == seen {
			seenType = t // for its parameters
			break
		}
	}
	clean := seen != formatNone && w.readIn(label, seen, s, seenType, inner)
	isForm := seen == formatForm
	for i, t := range types {
		f := formats[i]
		switch {
		case f == formatNone || f == seen || slices.Contains(formats[:i], f):
		case !w.spend(len(s)):
			return
		case !clean || f == formatMultipart:
			clean = w.readIn(label, f, s, t, inner) || clean
			isForm = isForm || f == formatForm
		case f == formatForm && w.large.more && inner == 0:
			depth := w.enter(label, f)
			w.suspend(&formReader{w: w, among: true}, s)
			w.leave(depth)
		case f == formatForm:
			// Well-formed as something else: as a form it has a first parameter with a
			// monstrous name, and perhaps others.
			depth := w.enter(label, f)
			w.laterPairs(s)
			w.leave(depth)
		}
	}
	// The fields of a form in a foreign charset are usually encoded one by one, below their
	// percent-encoding (known from ASP.NET). No EBCDIC text has the byte '='.
	if isForm {
		if c := formCharset(raw); c != charsetNone {
			cs = c
		}
	}
	if cs.foreign() && (isASCII(raw) || cs >= charsetIBM037 && strings.IndexByte(raw, '=') > 0) {
		w.spend(2 * len(raw))
		depth := w.enter(label, formatForm)
		w.foreignPairs(raw, cs)
		w.leave(depth)
	}
	if !clean && !w.stopped {
		if len(types) > 0 && seen == formatNone {
			w.mismatch(formats[0])
		}
		w.plainOf(label, s, types...)
	}
}

// readIn reads s as the given format, below label. It reports whether nothing else needs to
// be tried.
func (w *Walker) readIn(label segment, f format, s, contentType string, inner int) (clean bool) {
	if w.stopped {
		return false
	}
	depth := w.enter(label, f)
	clean = w.read(f, s, contentType, inner)
	w.leave(depth)
	// Text that happens to be well-formed markup may be meant for a browser: only its
	// whole shows that.
	if f == formatXML && contentType == "" && !strings.HasPrefix(strings.TrimSpace(s), "<?xml") {
		return false
	}
	return clean
}

// mismatch notes a body that is nothing like its declared format. Clients do that out of
// carelessness too: on its own it means little.
func (w *Walker) mismatch(f format) {
	switch f {
	case formatJSON, formatXML, formatMultipart, formatGraphQL, formatGRPC:
		w.anomaly(detect.ClassProtocol, 0.2, "content is not of the declared type")
	}
}

// enter goes below label into a container of the given format; leave undoes it.
func (w *Walker) enter(label segment, f format) (depth int) {
	depth = len(w.path)
	if label.name != "" || label.index >= 0 {
		w.push(label)
	} else if depth-w.pathStart == 1 && w.path[depth-1].name == "body" {
		w.path[depth-1].name = formatNames[f].root
		w.placed = false
		return depth
	}
	w.push(named(formatNames[f].word))
	return depth
}

func (w *Walker) leave(depth int) {
	w.path = w.path[:depth]
	if depth-w.pathStart == 1 && strings.HasPrefix(w.path[depth-1].name, "body.") {
		w.path[depth-1].name = "body"
		w.placed = false
	}
}

// read reads s as the given format and reports whether it was well-formed, so that nothing
// else needs to be tried.
func (w *Walker) read(f format, s, contentType string, inner int) (clean bool) {
	if w.large.more && w.nesting == 0 && inner == 0 {
		if clean, ok := w.begin(f, s, contentType); ok {
			return clean
		}
	}
	switch f {
	case formatForm:
		w.pairs(s)
		return w.formLooks(s)
	case formatJSON:
		return w.json(s[jsonStart(s):])
	case formatXML:
		return w.xml(s)
	case formatMultipart:
		return w.multipart(s, contentType, inner)
	case formatGraphQL:
		return w.graphql(s, outsideJSON)
	case formatGRPC:
		return w.grpc(s, contentType)
	case formatGRPCText:
		if text, ok := w.decodeBase64(strings.TrimSpace(s)); ok {
			mark := w.step("base64")
			clean = w.grpc(text, contentType)
			w.back(mark)
		}
		return clean
	case formatProtobuf:
		return w.protobuf(s, 0)
	case formatMsgpack:
		return w.items(s, msgpackItem)
	case formatCBOR:
		return w.items(s, cborItem)
	case formatYAML:
		w.yaml(s)
	case formatJWT:
		return w.jwt(strings.TrimSpace(s))
	}
	return false
}

// formLooks reports whether a text read as a form has ordinary names throughout (of the
// first few dozen).
func (w *Walker) formLooks(s string) bool {
	for n := 0; s != "" && n < 32; n++ {
		var p string
		p, s, _ = strings.Cut(s, "&")
		name, _, ok := strings.Cut(p, "=")
		if !ordinaryName(name) || !ok && n == 0 {
			return false
		}
	}
	return true
}

// plainOf is plain for content of the given types, of which one may be text.
func (w *Walker) plainOf(label segment, s string, types ...string) {
	outer := w.run
	w.run = len(types) > 0
	for _, t := range types {
		w.run = w.run && !isText(mediaType(t))
	}
	w.plain(label, s)
	w.run = outer
}

// isProgram reports whether one of the types is that of a program in JavaScript, which begins
// like JSON now and then.
func isProgram(types []string) bool {
	for _, t := range types {
		if t = mediaType(t); contains(t, "javascript") || contains(t, "ecmascript") || contains(t, "typescript") {
			return true
		}
	}
	return false
}

// bracketed reports whether a text begins and ends as an object or an array does.
func bracketed(s string) bool {
	s = strings.TrimSpace(s)
	return len(s) > 1 && (s[0] == '{' && s[len(s)-1] == '}' || s[0] == '[' && s[len(s)-1] == ']')
}

// isText reports whether a media type is one of texts, or none that anything is known of.
func isText(mediaType string) bool {
	for _, word := range [...]string{"image/", "font/", "audio/", "video/", "model/", "octet-stream", "zip", "gzip", "compressed", "x-tar", "svndiff", "pdf", "sqlite",
		"java-archive", "executable", "wasm", "msword", "officedocument", "ms-excel", "ms-fontobject", "x-font", "postscript"} {
		if contains(mediaType, word) {
			return contains(mediaType, "svg")
		}
	}
	return true
}

// plain hands out text that is in no known container. Of binary data only the runs of
// printable characters, and the head of a stream of objects.
func (w *Walker) plain(label segment, s string) {
	if strings.HasPrefix(s, zipLocal) {
		w.zip(label, s)
	}
	if looksText(s) {
		run := w.run
		w.run = false // it is a text, whatever it was called
		w.value(label, s)
		w.run = run
		return
	}
	if head := objectHead(s); head != "" {
		w.value(label, head)
	}
	w.binary(label, s)
}
