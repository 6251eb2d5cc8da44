package metrics

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// queries returns every query of the Grafana dashboard and the alert rules.
func queries(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	text, err := os.ReadFile(filepath.Join("..", "conf", "grafana.json"))
	require.NoError(t, err)
	var dashboard struct {
		Templating struct {
			List []struct{ Name, Query string }
		}
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	require.NoError(t, json.Unmarshal(text, &dashboard))
	for _, p := range dashboard.Panels {
		require.NotEmpty(t, p.Targets, p.Title)
		for _, target := range p.Targets {
			all[p.Title+": "+target.Expr] = target.Expr
		}
	}
	for _, v := range dashboard.Templating.List {
		if strings.Contains(v.Query, "(") {
			all["variable "+v.Name] = v.Query
		}
	}
	text, err = os.ReadFile(filepath.Join("..", "conf", "alerts.yml"))
	require.NoError(t, err)
	var alerts struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Annotations map[string]string
			}
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &alerts))
	for _, rule := range alerts.Groups[0].Rules {
		require.NotEmpty(t, rule.Annotations["summary"], rule.Alert)
		require.NotEmpty(t, rule.Annotations["description"], rule.Alert)
		all["alert "+rule.Alert] = rule.Expr
	}
	require.Greater(t, len(all), 25)
	return all
}

var (
	selector  = regexp.MustCompile(`([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{([^}]*)\})?`)
	matcher   = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)`)
	grouping  = regexp.MustCompile(`by \(([^)]*)\)`)
	ownMetric = regexp.MustCompile(`^kong_waf_`)
)

// TestQueriesMatchTheMetrics: each metric in a query exists, with the labels that the query
// looks at and groups by.
func TestQueriesMatchTheMetrics(t *testing.T) {
	byName := map[string]*Metric{}
	for _, m := range All() {
		byName[m.Name] = m
		if m.Kind == HistogramOfSeconds {
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				byName[m.Name+suffix] = m
			}
		}
	}
	used := map[string]bool{}
	for name, query := range queries(t) {
		scraped := []string{"instance", "job", "le"} // Prometheus' own labels
		known := scraped
		found := false
		for _, match := range selector.FindAllStringSubmatch(query, -1) {
			if !ownMetric.MatchString(match[1]) {
				continue
			}
			found = true
			m := byName[match[1]]
			if m == nil {
				t.Errorf("%s: there is no metric %s", name, match[1])
				continue
			}
			used[m.Name] = true
			known = append(known, m.Labels...)
			for _, label := range matcher.FindAllStringSubmatch(match[2], -1) {
				if !slices.Contains(append(scraped, m.Labels...), label[1]) {
					t.Errorf("%s: %s has no label %s", name, m.Name, label[1])
				}
			}
		}
		if !found {
			t.Errorf("%s: asks for no metric of ours", name)
		}
		for _, group := range grouping.FindAllStringSubmatch(query, -1) {
			for label := range strings.SplitSeq(group[1], ",") {
				if !slices.Contains(known, strings.TrimSpace(label)) {
					t.Errorf("%s: groups by %s, which no metric in it has", name, label)
				}
			}
		}
	}
	for _, m := range []*Metric{Requests, Attacks, CheckSeconds, Failures, ConfigInvalid, EventsDropped, WorkerDeaths} {
		require.True(t, used[m.Name], "%s is shown nowhere", m.Name)
	}
}
