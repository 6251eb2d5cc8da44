package wafdetect

import (
	"fmt"
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/address"
	"kongwaf/detect/attack/extract"
	"kongwaf/detect/rule"
	"kongwaf/plugins/internal/facts"
	"kongwaf/plugins/internal/geo"
)

// Rule is a virtual patch.
type Rule struct {
	Name            string          `json:"name" kong:"required,lenmax=64" doc:"Name of the rule, shown with every event and in the metrics. No two rules have the same."`
	ID              string          `json:"id,omitempty" kong:"lenmax=64" doc:"Anything that identifies what the rule is for, such as a CVE or a ticket, shown with every event."`
	Action          string          `json:"action" default:"block" kong:"required,oneof=block|allow|report" doc:"What becomes of a request for which every condition of the rule holds: block refuses it where mode refuses attacks, allow ends this check for it, report reports it and goes on."`
	Methods         []string        `json:"methods" default:"[]" doc:"Request methods for which the rule holds. All if there are none."`
	Path            string          `json:"path,omitempty" doc:"Request path without the query for which the rule holds; a star stands for any run of characters. Every path if not set."`
	Clients         []string        `json:"clients" default:"[]" kong:"elements.format=address" doc:"Addresses and CIDR ranges of clients for which the rule holds. All if there are none."`
	ExceptClients   []string        `json:"except_clients" default:"[]" kong:"elements.format=address" doc:"Addresses and CIDR ranges of clients for which the rule does not hold."`
	Countries       []string        `json:"countries" default:"[]" doc:"Countries of clients for which the rule holds, by their codes of two letters (ISO 3166), such as NZ. An unknown one, such as a private address's, is none of them."`
	ExceptCountries []string        `json:"except_countries" default:"[]" doc:"Countries of clients for which the rule does not hold, by their codes of two letters. It does for an unknown one, unless it allows."`
	Conditions      []RuleCondition `json:"conditions" default:"[]" doc:"What must stand at places of the request; every one must hold."`
	Status          int             `json:"status,omitempty" kong:"between=400:599" doc:"HTTP status of what the rule blocks. block_status if not set."`
	Message         string          `json:"message,omitempty" kong:"lenmax=500" doc:"Text of the answer to what the rule blocks. block_message if not set."`
}

// RuleCondition asks for what stands at a place.
type RuleCondition struct {
	Place      string   `json:"place" kong:"required" doc:"Where it stands, as events show places: query.id, header.x-version, cookie.sid, body.json.user.role, body.*.role for any format, method, path. What lies below counts too, a star stands for anything."`
	Is         string   `json:"is,omitempty" kong:"oneof=present|absent" doc:"Whether there must be something, whatever it is, or nothing."`
	Equals     []string `json:"equals" default:"[]" doc:"Texts of which a value must be one."`
	Contains   []string `json:"contains" default:"[]" doc:"Texts of which a value must contain one."`
	Matches    string   `json:"matches,omitempty" doc:"Regular expression (RE2) that must match some part of a value; ^ and $ for all of it, (?i) for any case. At most 1024 bytes."`
	LongerThan int      `json:"longer_than,omitempty" kong:"between=1:1000000" doc:"How many bytes a value must exceed."`
	Negate     bool     `json:"negate" default:"false" doc:"Whether there must be a value for which this is not so: equals, contains, matches and longer_than together."`
}

// ruleSet are the rules as they are asked. The zero value has none.
type ruleSet struct {
	set   *rule.Set
	rules []Rule
	// head says that headers are asked for.
	head bool
}

// compileRules compiles rules; the error goes on from the name of their field.
func compileRules(rules []Rule, databases geo.Databases, limits extract.Limits) (ruleSet, error) {
	out := ruleSet{rules: rules}
	if len(rules) == 0 {
		return out, nil
	}
	names := map[string]int{}
	library := make([]rule.Rule, len(rules))
	for i := range rules {
		if other, taken := names[rules[i].Name]; taken {
			return out, fmt.Errorf("[%d].name: rule %d has the name %q too", i, other, rules[i].Name)
		}
		names[rules[i].Name] = i
		var err error
		if library[i], err = rules[i].compile(databases); err != nil {
			return out, fmt.Errorf("[%d].%w", i, err)
		}
		out.head = out.head || len(rules[i].Methods) > 0 || rules[i].Path != "" // some name another method or path
		for _, c := range library[i].Conditions {
			source := c.Place.Source()
			out.head = out.head || source == detect.SourceHeader || source == detect.SourceCookie || source == detect.SourceUnknown
		}
	}
	var err error
	out.set, err = rule.New(library, limits)
	return out, err
}

func (r *Rule) compile(databases geo.Databases) (out rule.Rule, err error) {
	out = rule.Rule{Methods: r.Methods, Path: r.Path}
	if out.Action, err = rule.ParseAction(r.Action); err != nil {
		return out, fmt.Errorf("action: %w", err)
	}
	for _, list := range []struct {
		field  string
		ranges []string
		into   **address.Set
	}{{"clients", r.Clients, &out.Clients}, {"except_clients", r.ExceptClients, &out.Except}} {
		if len(list.ranges) == 0 {
			continue
		}
		if *list.into, err = address.ParseSet(list.ranges); err != nil {
			return out, fmt.Errorf("%s: %w", list.field, err)
		}
	}
	if out.Located, err = r.located(databases); err != nil {
		return out, err
	}
	for _, c := range r.Conditions {
		is := map[string]rule.Presence{"present": rule.Present, "absent": rule.Absent}[c.Is]
		out.Conditions = append(out.Conditions, rule.Condition{
			Place: detect.Place(strings.TrimSpace(c.Place)), Is: is, Equals: c.Equals, Contains: c.Contains,
			Matches: c.Matches, LongerThan: c.LongerThan, Negate: c.Negate,
		})
	}
	return out, nil
}

// need returns what the rules must know of a request.
func (r *ruleSet) need() facts.Need {
	var kinds facts.Kind
	if r.head {
		kinds |= facts.Headers
	}
	if r.set.Body() {
		kinds |= facts.Body
	}
	return facts.Need{Kinds: kinds}
}

// judge asks the rules, and returns those that hold, the one that decides last.
func (r *ruleSet) judge(request *detect.Request) (result rule.Result, held []detect.Rule) {
	result = r.set.Judge(request)
	for _, i := range result.Reported {
		held = append(held, r.named(i))
	}
	if result.Decided != rule.None {
		held = append(held, r.named(result.Decided))
	}
	return result, held
}

func (r *ruleSet) named(i int) detect.Rule {
	return detect.Rule{Name: r.rules[i].Name, ID: r.rules[i].ID, Action: r.rules[i].Action}
}

// decided returns the verdict of the rule that decides a request, and the word for it where
// the request goes on.
func (i *inspector) decided(f *facts.Facts, by *Rule) (v detect.Verdict, word string) {
	if by.Action == rule.Allow.String() {
		return detect.Verdict{}, "allowed"
	}
	status, message := by.Status, by.Message
	if status == 0 {
		status = i.status
	}
	if message == "" {
		message = i.message
	}
	return i.refuse(f, status, reasonRule, message), "reported"
}

// reasonRule is the reason of a verdict that a rule made.
const reasonRule = "rule"
