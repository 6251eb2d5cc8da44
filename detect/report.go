package detect

import "strings"

// Source is the part of a request that a value came from.
type Source uint8

// The sources of values.
const (
	SourceUnknown Source = iota
	SourceMethod
	SourcePath
	SourceQuery
	SourceHeader
	SourceCookie
	SourceBody
)

var sourceNames = [...]string{"unknown", "method", "path", "query", "header", "cookie", "body"}

// String returns the word with which places of this source begin.
func (s Source) String() string {
	if int(s) < len(sourceNames) {
		return sourceNames[s]
	}
	return "unknown"
}

// ParseSource returns the source with the given name, SourceUnknown if there is none.
func ParseSource(name string) Source {
	for i, n := range sourceNames {
		if n == name {
			return Source(i)
		}
	}
	return SourceUnknown
}

// Place names where in a request a value stood: a source, and a path below it, such as
// "query.id", "body.json.user.name[2]", "header.referer", "path[1]", "cookie.sid".
// Exceptions in a plugin's config are written in the same form.
type Place string

// Source returns the source that the place begins with.
func (p Place) Source() Source {
	head := string(p)
	if i := strings.IndexAny(head, ".["); i >= 0 {
		head = head[:i]
	}
	return ParseSource(head)
}

// Finding is one attack seen in one value.
type Finding struct {
	Class Class `json:"class"`
	Place Place `json:"place"`
	// Evidence is the part of the decoded value that shows the attack: bounded in
	// length, and masked where the place is configured as secret.
	Evidence string `json:"evidence"`
	// Confidence is between 0 and 1.
	Confidence float64 `json:"confidence"`
	// Decoded lists the decodings that led to the evidence, outermost first:
	// "percent", "base64", "html" and so on. Empty if the value was judged as it came.
	Decoded []string `json:"decoded,omitempty"`
}

// Report is what the attack engine says of one request. The zero value means "nothing found".
type Report struct {
	// Blocked says that the score reached the threshold of the engine's sensitivity.
	Blocked bool `json:"blocked"`
	// Score is between 0 (nothing suspicious) and 1.
	Score float64 `json:"score"`
	// Attacks are the findings, the most confident first. Nil for a clean request.
	Attacks []Finding `json:"attacks"`
	// Truncated says that a budget (bytes, depth, values, decoding rounds) ran out before
	// the whole request was judged.
	Truncated bool `json:"truncated"`
	// Failure says why judging ended early: the request's budget of work was spent, its
	// deadline passed, or the engine panicked. What had been found until then is in the
	// report and decides; only where it does not has the request not been judged.
	Failure error `json:"-"`
	// Skipped is how many bytes of a large body were passed over unjudged: the content of
	// files and the middle of long values. What stands beside them was judged.
	Skipped int64 `json:"skipped,omitempty"`
	// Excepted is the surest finding that would have blocked the request by itself, had an
	// exception or an expectation not silenced it. Nil if there is none.
	Excepted *Excepted `json:"excepted,omitempty"`
}

// Excepted is a finding that an exception or an expectation silenced.
type Excepted struct {
	// Exception says which of the engine's exceptions it was, the most specific one, from 0; -1
	// if none was.
	Exception int `json:"exception"`
	// Expectation says which of the engine's expectations it was, from 0; -1 if none was.
	Expectation int `json:"expectation"`
	// Entry names that exception or expectation in words of the config's, where the engine's
	// caller has such.
	Entry string `json:"entry,omitempty"`
	// Expected is the kind of content that the place is expected to carry, such as "sql"; ""
	// if an exception silenced the finding.
	Expected string `json:"expected,omitempty"`
	Finding
}
