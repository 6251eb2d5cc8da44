package console

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"kongwaf/kong/metrics"
)

// silence is how long the supervisor may say nothing.
const silence = 10 * time.Second

// Health returns why Kong's requests are not served as they should be, nil if they are.
func Health(t *metrics.Table, socket string, now time.Time) error {
	get := func(m *metrics.Metric, labels ...string) uint64 { return t.Number(m, labels...).Get() }
	switch beat := time.Unix(int64(get(metrics.Beat)), 0); {
	case now.Sub(beat) > silence:
		return fmt.Errorf("the supervisor has said nothing for %d s", int(min(now.Sub(beat).Seconds(), 1e6)))
	case get(metrics.SocketLost) != 0:
		return fmt.Errorf("another server has taken the socket %s: Kong opens no connections to this one", socket)
	case get(metrics.Fallback) != 0:
		return fmt.Errorf("workers keep dying: every request is answered by its plugin's failure policy")
	case get(metrics.WorkerUp) == 0:
		return fmt.Errorf("no worker serves yet")
	}
	var refused []string
	t.Each(func(name string, labels []string, n metrics.Number) {
		if name == metrics.ConfigInvalid.Name && len(labels) == 2 && n.Get() != 0 {
			refused = append(refused, strings.TrimSpace(labels[0]+" "+labels[1]))
		}
	}, func(string, []string, metrics.Histogram) {})
	if len(refused) > 0 {
		return fmt.Errorf("the config of %s does not compile: its requests are answered by on_error; the log says why", strings.Join(refused, ", "))
	}
	return nil
}

// health answers /healthz and, for load balancers that were set up for another WAF,
// /def-healthz: 200 "ok", or 503 and the reason.
func (c *Console) health(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if err := Health(c.opt.Numbers, c.opt.Socket, c.opt.Now()); err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, err)
		return
	}
	fmt.Fprintln(w, "ok")
}
