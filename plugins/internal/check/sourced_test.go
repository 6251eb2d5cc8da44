package check

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/metrics"
	"kongwaf/plugins/internal/source"
)

// What is wrong with a list shows in the metrics, for nobody reads a plugin server's log.
func TestSourcesShowInTheMetrics(t *testing.T) {
	shared := NewShared(slog.New(slog.DiscardHandler))
	file := filepath.Join(t.TempDir(), "list")
	require.NoError(t, os.WriteFile(file, []byte("abc"), 0o600))
	format := source.Format[int]{Name: "length", Parse: func(data []byte) (int, error) { return len(data), nil }, Count: func(n int) int { return n }}
	s, err := source.Open(&shared.Sources, source.Settings{Name: "office", Location: file}, format)
	require.NoError(t, err)
	is := func(m *metrics.Metric, want uint64, labels ...string) {
		t.Helper()
		if got := shared.Metrics.Number(m, labels...).Get(); got != want {
			t.Errorf("%s%v is %d, want %d", m.Name, labels, got, want)
		}
	}
	is(metrics.SourceEntries, 3, "office")
	is(metrics.SourceLoaded, uint64(s.Status().Loaded.Unix()), "office")
	is(metrics.SourceProblem, 0, "office", "away")
	require.NoError(t, os.Remove(file))
	s.Refresh()
	is(metrics.SourceEntries, 3, "office")
	is(metrics.SourceProblem, 1, "office", "away")
	is(metrics.SourceProblem, 0, "office", "refused")
}
