package extract

import (
	"fmt"
	"strings"

	"kongwaf/detect"
)

// graphqlScan counts what makes a GraphQL document dear to execute, while it is read.
type graphqlScan struct {
	operations int // in the whole request

	braces, parens  int
	objects         int // braces that are open inside parentheses: input objects
	depth           int // the deepest selection set
	aliases         int
	directives      int
	repeats         int
	schema, oneType bool   // introspection
	last            string // "$", "@", "...", or a word that changes what the next word means
	recent          [4]string
	recentAt        int
	fragments       [maxFragments]fragment
	fragmentCount   int
	current         int  // the fragment being defined, -1 in an operation
	stray           bool // a word outside of definitions
	announced       bool // the operation whose selection set comes next has been counted
}

// fragment is a named fragment of a document and the fragments that it spreads, as bits.
type fragment struct {
	name    string
	spreads uint64
}

const maxFragments = 64

func (q *graphqlScan) reset() { q.operations = 0 }

// begin starts another document.
func (q *graphqlScan) begin() {
	*q = graphqlScan{operations: q.operations, current: -1}
}

// word counts a name. isLabel says that a colon follows: an alias in a selection, the name
// of an argument in parentheses.
func (q *graphqlScan) word(word string, isLabel bool) {
	last := q.last
	q.last = ""
	if q.braces == 0 && q.parens == 0 {
		switch {
		case last == "fragment":
			q.current = q.fragment(word)
		case word == "query" || word == "mutation" || word == "subscription":
			if last != "keyword" { // a query may be named query
				q.operations++
				q.announced = true
				q.current = -1
				q.last = "keyword"
			}
		case word == "fragment":
			q.last = word
		case word == "on":
			q.last = "type"
		case last == "":
			q.stray = true
		}
		return
	}
	if q.parens > 0 {
		return
	}
	switch last {
	case "...":
		if word == "on" {
			q.last = "type"
		} else if f := q.fragment(word); q.current >= 0 && f >= 0 {
			q.fragments[q.current].spreads |= 1 << f
		}
		return
	case "@", "$", "type":
		return
	}
	if isLabel {
		q.aliases++
		return
	}
	q.schema = q.schema || word == "__schema"
	q.oneType = q.oneType || word == "__type"
	for _, r := range q.recent {
		if r == word {
			q.repeats++
			break
		}
	}
	q.recent[q.recentAt&3] = word
	q.recentAt++
}

// mark counts punctuation.
func (q *graphqlScan) mark(c byte) {
	q.last = ""
	switch c {
	case '{':
		if q.parens > 0 {
			q.objects++
			return
		}
		if q.braces == 0 && q.current < 0 && !q.announced {
			q.operations++ // the shorthand "{ ... }"
		}
		q.announced = false
		q.braces++
		q.depth = max(q.depth, q.braces)
		q.recent = [4]string{}
	case '}':
		if q.objects > 0 {
			q.objects--
			return
		}
		q.braces--
		q.recent = [4]string{}
		if q.braces == 0 {
			q.current = -1
		}
	case '(':
		q.parens++
	case ')':
		q.parens--
		if q.parens <= 0 {
			q.objects = 0
		}
	case '@':
		q.directives++
		q.last = "@"
	case '$':
		q.last = "$"
	}
}

func (q *graphqlScan) spread() { q.last = "..." }

// fragment returns the number of the named fragment, -1 if there are too many.
func (q *graphqlScan) fragment(name string) int {
	for i := range q.fragmentCount {
		if q.fragments[i].name == name {
			return i
		}
	}
	if q.fragmentCount == maxFragments {
		return -1
	}
	q.fragments[q.fragmentCount] = fragment{name: name}
	q.fragmentCount++
	return q.fragmentCount - 1
}

// circular returns the name of a fragment that spreads itself, directly or through others.
func (q *graphqlScan) circular() string {
	fs := q.fragments[:q.fragmentCount]
	for k := range fs {
		for i := range fs {
			if fs[i].spreads&(1<<k) != 0 {
				fs[i].spreads |= fs[k].spreads
			}
		}
	}
	for i := range fs {
		if fs[i].spreads&(1<<i) != 0 {
			return fs[i].name
		}
	}
	return ""
}

// graphqlFindings reports what the document that was just read has too much of. Past a limit
// it is suspicious; past twice the limit it is an attack.
func (w *Walker) graphqlFindings(s string) {
	q, lim := &w.graphqls, &w.lim.GraphQL
	over := func(what string, n, limit int) {
		if limit <= 0 || n <= limit {
			return
		}
		confidence := 0.5
		if n > 2*limit {
			confidence = 0.8
		}
		w.anomaly(detect.ClassGraphQL, confidence, fmt.Sprintf("%s: %d, limit %d", what, n, limit))
	}
	over("depth", q.depth, lim.MaxDepth)
	over("aliases", q.aliases, lim.MaxAliases)
	over("directives", q.directives, lim.MaxDirectives)
	over("repeated fields", q.repeats, lim.MaxRepeats)
	if lim.MaxBatch > 0 && q.operations == lim.MaxBatch+1 || q.operations == 2*lim.MaxBatch+1 {
		over("operations", q.operations, lim.MaxBatch)
	}
	if confidence := lim.Introspection; confidence > 0 && (q.schema || q.oneType) {
		i := strings.Index(s, "__schema")
		if !q.schema {
			i = strings.Index(s, "__type")
			confidence *= 0.6
		}
		w.anomaly(detect.ClassGraphQL, confidence, "introspection: "+s[max(i, 0):min(len(s), max(i, 0)+40)])
	}
	if q.fragmentCount > 0 {
		if name := q.circular(); name != "" {
			w.anomaly(detect.ClassGraphQL, 0.9, "circular fragment: "+name)
		}
	}
}
