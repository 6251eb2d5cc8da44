package rule

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/address"
)

// Action is what becomes of a request for which a rule holds.
type Action uint8

// The actions. Block and Allow decide: rules behind them are not asked.
const (
	Block Action = iota
	Allow
	Report
)

var actionNames = [...]string{"block", "allow", "report"}

// String returns the action's word.
func (a Action) String() string {
	if int(a) < len(actionNames) {
		return actionNames[a]
	}
	return fmt.Sprintf("action(%d)", uint8(a))
}

// ParseAction returns the action of a word.
func ParseAction(word string) (Action, error) {
	for i, name := range actionNames {
		if name == word {
			return Action(i), nil
		}
	}
	return 0, fmt.Errorf("%q is none of %s", word, strings.Join(actionNames[:], ", "))
}

// Rule is one rule. Every condition that is set must hold; at least one must be.
type Rule struct {
	Action Action
	// Methods are the request methods for which it holds; all if there are none.
	Methods []string
	// Path is the request path without the query; a star stands for any run of characters.
	// "" means every path.
	Path string
	// Clients are the addresses for which it holds, nil for all; of those in Except it never
	// does.
	Clients, Except *address.Set
	// Located, if not nil, is asked last of what is not in the request whether the rule holds
	// for the client's address. An error says that it cannot be told now.
	Located func(netip.Addr) (bool, error)
	// Conditions are what places of the request must hold.
	Conditions []Condition
}

// Presence says whether there must be something at a place.
type Presence uint8

// The presences.
const (
	AnyPresence Presence = iota
	Present
	Absent
)

// Condition asks for what stands at a place. What is asked of the value must hold for one
// and the same value.
type Condition struct {
	// Place is as in reports ("query.id", "body.json.user.role"); what lies below it counts
	// too, and a star stands for any run of characters. Case does not matter.
	Place detect.Place
	// Is says that there must be something, or nothing. With Absent nothing may be asked of
	// the value.
	Is Presence
	// Equals and Contains list texts of which the value must be, or hold, one.
	Equals, Contains []string
	// Matches is a regular expression (RE2) that some part of the value must match.
	Matches string
	// LongerThan is how many bytes the value must exceed, if it is above 0.
	LongerThan int
	// Negate turns round what is asked of the value: there must be one for which it does not hold.
	Negate bool
}

// Bounds of what a set may consist of: a request costs each of them.
const (
	MaxRules      = 200
	MaxConditions = 16   // of a rule
	MaxTexts      = 64   // of Equals, and of Contains
	MaxText       = 1024 // bytes of each text, path, place or expression
)

// asksValue reports whether anything is asked of the value.
func (c *Condition) asksValue() bool {
	return len(c.Equals)+len(c.Contains) > 0 || c.Matches != "" || c.LongerThan > 0
}

// Validate returns an error that begins with the field that is wrong, nil if the rule can be
// used.
func (r *Rule) Validate() error {
	switch {
	case int(r.Action) >= len(actionNames):
		return fmt.Errorf("action: %s is unknown", r.Action)
	case len(r.Methods) == 0 && r.Path == "" && r.Clients == nil && r.Except == nil && r.Located == nil && len(r.Conditions) == 0:
		return errors.New("no condition is set: this would hold for every request")
	case r.Path != "" && r.Path[0] != '/' && r.Path[0] != '*':
		return fmt.Errorf("path: %q begins neither with / nor with a star", r.Path)
	case strings.ContainsAny(r.Path, "?#"):
		return fmt.Errorf("path: %q holds a query, which is no part of the path: use a condition on query", r.Path)
	case len(r.Path) > MaxText:
		return fmt.Errorf("path: longer than %d bytes", MaxText)
	case len(r.Conditions) > MaxConditions:
		return fmt.Errorf("conditions: %d of them, at most %d are possible", len(r.Conditions), MaxConditions)
	}
	for i, m := range r.Methods {
		if m == "" || strings.ContainsAny(m, " \t,*") {
			return fmt.Errorf("methods[%d]: %q is no request method", i, m)
		}
	}
	for i := range r.Conditions {
		if field, err := r.Conditions[i].validate(); err != nil {
			return fmt.Errorf("conditions[%d].%s: %w", i, field, err)
		}
	}
	return nil
}

// maxName is how much of one name places show, in bytes.
const maxName = 64

func longName(place string) bool {
	return slices.ContainsFunc(strings.FieldsFunc(place, func(r rune) bool { return strings.ContainsRune(".[]*", r) }),
		func(name string) bool { return len(name) > maxName })
}

func (c *Condition) validate() (field string, err error) {
	source := c.Place.Source()
	switch {
	case c.Place == "":
		return "place", errors.New("not set: name what is asked for, such as query.id")
	case source == detect.SourceUnknown && !strings.HasPrefix(string(c.Place), "*"):
		return "place", fmt.Errorf("%q does not begin with path, query, header, cookie, body or method", c.Place)
	case len(c.Place) > MaxText:
		return "place", fmt.Errorf("longer than %d bytes", MaxText)
	case longName(string(c.Place)):
		return "place", fmt.Errorf("a name of more than %d bytes, behind which places are cut: write its beginning and a star", maxName)
	case c.Is == Absent && (c.asksValue() || c.Negate):
		return "is", errors.New("where nothing is, no value can be asked for")
	case c.Is == AnyPresence && !c.asksValue():
		return "place", errors.New("nothing is asked for there: set is, equals, contains, matches or longer_than")
	case c.Negate && !c.asksValue():
		return "negate", errors.New("there is nothing to negate: set equals, contains, matches or longer_than; for nothing being there, set is to absent")
	case c.LongerThan < 0:
		return "longer_than", errors.New("below 0")
	}
	for _, list := range []struct {
		field string
		texts []string
	}{{"equals", c.Equals}, {"contains", c.Contains}} {
		if len(list.texts) > MaxTexts {
			return list.field, fmt.Errorf("%d texts, at most %d are possible: use matches", len(list.texts), MaxTexts)
		}
		for _, text := range list.texts {
			if len(text) > MaxText || text == "" {
				return list.field, fmt.Errorf("a text of %d bytes; 1 to %d are possible", len(text), MaxText)
			}
		}
	}
	if len(c.Matches) > MaxText {
		return "matches", fmt.Errorf("an expression of %d bytes, at most %d are possible", len(c.Matches), MaxText)
	}
	if _, err := regexp.Compile(c.Matches); err != nil {
		return "matches", fmt.Errorf("%w (the syntax is RE2's: no look-around, no references back)", err)
	}
	return "", nil
}
