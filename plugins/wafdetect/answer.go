package wafdetect

import (
	"fmt"

	"kongwaf/plugins/internal/respond"
)

// Answers are the fields that say how refused clients are answered.
type Answers struct {
	BlockPage   string `json:"block_page,omitempty" kong:"lenmax=65536" doc:"HTML page that browsers get instead of Kong's: at most 64 KiB, with the placeholders {{request_id}}, {{message}} and {{status}}, which are filled in escaped. It must need nothing else of this host."`
	ProblemJSON bool   `json:"problem_json" default:"false" doc:"Whether callers that would get Kong's JSON get problem details (RFC 9457, application/problem+json). Those whose Accept names that type get them anyway."`
}

// answer compiles the fields; the error begins with the field.
func (a *Answers) answer() (*respond.Answer, error) {
	out := &respond.Answer{Problem: a.ProblemJSON}
	if a.BlockPage == "" {
		return out, nil
	}
	var err error
	if out.Page, err = respond.ParsePage(a.BlockPage); err != nil {
		return nil, fmt.Errorf("block_page: %w", err)
	}
	return out, nil
}
