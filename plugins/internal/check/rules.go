package check

import (
	"kongwaf/detect"
	"kongwaf/kong/events"
	"kongwaf/kong/metrics"
)

// telling returns the rule that says most of those that held: one that decided, or else the
// first; nil if there is none.
func telling(rules []detect.Rule) *detect.Rule {
	if len(rules) == 0 {
		return nil
	}
	if last := &rules[len(rules)-1]; last.Action != "report" {
		return last
	}
	return &rules[0]
}

// tellRules says in an event which rules held.
func tellRules(e *events.Event, rules []detect.Rule) {
	rule := telling(rules)
	if rule == nil {
		return
	}
	e.Rule, e.RuleID = rule.Name, rule.ID
	for i := range rules {
		if len(rules) > 1 {
			e.Rules = append(e.Rules, rules[i].Name)
		}
	}
}

// countRules counts the rules that held, by what came of each.
func (i *Instance) countRules(o outcome) {
	for _, rule := range o.verdict.Rules {
		outcome := map[string]string{"block": events.ActionReported, "report": events.ActionReported, "allow": "allowed"}[rule.Action]
		if rule.Action == "block" && o.verdict.Denied {
			outcome = events.ActionBlocked
		}
		i.shared.Metrics.Number(metrics.RuleMatches, i.definition.Name, rule.Name, outcome, o.check.Application).Add(1)
	}
}
