package exposition

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/stretchr/testify/require"

	"kongwaf/kong/metrics"
)

// filled returns a table with one series of every metric.
func filled() *metrics.Table {
	t := metrics.New()
	for _, m := range metrics.All() {
		labels := make([]string, len(m.Labels))
		for i := range labels {
			labels[i] = "x"
		}
		if m.Kind == metrics.HistogramOfSeconds {
			h := t.Histogram(m, labels...)
			h.Observe(30 * time.Microsecond)
			h.Observe(31 * time.Microsecond)
			h.Observe(9 * time.Millisecond)
		} else if m != metrics.Resident {
			t.Number(m, labels...).Set(uint64(os.Getpid()))
		}
	}
	return t
}

func scrape(t *testing.T, accept string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	Handler(filled()).ServeHTTP(w, r)
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	return w
}

// TestPromlint: names, units and help texts are as Prometheus wants them.
func TestPromlint(t *testing.T) {
	text := scrape(t, "text/plain").Body.String()
	for _, m := range metrics.All() {
		require.Contains(t, text, "# TYPE "+m.Name+" "+m.Kind.String()+"\n")
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	require.NoError(t, err)
	require.Empty(t, problems)
	require.Contains(t, text, `kong_waf_check_duration_seconds_bucket{check="x",plugin="x",le="2.5e-05"} 0`)
	require.Contains(t, text, `kong_waf_check_duration_seconds_bucket{check="x",plugin="x",le="5e-05"} 2`)
	require.Contains(t, text, `kong_waf_check_duration_seconds_count{check="x",plugin="x"} 3`)
	require.Contains(t, text, "kong_waf_resident_memory_bytes")
}

// TestNativeHistograms: Prometheus asks in protobuf for them.
func TestNativeHistograms(t *testing.T) {
	w := scrape(t, "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited")
	decoder := expfmt.NewDecoder(w.Body, expfmt.ResponseFormat(w.Header()))
	for {
		var family dto.MetricFamily
		require.NoError(t, decoder.Decode(&family), "the histogram is not there")
		if family.GetName() != metrics.CheckSeconds.Name {
			continue
		}
		h := family.Metric[0].GetHistogram()
		require.EqualValues(t, 3, h.GetSampleCount())
		require.EqualValues(t, metrics.NativeSchema, h.GetSchema())
		total, count := int64(0), int64(0)
		for _, delta := range h.PositiveDelta {
			count += delta
			total += count
		}
		require.EqualValues(t, 3, total)
		require.NotEmpty(t, h.Bucket, "and the classic buckets too")
		return
	}
}
