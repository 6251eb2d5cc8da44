package check

import (
	"time"

	"kongwaf/kong/metrics"
	"kongwaf/plugins/internal/source"
)

// sourced puts how a source stands into the metrics.
func (s *Shared) sourced(status source.Status) {
	set := func(m *metrics.Metric, value uint64, labels ...string) {
		s.Metrics.Number(m, append([]string{status.Name}, labels...)...).Set(value)
	}
	set(metrics.SourceEntries, uint64(status.Entries))
	set(metrics.SourceLoaded, seconds(status.Loaded))
	set(metrics.SourceChecked, seconds(status.Checked))
	for problem, is := range map[string]bool{
		string(source.Away):    status.Problem == source.Away,
		string(source.Refused): status.Problem == source.Refused,
		"copy":                 status.CopyErr != nil,
	} {
		value := uint64(0)
		if is {
			value = 1
		}
		set(metrics.SourceProblem, value, problem)
	}
}

func seconds(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(t.Unix())
}
