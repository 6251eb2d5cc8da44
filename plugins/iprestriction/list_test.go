package iprestriction

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/plugins/internal/check"
	"kongwaf/plugins/internal/facts"
)

// at compiles a config in shared state with a clock.
func at(t *testing.T, shared *check.Shared, config string) (check.Check, error) {
	t.Helper()
	c := &Config{}
	if err := Definition().Schema().Decode([]byte(config), c); err != nil {
		return check.Check{}, err
	}
	return c.Check(check.Env{Shared: shared, Plugin: Name}, "config")
}

func quiet() *check.Shared { return check.NewShared(slog.New(slog.DiscardHandler)) }

// outcome is a verdict in a few words.
func outcome(one check.Check, client string) string {
	v := one.Judge(&facts.Facts{ClientIP: client, PeerIP: client})
	switch {
	case v.Failed:
		return "failed: " + v.Reason
	case v.Denied:
		return strings.TrimSpace(v.Reason + " " + v.List)
	}
	return "in"
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
	return file
}

func TestLists(t *testing.T) {
	office := write(t, "office.txt", "203.0.113.0/24 # the office\n")
	bad := write(t, "bad.csv", "address,seen\n198.51.100.7,2026-01-01\n203.0.113.66,2026-01-02\n")
	for _, row := range []struct{ name, config, client, want string }{
		{name: "in an allow list", config: `{"allow_from":[{"name":"office","source":%q}]}`, client: "203.0.113.7", want: "in"},
		{name: "in no allow list", config: `{"allow_from":[{"name":"office","source":%q}]}`, client: "192.0.2.1", want: "address_not_allowed"},
		{name: "in the config's own list", config: `{"allow":["192.0.2.1"],"allow_from":[{"name":"office","source":%q}]}`, client: "192.0.2.1", want: "in"},
		{name: "in a deny list too", config: `{"allow_from":[{"name":"office","source":%q}],"deny_from":[{"name":"bad","source":%q}]}`, client: "203.0.113.66", want: "address_denied bad"},
		{name: "in the config's deny", config: `{"allow_from":[{"name":"office","source":%q}],"deny":["203.0.113.7"]}`, client: "203.0.113.7", want: "address_denied deny"},
		{name: "in the middle of IPv6", config: `{"allow_from":[{"name":"office","source":%q}]}`, client: "::ffff:203.0.113.7", want: "in"},
	} {
		t.Run(row.name, func(t *testing.T) {
			config := strings.Replace(row.config, "%q", fmt.Sprintf("%q", office), 1)
			one, err := at(t, quiet(), strings.Replace(config, "%q", fmt.Sprintf("%q", bad), 1))
			require.NoError(t, err)
			if got := outcome(one, row.client); got != row.want {
				t.Errorf("%s: %s, want %s", row.client, got, row.want)
			}
		})
	}
}

// A list is read again, and a version that is not to be believed is not taken.
func TestListIsReadAgain(t *testing.T) {
	var content atomic.Pointer[string]
	set := func(s string) { content.Store(&s) }
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if *content.Load() == "404" {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = w.Write([]byte(*content.Load()))
	}))
	defer server.Close()
	var many strings.Builder
	for i := range 20 {
		fmt.Fprintf(&many, "192.0.2.%d\n", i)
	}
	set(many.String())
	shared := quiet()
	c := &List{Name: "cdn", Source: server.URL, Format: "auto", Interval: 60, MaxShrink: 50}
	one, err := c.open(check.Env{Shared: shared})
	require.NoError(t, err)
	for _, step := range []struct {
		name, content string
		taken         bool
	}{
		{name: "one more", content: many.String() + "192.0.2.20\n", taken: true},
		{name: "half of it", content: many.String()[:len(many.String())/2], taken: false},
		{name: "a page", content: "<html>", taken: false},
		{name: "nothing", content: "", taken: false},
		{name: "gone", content: "404", taken: false},
		{name: "another", content: many.String(), taken: true},
	} {
		before := one.source.Status().Loaded
		value, _ := one.source.Get()
		set(step.content)
		one.source.Refresh()
		now, _ := one.source.Get()
		if taken := now != value; taken != step.taken || one.source.Status().Loaded.Before(before) {
			t.Errorf("%s: taken is %v, want %v (%v)", step.name, taken, step.taken, one.source.Status().Err)
		}
	}
}

// A list that has never been read decides by on_error on whom it could have decided, unless
// it is optional.
func TestListThatWasNeverRead(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	for _, row := range []struct{ name, config, client, want string }{
		{name: "deny", config: `{"deny_from":[{"name":"bad","source":"URL"}]}`, client: "192.0.2.1", want: "failed: the list bad has not been read so far"},
		{name: "denied all the same", config: `{"deny":["192.0.2.1"],"deny_from":[{"name":"bad","source":"URL"}]}`, client: "192.0.2.1", want: "address_denied deny"},
		{name: "deny, optional", config: `{"deny_from":[{"name":"bad","source":"URL","optional":true}]}`, client: "192.0.2.1", want: "in"},
		{name: "allow", config: `{"allow_from":[{"name":"office","source":"URL"}]}`, client: "192.0.2.1", want: "failed: the list office has not been read so far"},
		{name: "allowed all the same", config: `{"allow":["192.0.2.1"],"allow_from":[{"name":"office","source":"URL"}]}`, client: "192.0.2.1", want: "in"},
		{name: "allow, optional", config: `{"allow_from":[{"name":"office","source":"URL","optional":true}]}`, client: "192.0.2.1", want: "address_not_allowed"},
	} {
		one, err := at(t, quiet(), strings.ReplaceAll(row.config, "URL", server.URL))
		require.NoError(t, err)
		if got := outcome(one, row.client); got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
	}
}

func TestTemporary(t *testing.T) {
	shared := quiet()
	now := time.Date(2027, 3, 31, 12, 0, 0, 0, time.UTC)
	shared.Now = func() time.Time { return now }
	deny, err := at(t, shared, `{"temporary":[{"address":"192.0.2.0/24","until":"2027-03-31"},{"address":"192.0.2.1","until":"2027-03-31T12:30:00Z","reason":"a scan"}]}`)
	require.NoError(t, err)
	allow, err := at(t, shared, `{"allow":["203.0.113.7"],"temporary":[{"address":"192.0.2.1","until":"2027-03-31T14:30:00+02:00","action":"allow"}]}`)
	require.NoError(t, err)
	list, err := at(t, shared, fmt.Sprintf(`{"deny_from":[{"name":"list","source":%q}]}`, write(t, "list", "192.0.2.1 # until 2027-03-31T12:30:00Z\n")))
	require.NoError(t, err)
	for _, step := range []struct {
		after             time.Duration
		deny, allow, list string
	}{
		{after: 0, deny: "address_denied temporary", allow: "in", list: "address_denied list"},
		{after: 30 * time.Minute, deny: "address_denied temporary", allow: "address_not_allowed", list: "in"},
		{after: 12 * time.Hour, deny: "in", allow: "address_not_allowed", list: "in"},
	} {
		now = time.Date(2027, 3, 31, 12, 0, 0, 0, time.UTC).Add(step.after)
		got := [3]string{outcome(deny, "192.0.2.1"), outcome(allow, "192.0.2.1"), outcome(list, "192.0.2.1")}
		if want := [3]string{step.deny, step.allow, step.list}; got != want {
			t.Errorf("after %v: %q, want %q", step.after, got, want)
		}
	}
}

func TestBadLists(t *testing.T) {
	good := write(t, "good", "192.0.2.1\n")
	for config, want := range map[string]string{
		`{"allow_from":[{"name":"x","source":"office.txt"}]}`:                                       "config.allow_from[0].source",
		`{"allow_from":[{"source":"/x"}]}`:                                                          "name",
		`{"allow_from":[{"name":"a\nb","source":"/x"}]}`:                                            "must be a name",
		`{"deny_from":[{"name":"x","source":"/does/not/exist"}]}`:                                   "config.deny_from[0].source: /does/not/exist: no such file",
		`{"deny_from":[{"name":"x","source":"GOOD"},{"name":"y","source":"/does/not/exist"}]}`:      "config.deny_from[1].source: /does/not/exist",
		`{"deny_from":[{"name":"x","source":"GOOD","format":"json"}]}`:                              "config.deny_from[0].source: GOOD: ",
		`{"deny_from":[{"name":"x","source":"GOOD","format":"xml"}]}`:                               "format",
		`{"deny_from":[{"name":"x","source":"GOOD","services":["S3"]}]}`:                            "is no JSON",
		`{"deny_from":[{"name":"x","source":"GOOD","token":"secret"}]}`:                             "config.deny_from[0].token: is for a URL",
		`{"deny_from":[{"name":"x","source":"http://127.0.0.1:1/","token":"a","token_file":"/b"}]}`: "set it or token_file, not both",
		`{"deny_from":[{"name":"x","source":"http://127.0.0.1:1/","header":"X-Key"}]}`:              "config.deny_from[0].header: carries the token",
		`{"deny_from":[{"name":"x","source":"http://127.0.0.1:1/","ca_file":"/does/not/exist"}]}`:   "the CA file /does/not/exist: no such file",
		`{"deny_from":[{"name":"x","source":"ftp://example.com/x"}]}`:                               "is neither an absolute path",
		`{"deny_from":[{"name":"x","source":"GOOD","max_shrink":101}]}`:                             "max_shrink",
		`{"temporary":[{"address":"192.0.2.1","until":"tomorrow"}]}`:                                "until",
		`{"temporary":[{"address":"192.0.2.1","until":"2027-02-30"}]}`:                              "2027-02-30",
		`{"temporary":[{"address":"192.0.2","until":"2027-02-28"}]}`:                                "address",
		`{"geo":{"deny_countries":["NZ"]}}`:                                                         "config.geo.databases: missing",
		`{"geo":{"deny_countries":["NZ","UK"],"databases":["/x"]}}`:                                 `config.geo.deny_countries[1]: "UK" is no country's code in ISO 3166: write GB`,
		`{"geo":{"allow_asns":["x"],"databases":["/x"]}}`:                                           "config.geo.allow_asns[0]",
		`{"geo":{"deny_countries":["NZ"],"databases":["GOOD"]}}`:                                    "config.geo.databases[0]: GOOD: is no database",
		`{"deny":["192.0.2.1"],"geo":{"databases":["GOOD"]}}`:                                       "config.geo.databases: are for nothing",
		`{"deny":["192.0.2.1"],"geo":{"unknown":"deny"}}`:                                           "config.geo.unknown: is about countries",
	} {
		_, err := at(t, quiet(), strings.ReplaceAll(config, "GOOD", good))
		want = strings.ReplaceAll(want, "GOOD", good)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
	}
}
