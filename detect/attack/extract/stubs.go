package extract

import (
	"strings"

	"kongwaf/detect"
)

type declaration struct{}
type inflaters struct{}
type graphqlScan struct{}

func (q *graphqlScan) reset() {}

func (w *Walker) protocol(r *detect.Request)                               {}
func (w *Walker) graphqlPairs(query, root string)                          {}
func (w *Walker) graphqlValue(base int, label segment, text string) bool { return false }
func isJWT(s string) bool                                                  { return false }
func (w *Walker) jwt(s string) bool                                        { return false }

func (w *Walker) body(r *detect.Request) {
	s := view(r.Body)
	t := strings.TrimLeft(s, " \r\n\t")
	switch {
	case t == "":
	case t[0] == '{' || t[0] == '[':
		w.at(detect.SourceBody, "body.json")
		w.json(s)
	case strings.Contains(t, "="):
		w.at(detect.SourceBody, "body.form")
		w.pairs(s)
	default:
		w.at(detect.SourceBody, "body")
		w.value(segment{index: -1}, s)
	}
}

// Nested looks inside a text that was decoded out of a leaf.
func (w *Walker) Nested(parent *Leaf, text string, visit func(*Leaf) bool) bool { return false }
