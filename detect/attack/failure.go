package attack

import (
	"errors"
	"fmt"
	"runtime/debug"

	"kongwaf/detect"
	"kongwaf/detect/attack/work"
)

// Why judging a request ended early, as its Report says.
var (
	// ErrSpent says that the request costs more work than one of its size may. That is
	// itself a finding.
	ErrSpent = errors.New("the request costs more work than its size allows")
	// ErrLate says that the caller's deadline passed (detect.Request.Late).
	ErrLate = errors.New("the deadline passed while the request was judged")
)

// Panic is a panic in the engine, which is a bug in it. One in a language ends that language's
// look at one value; one elsewhere ends the judging.
type Panic struct {
	// Where names the language; "walk" is everything else.
	Where string
	Value any
	Stack []byte
}

// Error does not show the value, which may hold a part of the request.
func (p *Panic) Error() string { return fmt.Sprintf("panic in %s", p.Where) }

// panicked notes a panic; the first is the one that the report tells of.
func (s *session) panicked(where string, value any) {
	if s.failure == nil {
		s.failure = &Panic{Where: where, Value: value, Stack: debug.Stack()}
	}
	s.cut = true
}

// overwork is the confidence that a request which spends its budget was made to do so: at
// every sensitivity it is beyond doubt, for no other request comes near.
const overwork = 0.9

// ended makes of the end of the work what it means for the report.
func (s *session) ended() {
	switch s.work.End() {
	case work.EndNone:
		return
	case work.EndSpent:
		s.anomaly(detect.Finding{Class: detect.ClassProtocol, Place: "body", Confidence: overwork, Evidence: ErrSpent.Error()})
		s.fail(ErrSpent)
	case work.EndLate:
		s.fail(ErrLate)
	}
	s.cut = true
}

func (s *session) fail(err error) {
	if s.failure == nil {
		s.failure = err
	}
}
