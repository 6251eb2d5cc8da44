// Package xml finds XML that makes a parser fetch, read or multiply what it should not:
// external entities, external document types, entity bombs, XInclude, and stylesheets that
// read files or call functions.
//
// Ordinary XML is no attack: SOAP, SVG, RSS, XHTML and property lists with their public
// document types, schemas and namespaces. It reads declarations only and expands nothing.
package xml

import (
	"strings"
	"unicode/utf8"

	"kongwaf/detect"
	"kongwaf/detect/attack/value"
)

// Possible reports whether a value can hold an attack in this language at all.
// It looks at the value's Traits, Pairs, Source and IsName only.
func Possible(v *value.Value) bool {
	return v.Pairs.Any(value.LessExclamation|value.LessLetter) && v.Traits.Any(value.Exclamation|value.Colon|value.Question)
}

// Judge looks at one decoded value; the zero Match means that nothing was seen.
func Judge(v *value.Value) value.Match {
	if !Possible(v) {
		return value.Match{}
	}
	s := v.Text
	r := reader{src: s}
	for i := 0; i < len(s) && r.best.Confidence < 0.9; i++ {
		j := strings.IndexByte(s[i:], '<')
		if j < 0 {
			break
		}
		i += j
		if i+2 >= len(s) {
			break
		}
		switch c := s[i+1] | 0x20; {
		case s[i+1] == '!':
			r.declaration(i)
		case 'a' <= c && c <= 'z':
			r.element(i)
		}
	}
	return r.best
}

// reader walks the declarations and elements of one text.
type reader struct {
	src  string
	best value.Match
	// internal entities seen, and references to entities inside their texts
	entities, references int
	bomb                 int // where the first entity that holds references stands
}

func (r *reader) see(confidence float64, start, stop int, shape string) {
	if confidence > r.best.Confidence {
		r.best = value.Match{Class: detect.ClassXXE, Confidence: confidence, Start: start, End: min(stop, len(r.src)), Shape: shape}
	}
}

// declaration judges "<!DOCTYPE" and "<!ENTITY" at i.
func (r *reader) declaration(i int) {
	s := r.src
	switch {
	case startsFold(s[i+2:], "entity"):
		r.entity(i, i+8)
	case startsFold(s[i+2:], "doctype"):
		r.doctype(i, i+9)
	}
}

// doctype judges a document type declaration; its name begins at k.
func (r *reader) doctype(i, k int) {
	s := r.src
	k = blanks(s, k)
	name := k
	for k < len(s) && s[k] > ' ' && s[k] != '>' && s[k] != '[' {
		k++
	}
	html := strings.EqualFold(s[name:k], "html")
	k = blanks(s, k)
	switch {
	case startsFold(s[k:], "system"):
		id, stop, ok := literal(s, k+6)
		switch {
		case !ok || strings.EqualFold(id, "about:legacy-compat"):
		case knownType(id):
			r.see(0.3, i, stop, "document type")
		case remote(id):
			r.see(0.88, i, stop, "external document type")
		default:
			r.see(0.72, i, stop, "external document type")
		}
	case startsFold(s[k:], "public"):
		public, stop, ok := literal(s, k+6)
		if !ok {
			return
		}
		system, stop2, ok := literal(s, stop)
		switch {
		case html && !ok, strings.HasPrefix(public, "-//") && (!ok || knownType(system)):
			// XHTML, SVG, property lists, DocBook and their like
		case strings.HasPrefix(public, "-//") || strings.HasPrefix(public, "+//") || strings.HasPrefix(public, "ISO "):
			if ok && remote(system) {
				r.see(0.72, i, stop2, "external document type")
			}
		case ok:
			r.see(0.88, i, stop2, "external document type")
		}
	}
}

// entity judges an entity declaration; what follows "<!ENTITY" begins at k.
func (r *reader) entity(i, k int) {
	s := r.src
	k = blanks(s, k)
	parameter := false
	if k < len(s) && (s[k] == '%' || startsFold(s[k:], "&#37;") || startsFold(s[k:], "&#x25;")) {
		parameter = true
		for k < len(s) && s[k] > ' ' {
			k++
		}
		k = blanks(s, k)
	}
	name := k
	for k < len(s) && s[k] > ' ' && s[k] != '"' && s[k] != '\'' && s[k] != '>' {
		k++
	}
	if k == name {
		return
	}
	k = blanks(s, k)
	switch {
	case startsFold(s[k:], "system"), startsFold(s[k:], "public"):
		_, stop, ok := literal(s, k+6)
		if ok {
			r.see(0.96, i, stop, "external entity")
		}
	default:
		text, stop, ok := literal(s, k)
		if !ok {
			return
		}
		if parameter {
			r.see(0.85, i, stop, "parameter entity")
			return
		}
		r.entities++
		refs := 0
		for j := 0; j < len(text); j++ {
			if text[j] == '&' && j+1 < len(text) && text[j+1] != '#' {
				refs++
			}
		}
		if refs > 0 && r.references == 0 {
			r.bomb = i
		}
		r.references += refs
		switch {
		case r.references >= 4 && r.entities >= 2:
			r.see(0.95, r.bomb, stop, "entities that multiply")
		case strings.IndexByte(text, '<') >= 0 || strings.Contains(text, "&#60") || strings.Contains(text, "&#x3"):
			r.see(0.75, i, stop, "entity with markup")
		case address(text) || references(text):
			r.see(0.35, i, stop, "internal entity")
		default:
			r.see(0.72, i, stop, "internal entity")
		}
	}
}

// address reports whether an entity's text is an address of the web, as drawing programs and
// ontologies declare for their namespaces: <!ENTITY ns_svg "http://www.w3.org/2000/svg">.
func address(text string) bool {
	return (strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://")) && !strings.ContainsAny(text, " \t\n'\"<>&;")
}

// references reports whether an entity's text is nothing but characters by their numbers:
// <!ENTITY nbsp "&#160;">, or one character. Those of markup have been judged before.
func references(text string) bool {
	if utf8.RuneCountInString(text) == 1 {
		return true
	}
	n := 0
	for text != "" {
		k := strings.IndexByte(text, ';')
		if k < 0 || !strings.HasPrefix(text, "&#") {
			return false
		}
		text = text[k+1:]
		n++
	}
	return n > 0
}

// element judges the start tag at i: XInclude, schema locations, XSLT.
func (r *reader) element(i int) {
	s := r.src
	k := i + 1
	for k < len(s) && k < i+64 && s[k] > ' ' && s[k] != '>' && s[k] != '/' {
		k++
	}
	name := s[i+1 : k]
	prefix, local := "", name
	if c := strings.IndexByte(name, ':'); c >= 0 {
		prefix, local = name[:c], name[c+1:]
	}
	stop := min(len(s), i+2048)
	for e := k; e < stop; e++ {
		if s[e] == '>' || s[e] == '<' { // no value holds a bare '<' (XML 1.0, section 2.3)
			stop = min(e+1, stop)
		}
	}
	tag := s[k:max(k, stop)]
	if len(tag) < 8 {
		return
	}
	if prefix == "" {
		// An <xml> or root element without prefix may still name a schema elsewhere.
		r.schema(i, stop, tag)
		return
	}
	switch {
	case strings.EqualFold(local, "include") && (strings.EqualFold(prefix, "xi") || strings.Contains(tag, "XInclude")):
		if strings.Contains(tag, "href") {
			r.see(0.93, i, stop, "XInclude")
		}
	case strings.EqualFold(local, "include") && strings.HasPrefix(prefix, "xs"):
		// A schema's include has a schemaLocation and no namespace (XML Schema, 4.2.1).
		if strings.Contains(tag, "namespace=") && !strings.Contains(tag, "schemaLocation") && strings.Contains(tag, "://") {
			r.see(0.75, i, stop, "schema include")
		}
		if strings.EqualFold(prefix, "xsl") && (strings.Contains(tag, "://") || strings.Contains(tag, "file:")) {
			r.see(0.8, i, stop, "stylesheet include")
		}
	case strings.EqualFold(prefix, "xsl"):
		r.stylesheet(i, stop, local, tag)
	case prefix == "msxsl" && strings.EqualFold(local, "script"):
		r.see(0.93, i, stop, "stylesheet script")
	case prefix == "exsl" || prefix == "exploit" && local == "document":
		if strings.Contains(tag, "href") {
			r.see(0.9, i, stop, "stylesheet that writes")
		}
	default:
		r.schema(i, stop, tag)
	}
}

// schema judges xsi:schemaLocation, which lists pairs of namespace and address: an odd one
// out is an address that only a fetch is for.
func (r *reader) schema(i, stop int, tag string) {
	k := strings.Index(tag, ":schemaLocation")
	if k < 0 {
		return
	}
	text, _, ok := literal(tag, strings.IndexByte(tag[k:], '=')+k+1)
	if !ok {
		return
	}
	if !strings.ContainsAny(strings.TrimSpace(text), " \t\r\n") && remote(text) {
		r.see(0.75, i, stop, "schema location")
	}
}

// stylesheet judges an XSLT instruction whose expression reads files or calls functions.
func (r *reader) stylesheet(i, stop int, local, tag string) {
	switch {
	case strings.Contains(tag, "php:function"), strings.Contains(tag, "system-property("):
		r.see(0.85, i, stop, "stylesheet function")
	case strings.Contains(tag, "document("), strings.Contains(tag, "unparsed-text("), strings.Contains(tag, "doc("):
		r.see(0.88, i, stop, "stylesheet that reads")
	case strings.Contains(tag, "http://php.net/xsl"), strings.Contains(tag, "xalan/java"), strings.Contains(tag, "xsltc/java"),
		strings.Contains(tag, "java:java"), strings.Contains(tag, "java.lang"):
		r.see(0.85, i, stop, "stylesheet with functions")
	case strings.EqualFold(local, "import") && strings.Contains(tag, "://"):
		r.see(0.8, i, stop, "stylesheet import")
	}
}

// literal returns the quoted text that begins at k or after white space, and the position
// behind it. Doubled quotes, as in a CSV field, count as one.
func literal(s string, k int) (text string, stop int, ok bool) {
	k = blanks(s, k)
	if k < len(s) && s[k] == '\\' {
		k++
	}
	if k >= len(s) || s[k] != '"' && s[k] != '\'' {
		return "", k, false
	}
	quote := s[k]
	k++
	if k+1 < len(s) && s[k] == quote && s[k+1] > ' ' && s[k+1] != '>' && s[k+1] != quote {
		k++
	}
	e := strings.IndexByte(s[k:], quote)
	if e < 0 {
		return s[k:], len(s), len(s) > k
	}
	return s[k : k+e], k + e + 1, true
}

func blanks(s string, k int) int {
	for k < len(s) && s[k] <= ' ' {
		k++
	}
	return min(k, len(s))
}

// remote reports whether a system identifier is fetched from elsewhere: it has a scheme, or
// begins with two slashes.
func remote(id string) bool {
	return strings.HasPrefix(id, "//") || strings.HasPrefix(id, `\\`) || strings.Contains(id, ":/") || strings.Contains(id, "://")
}

// knownType reports whether an address of a document type belongs to those whose types
// ordinary documents name. Parsers keep copies of them.
func knownType(id string) bool {
	for _, host := range [...]string{
		"http://www.w3.org/", "https://www.w3.org/", "http://www.apple.com/DTDs/", "https://www.apple.com/DTDs/", "http://java.sun.com/", "http://www.daisy.org/z3986/",
		"http://hibernate.", "http://www.hibernate.org/", "http://mybatis.org/", "https://mybatis.org/", "http://www.springframework.org/",
		"http://struts.apache.org/", "http://www.oasis-open.org/", "http://docbook.org/", "http://purl.org/", "http://xml.cxml.org/",
		"http://my.netscape.com/", "http://www.wapforum.org/", "http://checkstyle.", "https://checkstyle.", "http://openoffice.org/", "http://logging.apache.org/",
	} {
		if strings.HasPrefix(id, host) {
			return true
		}
	}
	// A file beside the document, as catalogues and build files name it.
	return !remote(id) && !strings.Contains(id, "..") && !strings.HasPrefix(id, "/") && strings.HasSuffix(id, ".dtd")
}

func startsFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
