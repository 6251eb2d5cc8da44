package main

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack"
)

// setAside is a kind of value that is no attack, whatever its list says.
type setAside struct {
	text    string
	pattern *regexp.Regexp
	items   int
}

// statementAsideFrom is the confidence from which a finding decides whether a request was
// blocked for whole SQL statements alone.
const statementAsideFrom = 0.7

var (
	statementShape = regexp.MustCompile(`^(select statement|statement|subquery)( |$)`)
	statementStart = regexp.MustCompile(`(?i)^[\s(]*(select|insert|update|delete|merge|with|create|alter|drop)\b`)
)

// onlyStatements reports whether nothing but whole SQL statements got a request blocked: each
// finding that counts is one, from its first word on. To an SQL console or a query API they
// are the data, and the engine blocks them by design.
func onlyStatements(report detect.Report, why attack.Explanation) bool {
	whole := 0
	for i, f := range report.Attacks {
		if f.Confidence < statementAsideFrom {
			continue
		}
		if f.Class != detect.ClassSQLi || !statementShape.MatchString(why.Shapes[i]) || !statementStart.MatchString(f.Evidence) {
			return false
		}
		whole++
	}
	return whole > 0
}

// printAside says how many items were left out of the table, and why.
func (e *evaluation) printAside(out io.Writer) {
	for _, a := range e.aside {
		fmt.Fprintf(out, "set aside: %d items %s\n", a.items, a.text)
	}
	if e.statementsAside {
		fmt.Fprintf(out, "set aside: %d benign requests blocked for whole SQL statements alone%s\n", len(e.statements), idList(e.statements))
	}
}

func idList(ids []string) string {
	if len(ids) == 0 {
		return ""
	}
	return " (" + strings.Join(ids, ", ") + ")"
}
