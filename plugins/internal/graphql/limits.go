// Package graphql judges GraphQL documents by what executing them would cost: how deep they
// go, how many fields, aliases and list entries they ask for. It knows no schema, so it
// counts what a document says, not what a server would answer.
//
// The work is linear in the size of a document. Tokens and nesting are bounded before it is
// parsed, for the parser recurses; what fragments stand for is computed once for each
// fragment and multiplied, so that fragments which double each other cost nothing here.
package graphql

import (
	"fmt"
	"slices"
	"unsafe"

	"kongwaf/detect"
	"kongwaf/detect/attack/extract"
)

// Bounds of what is parsed at all, and of what fragments may stand for. Documents of
// applications have some hundred tokens, nest a dozen levels, and ask for some hundred fields.
const (
	maxTokens  = 15000
	maxNesting = 200
	maxFields  = 50000
)

// Limits are what a request may ask for. A limit that is 0 is none.
type Limits struct {
	// MaxDepth is how deep selection sets may nest, fragments included.
	MaxDepth int
	// MaxAliases is how many fields of an operation may have an alias, a fragment's as often as
	// it is spread.
	MaxAliases int
	// MaxRootFields is how many fields an operation may have at its root.
	MaxRootFields int
	// MaxBatch is how many elements a batch may have.
	MaxBatch int
	// MaxDirectives is how many directives a document may have.
	MaxDirectives int
	// MaxCost bounds the cost of a request; see cost.
	MaxCost int
	// ListArguments are the arguments that say how many entries a list has.
	ListArguments []string
	// DenyIntrospection refuses documents that ask for __schema or __type.
	DenyIntrospection bool
	// Strict says that what does not parse is refused too. Else its tokens are counted.
	Strict bool
}

// sizes reports whether an argument of that name says how many entries a list has.
func (l *Limits) sizes(argument string) bool { return slices.Contains(l.ListArguments, argument) }

// beyondDoubt is the confidence of every finding: a limit is a limit, whatever the sensitivity.
const beyondDoubt = 1

// judgement is what is found out about one request.
type judgement struct {
	limits   *Limits
	findings []detect.Finding
}

// Judge returns what in a request's documents is over a limit; variables are the values of
// parameters called so. It keeps nothing of its arguments, and is safe for concurrent use.
func (l *Limits) Judge(documents []extract.Document, variables []string) []detect.Finding {
	j := judgement{limits: l}
	parameters := &envelope{parameters: variables}
	envelopes := map[*byte]*envelope{} // equal texts are the same one, and long
	costs := map[detect.Place]int64{}
	for i := range documents {
		d := &documents[i]
		around := parameters
		if d.Envelope != "" || d.Cut {
			at := unsafe.StringData(d.Envelope)
			if around = envelopes[at]; around == nil {
				around = newEnvelope(d)
				envelopes[at] = around
			}
		}
		if d.Text != "" {
			around.documents++
			costs[d.Place] = sum(costs[d.Place], j.document(d, around, parameters))
		}
	}
	if l.MaxBatch > 0 {
		for i := range documents {
			if e := envelopes[unsafe.StringData(documents[i].Envelope)]; e != nil {
				j.over(documents[i].Place, "batch", int64(e.elements()), l.MaxBatch)
			}
		}
	}
	if len(documents) >= extract.MaxDocuments {
		j.add(documents[0].Place, fmt.Sprintf("documents: %d or more", extract.MaxDocuments))
	}
	for place, cost := range costs {
		j.over(place, "cost", cost, l.MaxCost)
	}
	return j.findings
}

// over adds a finding if n is over a limit.
func (j *judgement) over(place detect.Place, what string, n int64, limit int) {
	switch {
	case limit <= 0 || n <= int64(limit):
	case n >= endless:
		j.add(place, fmt.Sprintf("%s beyond count, limit %d", what, limit))
	default:
		j.add(place, fmt.Sprintf("%s %d, limit %d", what, n, limit))
	}
}

// add adds a finding, once for each place.
func (j *judgement) add(place detect.Place, evidence string) {
	const most = 16
	for i := range j.findings {
		if j.findings[i].Place == place && j.findings[i].Evidence == evidence {
			return
		}
	}
	if len(j.findings) < most {
		j.findings = append(j.findings, detect.Finding{Class: detect.ClassGraphQL, Place: place, Evidence: evidence, Confidence: beyondDoubt})
	}
}

// endless is where counting stops: more than any limit.
const endless = 1 << 40

func sum(a, b int64) int64 { return min(a+b, endless) }

func product(a, b int64) int64 {
	if a > 0 && b > endless/a {
		return endless
	}
	return a * b
}
