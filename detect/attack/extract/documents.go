package extract

import (
	"strings"

	"kongwaf/detect"
)

// Document is a GraphQL document as it stands in a request, with what a server reads beside
// it. Its strings are good until the next Walk.
type Document struct {
	// Text is the document; "" for a batch in which none was found.
	Text string
	// Place is where it stands, as in a finding: "body.graphql", "query.graphql". The documents
	// of one batch share it.
	Place detect.Place
	// Element is its position in a batch, -1 outside of one.
	Element int
	// Declared says that it does not look like GraphQL, and is a document for being in the
	// place of one.
	Declared bool
	// Envelope is the JSON text in which it stands; "" if there is none, or, where Cut is set,
	// if it is longer than what is held of a body.
	Envelope string
	Cut      bool
}

// documents collects the documents of a request, for those who ask for them.
type documents struct {
	all       []Document
	variables []string // parameters called variables
	envelope  string   // the JSON text that is being read
}

// MaxDocuments bounds what is collected; more of them are no request but a flood, of which
// the number is enough.
const MaxDocuments = 1024

func (d *documents) reset() {
	clear(d.all)
	clear(d.variables)
	d.all, d.variables, d.envelope = d.all[:0], d.variables[:0], ""
}

// Documents returns the GraphQL documents of the last walked request, and the values of its
// parameters called variables, if GraphQLLimits.Collect was set.
func (w *Walker) Documents() (all []Document, variables []string) {
	return w.documents.all, w.documents.variables
}

// collects reports whether documents are collected where the walk is. A Referer and its like
// repeat the page's own query, which nobody executes.
func (w *Walker) collects() bool {
	return w.lim.GraphQL.Collect && (w.source == detect.SourceQuery || w.source == detect.SourceBody)
}

// collect keeps a document that stands at the current place.
func (w *Walker) collect(text string, element int, declared bool) {
	d := &w.documents
	if !w.collects() || len(d.all) >= MaxDocuments || !w.spend(len(text)) {
		return
	}
	l := Leaf{Source: w.source, IsName: true, w: w, root: w.path[w.pathStart].name, start: w.pathStart, end: len(w.path)}
	d.all = append(d.all, Document{
		Text: strings.Clone(text), Place: l.Place(), Element: element, Declared: declared,
		Envelope: d.envelope, Cut: element != outsideJSON && d.envelope == "",
	})
	if element == outsideJSON {
		last := &d.all[len(d.all)-1]
		last.Element, last.Envelope = -1, ""
	}
}

// outsideJSON is the element of a document that stands in no JSON text.
const outsideJSON = -2

// enclose notes that a JSON text is being read, and returns what undoes it.
func (w *Walker) enclose(s string) (outer string) {
	outer = w.documents.envelope
	if !w.collects() || !w.spend(len(s)) {
		return outer
	}
	if w.nesting > 0 { // its owner will write over it
		s = strings.Clone(s)
	}
	w.documents.envelope = s
	if w.lim.GraphQL.Declared && w.nesting == 0 && strings.HasPrefix(s, "[") {
		w.collect("", -1, true)
	}
	return outer
}

// graphqlQuery reports whether a parameter's name is query for those who decode it, in any
// case, as some servers read names.
func (w *Walker) graphqlQuery(name string) bool {
	return detect.EqualFold(name, "query") ||
		w.collects() && strings.IndexByte(name, '%') >= 0 && len(name) <= 3*len("query") && detect.EqualFold(w.unescapePercent(name), "query")
}

// graphqlVariables keeps a parameter's value if the parameter is called variables.
func (w *Walker) graphqlVariables(name, value string) {
	if !w.collects() || name == "" || len(name) > 3*len("variables") || !detect.EqualFold(w.unescapePercent(name), "variables") || !w.spend(len(value)) {
		return
	}
	if d := &w.documents; len(d.variables) < MaxDocuments {
		d.variables = append(d.variables, strings.Clone(w.unescapePercent(value)))
	}
}
