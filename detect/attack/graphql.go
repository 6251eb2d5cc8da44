package attack

import (
	"kongwaf/detect"
	"kongwaf/detect/attack/extract"
)

// GraphQL has what is GraphQL in a request judged by limits of one's own, instead of those
// that every request is held to.
type GraphQL struct {
	// Limits are extract's for these requests.
	Limits extract.GraphQLLimits
	// On reports whether a request is held to them; nil means that every one is.
	On func(*detect.Request) bool
	// Judge returns what is wrong with a request's documents, given the values of its
	// parameters called variables. It must be safe for concurrent use, linear in its input,
	// and keep none of it.
	Judge func(documents []extract.Document, variables []string) []detect.Finding
}

// documentCost is how often a judge of documents reads them: it counts their tokens, parses
// them, and walks what it has parsed.
const documentCost = 32

// judged returns the limits to which a request is held, and whether its documents are judged.
func (e *Engine) judged(r *detect.Request) (extract.Limits, bool) {
	limits := e.limits
	if e.graphql == nil || e.graphql.On != nil && !e.graphql.On(r) {
		return limits, false
	}
	limits.GraphQL = e.graphql.Limits
	return limits, true
}

// judgeDocuments judges the GraphQL documents of the request.
func (s *session) judgeDocuments() {
	documents, variables := s.walker.Documents()
	if len(documents) == 0 {
		return
	}
	size := 0
	for i := range documents {
		size += len(documents[i].Text)
		if i == 0 || documents[i].Envelope != documents[i-1].Envelope {
			size += len(documents[i].Envelope)
		}
	}
	if s.work.Spend(documentCost * size) {
		for _, f := range s.engine.graphql.Judge(documents, variables) {
			s.anomaly(f)
		}
	}
}
