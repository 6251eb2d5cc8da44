// Package exposition shows a table of metrics to Prometheus: in its text formats, and in
// protobuf with native histograms to those who ask for it.
package exposition

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"

	"kongwaf/kong/metrics"
)

// Handler answers a scrape of the table.
func Handler(t *metrics.Table) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(New(t))
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, EnableOpenMetrics: true})
}

// collector is the table as a prometheus.Collector.
type collector struct {
	table *metrics.Table
	descs map[string]described
}

type described struct {
	metric *metrics.Metric
	desc   *prometheus.Desc
}

// New returns the table's collector.
func New(t *metrics.Table) prometheus.Collector {
	c := &collector{table: t, descs: map[string]described{}}
	for _, m := range metrics.All() {
		c.descs[m.Name] = described{metric: m, desc: prometheus.NewDesc(m.Name, m.Help, m.Labels, nil)}
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		out <- d.desc
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	c.table.Each(func(name string, labels []string, n metrics.Number) {
		d, ok := c.known(name, labels)
		if !ok {
			return
		}
		value := n.Get()
		if value == 0 && (d.metric == metrics.ConfigInvalid || d.metric == metrics.ExceptionIdle) {
			return // it was mended or taken out; who deletes a plugin should not see it for ever
		}
		kind := prometheus.CounterValue
		if d.metric.Kind == metrics.Gauge {
			kind = prometheus.GaugeValue
		}
		out <- prometheus.MustNewConstMetric(d.desc, kind, float64(value), labels...)
		if d.metric == metrics.Pid {
			if bytes, ok := resident(value); ok {
				out <- prometheus.MustNewConstMetric(c.descs[metrics.Resident.Name].desc, prometheus.GaugeValue, bytes, labels...)
			}
		}
	}, func(name string, labels []string, h metrics.Histogram) {
		if d, ok := c.known(name, labels); ok && d.metric.Kind == metrics.HistogramOfSeconds {
			out <- &histogram{desc: d.desc, labels: pairs(d.metric.Labels, labels), snapshot: h.Snapshot()}
		}
	})
}

// known returns the metric of a series; another version of this program may have left one
// that this one does not know.
func (c *collector) known(name string, labels []string) (described, bool) {
	d, ok := c.descs[name]
	for i := range labels {
		labels[i] = strings.ToValidUTF8(labels[i], "?")
	}
	return d, ok && len(labels) == len(d.metric.Labels)
}

// resident returns how much memory of a process is in RAM, in bytes.
func resident(pid uint64) (float64, bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, false
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, false
	}
	pages, err := strconv.ParseUint(fields[1], 10, 64)
	return float64(pages) * float64(os.Getpagesize()), err == nil
}

func pairs(names, values []string) []*dto.LabelPair {
	var list []*dto.LabelPair
	for i := range names {
		list = append(list, &dto.LabelPair{Name: proto.String(names[i]), Value: proto.String(values[i])})
	}
	slices.SortFunc(list, func(a, b *dto.LabelPair) int { return strings.Compare(a.GetName(), b.GetName()) })
	return list
}

// histogram is a histogram with classic and native buckets: client_golang's constant
// histograms have the one or the other.
type histogram struct {
	desc     *prometheus.Desc
	labels   []*dto.LabelPair
	snapshot metrics.Snapshot
}

// Desc implements prometheus.Metric.
func (h *histogram) Desc() *prometheus.Desc { return h.desc }

// Write implements prometheus.Metric.
func (h *histogram) Write(out *dto.Metric) error {
	s := &h.snapshot
	out.Label = h.labels
	d := &dto.Histogram{
		SampleCount: proto.Uint64(s.Count), SampleSum: proto.Float64(s.Sum),
		Schema: proto.Int32(metrics.NativeSchema), ZeroThreshold: proto.Float64(metrics.ZeroThreshold), ZeroCount: proto.Uint64(s.Zero),
	}
	for _, bound := range slices.Sorted(maps.Keys(s.Classic)) {
		d.Bucket = append(d.Bucket, &dto.Bucket{UpperBound: proto.Float64(bound), CumulativeCount: proto.Uint64(s.Classic[bound])})
	}
	// Runs of neighbouring buckets, each count as the difference to the one before.
	next, last := 0, int64(0)
	for _, index := range slices.Sorted(maps.Keys(s.Native)) {
		if len(d.PositiveSpan) == 0 || index != next {
			d.PositiveSpan = append(d.PositiveSpan, &dto.BucketSpan{Offset: proto.Int32(int32(index - next)), Length: proto.Uint32(0)})
		}
		span := d.PositiveSpan[len(d.PositiveSpan)-1]
		*span.Length++
		d.PositiveDelta = append(d.PositiveDelta, s.Native[index]-last)
		next, last = index+1, s.Native[index]
	}
	out.Histogram = d
	return nil
}
