package rule

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"

	"kongwaf/detect"
	"kongwaf/detect/attack/extract"
)

// Set is a compiled list of rules. It is safe for concurrent use; nil is the empty set.
type Set struct {
	rules      []compiled
	conditions []condition // of all rules
	limits     extract.Limits
	body       bool // a condition may hold in the body
	most       int  // how many bytes of a place tell whether a condition asks for it
	// last is the session that was used last: a pool alone forgets it at a garbage collection.
	last atomic.Pointer[session]
	more sync.Pool
}

// compiled is one rule. Its conditions are set.conditions[from:to].
type compiled struct {
	Rule
	exact, folded glob // of the path; nil for every path
	from, to      int
}

// condition is one compiled condition.
type condition struct {
	Condition
	source  detect.Source // SourceUnknown if any may be meant
	at      glob          // of the place, in lower case
	expr    *regexp.Regexp
	lowered []string // Contains, in lower case
	// narrow says that what is asked of the value is read narrowly.
	narrow bool
	// allows says that the rule is one that allows.
	allows bool
}

// New compiles rules. An error begins with the rule's number: "[2].path: ...".
func New(rules []Rule, limits extract.Limits) (*Set, error) {
	if len(rules) > MaxRules {
		return nil, fmt.Errorf(": %d rules, at most %d are possible", len(rules), MaxRules)
	}
	limits.All = true
	set := &Set{limits: limits}
	for i := range rules {
		if err := rules[i].Validate(); err != nil {
			return nil, fmt.Errorf("[%d].%w", i, err)
		}
		c := compiled{Rule: rules[i], from: len(set.conditions)}
		if c.Path != "" {
			c.exact, c.folded = newGlob(c.Path), newGlob(lowered(c.Path))
		}
		for _, x := range c.Conditions {
			one := compile(x, c.Action == Allow)
			set.body = set.body || one.inBody()
			set.most = max(set.most, len(x.Place))
			if len(one.at) > 1 {
				set.most = MaxText
			}
			set.conditions = append(set.conditions, one)
		}
		c.to = len(set.conditions)
		set.rules = append(set.rules, c)
	}
	set.more.New = func() any { return newSession(set) }
	return set, nil
}

func compile(x Condition, allows bool) condition {
	place := lowered(string(x.Place))
	one := condition{Condition: x, source: x.Place.Source(), allows: allows, narrow: allows != x.Negate}
	if one.source == detect.SourceHeader {
		place = strings.ReplaceAll(place, "_", "-")
	}
	one.at = newGlob(place)
	if x.Matches != "" {
		one.expr = regexp.MustCompile(x.Matches) // Validate has compiled it
	}
	for _, text := range x.Contains {
		one.lowered = append(one.lowered, lowered(text))
	}
	return one
}

// Body reports whether a rule asks for the body.
func (set *Set) Body() bool { return set != nil && set.body }

// Len returns the number of rules.
func (set *Set) Len() int {
	if set == nil {
		return 0
	}
	return len(set.rules)
}

// Why a request was not judged to its end.
var (
	ErrSpent = errors.New("the rules cost more work on the request than its size allows")
	ErrLate  = errors.New("the deadline passed while the rules were judged")
)

// None stands for no rule in a Result.
const None = -1

// Result is what the rules say of one request.
type Result struct {
	// Decided is the number of the rule that blocks or allows the request, None if none does.
	Decided int
	// Reported are the numbers of the rules before it that report the request.
	Reported []int
	// Unseen says that rules asked for parts of the body that could not be judged whole;
	// Skipped is how many bytes of it were passed over.
	Unseen  bool
	Skipped int64
	// Failure says why judging ended early. What was seen until then has been judged.
	Failure error
}

// inBody reports whether the condition may hold in the body.
func (c *condition) inBody() bool {
	return c.source == detect.SourceBody || c.source == detect.SourceUnknown
}

// Judge asks the rules about a request.
func (set *Set) Judge(r *detect.Request) Result {
	if set.Len() == 0 {
		return Result{Decided: None}
	}
	s := set.last.Swap(nil)
	if s == nil {
		s = set.more.Get().(*session)
	}
	result := s.judge(r)
	s.end()
	if !set.last.CompareAndSwap(nil, s) {
		set.more.Put(s)
	}
	return result
}
