package wafdetect

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/metrics"
	"kongwaf/plugins/internal/check"
	"kongwaf/plugins/internal/facts"
)

// used is a config under a clock of its own, whose log and numbers outlive instances.
type used struct {
	shared *check.Shared
	now    time.Time
	log    bytes.Buffer
	judge  check.Check
}

func newUsed(t *testing.T, config string) *used {
	u := &used{now: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}
	u.shared = check.NewShared(slog.New(slog.NewTextHandler(&u.log, nil)))
	u.shared.Now = func() time.Time { return u.now }
	u.start(t, config)
	return u
}

// start starts an instance, as a new worker or a changed config does.
func (u *used) start(t *testing.T, config string) {
	t.Helper()
	c := &Config{}
	require.NoError(t, Definition().Schema().Decode([]byte(config), c))
	var err error
	u.judge, err = c.Check(check.Env{Shared: u.shared, Plugin: Name, Meta: check.Meta{PluginID: "p"}}, "config")
	require.NoError(t, err)
}

// after lets days pass, and returns how many entries the gauge counts behind a request.
func (u *used) after(days int, f *facts.Facts) uint64 {
	u.now = u.now.AddDate(0, 0, days)
	u.judge.Judge(f)
	return u.shared.Metrics.Number(metrics.ExceptionsUnused, Name, "p").Get()
}

// entries returns the entries that the metrics have, with whether each was used.
func (u *used) entries() map[string]bool {
	all := map[string]bool{}
	u.shared.Metrics.Each(func(name string, labels []string, n metrics.Number) {
		if _, used := metrics.ReadIdle(n.Get()); name == metrics.ExceptionIdle.Name && n.Get() != 0 {
			all[labels[2]] = used
		}
	}, func(string, []string, metrics.Histogram) {})
	return all
}

const usedConfig = `{"application":"shop","exceptions":[
	{"class":"sqli"}, {"place":"query.b","class":"sqli","path_prefix":"/a"}, {"place":"query.z","application":"wiki"}
],"expects":[{"place":"body.form.code","content":["code","sql"]}]}`

func TestUnusedExceptionsAreNamed(t *testing.T) {
	u := newUsed(t, usedConfig)
	require.Zero(t, u.after(0, request("")))
	require.Equal(t, map[string]bool{"sqli": false, "query.b sqli /a": false, "query.z wiki": false, "expects body.form.code code+sql": false}, u.entries())

	v := u.judge.Judge(request("query"))
	require.False(t, v.Denied)
	require.Equal(t, 1, v.Report.Excepted.Exception, "the most specific one")
	require.Equal(t, "query.b sqli /a", v.Report.Excepted.Entry)
	require.Equal(t, map[string]bool{"sqli": false, "query.b sqli /a": true, "query.z wiki": false, "expects body.form.code code+sql": false}, u.entries())

	require.Zero(t, u.after(29, request("query")))
	require.Empty(t, u.log.String())
	require.EqualValues(t, 2, u.after(1, request("")), "another application's is not counted")
	require.Equal(t, 1, strings.Count(u.log.String(), "let nothing through"))
	require.Contains(t, u.log.String(), `entries="[sqli expects body.form.code code+sql]"`)

	u.start(t, usedConfig) // a new worker
	require.EqualValues(t, 2, u.after(0, request("")))
	require.Equal(t, 1, strings.Count(u.log.String(), "let nothing through"), "once a day, whoever asks")
	require.EqualValues(t, 2, u.after(1, request("")))
	require.Equal(t, 2, strings.Count(u.log.String(), "let nothing through"))
	require.EqualValues(t, 3, u.after(29, request("")), "and the one that was used a month ago")
	u.judge.Judge(request("query"))
	require.EqualValues(t, 2, u.after(1, request("")), "used again, at the next look")
}

// TestEntriesThatAreGone: what the config does not hold any more is forgotten, and begins anew
// when it comes back.
func TestEntriesThatAreGone(t *testing.T) {
	u := newUsed(t, usedConfig)
	u.judge.Judge(request("query"))
	u.start(t, `{"exceptions":[{"class":"xss"}],"exceptions_unused_days":2}`)
	require.EqualValues(t, 1, u.after(3, request("")))
	require.Equal(t, map[string]bool{"xss": false}, u.entries())
	u.start(t, usedConfig)
	require.Zero(t, u.after(1, request("")))
	require.Contains(t, u.entries(), "query.b sqli /a")

	u.start(t, `{"exceptions":[{"class":"xss"}],"exceptions_unused_days":0}`)
	require.Zero(t, u.after(1000, request("")), "0 days is never")
}

// TestEntryNamesFit: long entries are told apart by their ends too, and preset's by its name.
func TestEntryNamesFit(t *testing.T) {
	long := strings.Repeat("long.", 30)
	u := newUsed(t, `{"exceptions":[{"place":"query.`+long+`a"},{"place":"query.`+long+`b"}]}`)
	require.Len(t, u.entries(), 2)
	for name := range u.entries() {
		require.LessOrEqual(t, len(name), 60)
	}
	f := request("")
	f.Request.Target = "/api/query?query=SELECT+name+FROM+users+UNION+SELECT+name+FROM+old"
	v := compile(t, `{"presets":["sql"]}`).Judge(f)
	require.Equal(t, "preset sql", v.Report.Excepted.Entry)
}
