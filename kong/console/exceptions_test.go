package console

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/metrics"
)

// TestExceptionsOutliveRestarts: what the numbers forget when everything is restarted, the
// history remembers; what is configured no more is not shown.
func TestExceptionsOutliveRestarts(t *testing.T) {
	start := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	now := start
	store, err := OpenStore(StoreOptions{Keep: 90 * 24 * time.Hour, Bytes: 1 << 20, Now: func() time.Time { return now }})
	require.NoError(t, err)
	defer store.Close()
	const hostile = "query.q <script>alert(1)</script>"
	set := func(numbers *metrics.Table, entry string, used bool) {
		numbers.Number(metrics.ExceptionIdle, "waf-detect", "p", entry).Set(metrics.IdleSince(now, used))
	}
	numbers := metrics.New()
	set(numbers, "query.a sqli", true)
	set(numbers, hostile, false)
	set(numbers, "gone", false)
	require.NoError(t, store.remember(context.Background(), numbers))

	now = start.AddDate(0, 0, 40)
	numbers = metrics.New() // a restart: all are seen for the first time
	set(numbers, "query.a sqli", false)
	set(numbers, hostile, false)
	set(numbers, "new", true)
	list, err := store.Exceptions(context.Background(), numbers)
	require.NoError(t, err)
	require.Len(t, list, 3)
	require.Equal(t, Exception{Plugin: "waf-detect", PluginID: "p", Entry: "query.a sqli", Since: start.Add(time.Second), Used: start.Add(time.Second), IdleDays: 39}, list[1], "a second off, which tells a use")
	require.Equal(t, Exception{Plugin: "waf-detect", PluginID: "p", Entry: hostile, Since: start, IdleDays: 40}, list[0])
	require.Equal(t, 0, list[2].IdleDays)

	c := New(Options{Numbers: numbers, Store: store, Local: true, Now: func() time.Time { return now }})
	get := func(path string) string {
		answer := httptest.NewRecorder()
		c.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "http://127.0.0.1"+path, nil))
		require.Equal(t, 200, answer.Code)
		return answer.Body.String()
	}
	page := get("/exceptions")
	require.Contains(t, page, "query.a sqli")
	require.Contains(t, page, "never since 1 Jan 00:00:00")
	require.NotContains(t, page, "<script>alert")
	require.NotContains(t, page, "gone")
	var answer struct{ Exceptions []Exception }
	require.NoError(t, json.Unmarshal([]byte(get("/api/exceptions")), &answer))
	require.Equal(t, list, answer.Exceptions)

	now = now.AddDate(0, 0, 91)
	require.NoError(t, store.remember(context.Background(), metrics.New()))
	var rows int
	require.NoError(t, store.db.QueryRow("SELECT count(*) FROM exceptions").Scan(&rows))
	require.Zero(t, rows, "kept as long as events are")
}
