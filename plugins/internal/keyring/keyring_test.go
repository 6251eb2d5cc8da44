package keyring

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/detect/apikey"
	"kongwaf/kong/admin"
	"kongwaf/kong/metrics"
	"kongwaf/plugins/internal/source"
)

func TestParseFile(t *testing.T) {
	hash := apikey.SHA256("s3cret")
	written := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, row := range []struct{ name, text string }{
		{name: "ours", text: "keys:\n- key_sha256: " + hash + "\n  consumer: ann\n  id: k1\n  expires: 2027-01-01T01:00:00Z\n  tags: ['plan:gold']\n"},
		{name: "ours, in JSON", text: "{\"keys\": [\n\t{\"key\": \"s3cret\", \"consumer\": \"ann\", \"id\": \"k1\", \"expires\": \"2027-01-01T01:00:00Z\", \"tags\": [\"plan:gold\"]}\n]}"},
		{name: "Kong's", text: "_format_version: '3.0'\nservices: [{name: s, url: 'http://h'}]\nconsumers:\n- username: ann\n  custom_id: 7\n  keyauth_credentials:\n  - {key: s3cret, id: k1, ttl: 3600, tags: ['plan:gold']}\n"},
		{name: "Kong's, in JSON", text: `{"_format_version":"3.0","consumers":[{"username":"ann","keyauth_credentials":[{"key":"s3cret","id":"k1","ttl":3600,"tags":["plan:gold"]}]}]}`},
		{name: "Kong's, beside the consumer", text: "_format_version: '3.0'\nkeyauth_credentials: [{key: s3cret, id: k1, consumer: ann, ttl: 60, created_at: 1798765140, tags: ['plan:gold']}]\n"},
		{name: "Kong's, with a reference", text: "_format_version: '3.0'\nkeyauth_credentials: [{key: s3cret, id: k1, consumer: {username: ann}, ttl: 3600, tags: ['plan:gold']}]\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			set, err := ParseFile([]byte(row.text), written)
			require.NoError(t, err)
			key, ok := set.Lookup("s3cret")
			require.True(t, ok)
			want := apikey.Entry{ID: "k1", Consumer: "ann", Expires: written.Add(time.Hour), Tags: []string{"plan:gold"}}
			if strings.Contains(row.text, "created_at") {
				want.Expires = time.Unix(1798765200, 0).UTC()
			}
			require.Equal(t, want, key.Entry)

			text, err := writeHashed(set)
			require.NoError(t, err)
			require.NotContains(t, string(text), "s3cret")
			again, err := readHashed(text)
			require.NoError(t, err)
			key, ok = again.Lookup("s3cret")
			require.True(t, ok)
			require.Equal(t, want, key.Entry)
		})
	}
}

// TestParseFileDays: a day is a day, whether YAML takes it for a time or not: valid to its end.
func TestParseFileDays(t *testing.T) {
	for _, day := range []string{"2027-12-31", "'2027-12-31'"} {
		set, err := ParseFile([]byte("keys: [{key: k, consumer: a, not_before: "+day+", expires: "+day+"}]"), time.Time{})
		require.NoError(t, err)
		key, _ := set.Lookup("k")
		require.Equal(t, time.Date(2027, 12, 31, 0, 0, 0, 0, time.UTC), key.NotBefore)
		require.Equal(t, time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC), key.Expires)
	}
}

// TestPageOfKeys: the file of keys on the page is one.
func TestPageOfKeys(t *testing.T) {
	page, err := os.ReadFile("../../../docs/keys.md")
	require.NoError(t, err)
	_, file, ok := strings.Cut(string(page), "```yaml\nkeys:")
	require.True(t, ok)
	file, _, _ = strings.Cut(file, "```")
	set, err := ParseFile([]byte("keys:"+file), time.Time{})
	require.NoError(t, err)
	require.Equal(t, 1, set.Len())
}

func TestParseFileRefuses(t *testing.T) {
	for _, row := range []struct{ name, text, want string }{
		{name: "nothing", text: "", want: "keys: write a list"},
		{name: "no key", text: "keys: []", want: "keys: there is no key in it"},
		{name: "no key in Kong's", text: "_format_version: '3.0'\nconsumers: [{username: ann}]", want: "keyauth_credentials: there is no key in it"},
		{name: "not YAML", text: "keys:\n  - {key: s3cret", want: "not YAML or JSON at line"},
		{name: "a list", text: "- {key: s3cret}", want: "not YAML or JSON"},
		{name: "a text", text: "s3cret", want: "not YAML or JSON"},
		{name: "something beside the keys", text: "keys: [{key: s3cret, consumer: a}]\nkey: x", want: "nothing beside it"},
		{name: "an unknown field", text: "keys: [{key: s3cret, consumer: a, expire: 2027-01-01}]", want: `keys[0]: has the unknown field "expire"`},
		{name: "a number", text: "keys: [{key: 12345, consumer: a}]", want: "keys[0]: has a number in key: write a string (numbers in quotes)"},
		{name: "no consumer", text: "keys: [{key: s3cret}]", want: "keys[0]: has no consumer"},
		{name: "no such day", text: "keys: [{key: s3cret, consumer: a, expires: '2027-02-30'}]", want: `keys[0]: has an expires that is no time: "2027-02-30"`},
		{name: "a tag for two headers", text: `keys: [{key: s3cret, consumer: a, tags: ["x\r\nX-Admin: 1"]}]`, want: "keys[0]: has the tag"},
		{name: "twice", text: "keys: [{key: s3cret, consumer: a}, {key: s3cret, consumer: b}]", want: "keys[1]: has the same key as entry 0"},
		{name: "a reference", text: "_format_version: '3.0'\nkeyauth_credentials: [{key: '{vault://env/s3cret}', consumer: a}]", want: "keyauth_credentials[0].key: is a reference"},
		{name: "nobody's", text: "_format_version: '3.0'\nkeyauth_credentials: [{key: s3cret}]", want: "keyauth_credentials[0].consumer: missing"},
		{name: "Kong's key a number", text: "_format_version: '3.0'\nconsumers: [{username: a, keyauth_credentials: [{key: 12345}]}]", want: "consumers[0]: has a number in keyauth_credentials.key"},
		{name: "aliases that grow", text: "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f]\nkeys: []", want: "not YAML or JSON"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := ParseFile([]byte(row.text), time.Now())
			require.ErrorContains(t, err, row.want)
			require.NotContains(t, err.Error(), "12345")
			if row.name != "a reference" {
				require.NotContains(t, err.Error(), "s3cret")
			}
		})
	}
}

func FuzzParseFile(f *testing.F) {
	f.Add("keys: [{key: k, consumer: a, expires: 2027-01-01}]")
	f.Add(`{"_format_version":"3.0","consumers":[{"username":"a","keyauth_credentials":[{"key":"k","ttl":5}]}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		set, err := ParseFile([]byte(text), time.Unix(0, 0))
		if err != nil {
			return
		}
		// What goes to disk says the same.
		hashes, err := writeHashed(set)
		require.NoError(t, err)
		again, err := readHashed(hashes)
		require.NoError(t, err)
		require.Equal(t, set.Len(), again.Len())
	})
}

// kong is an Admin API with credentials, which may go away.
type kong struct {
	rows atomic.Pointer[string] // of data; nil is away
}

func (k *kong) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch rows := k.rows.Load(); {
	case rows == nil:
		http.Error(w, "away", http.StatusServiceUnavailable)
	case r.URL.Path == "/key-auths":
		fmt.Fprintf(w, `{"data":[%s],"next":null}`, *rows)
	default:
		fmt.Fprint(w, `{}`)
	}
}

func (k *kong) set(rows string) { k.rows.Store(&rows) }

type world struct {
	kong     kong
	url      string
	folder   string
	clock    atomic.Pointer[time.Time]
	registry *Registry
}

func newWorld(t *testing.T) *world {
	w := &world{folder: t.TempDir()}
	w.set(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC))
	server := httptest.NewServer(&w.kong)
	t.Cleanup(server.Close)
	w.url = server.URL
	w.restart()
	return w
}

func (w *world) now() time.Time { return *w.clock.Load() }

func (w *world) set(now time.Time) { w.clock.Store(&now) }

// restart is a new process with the folder of the one before.
func (w *world) restart() {
	w.registry = &Registry{
		Sources: &source.Registry{Folder: w.folder, Now: w.now},
		Now:     w.now,
		Admin:   &Admin{Settings: admin.Settings{URL: w.url, Timeout: time.Minute}, Interval: 5 * time.Second},
	}
}

func (w *world) ring(t *testing.T) *Ring {
	t.Helper()
	ring, err := w.registry.Kong()
	require.NoError(t, err)
	return ring
}

// turn lets an interval pass.
func (w *world) turn(ring *Ring) {
	w.set(w.now().Add(6 * time.Second))
	ring.source.Load().Poll()
}

func known(t *testing.T, ring *Ring, key string) bool {
	t.Helper()
	set, err := ring.Set()
	require.NoError(t, err)
	found, _ := apikey.Search([]*apikey.Set{set}, key)
	return found != nil
}

const annsKey = `{"id":"k1","key":"s3cret-ann","consumer":{"id":"c1"},"created_at":1,"tags":["plan:gold","b/d"]}`

// TestKong: a new credential counts within an interval, one that is gone is gone within an
// interval, and while Kong is away, or talks nonsense, what was known last counts, also for the
// next process.
func TestKong(t *testing.T) {
	w := newWorld(t)
	w.kong.set(annsKey)
	ring := w.ring(t)
	require.True(t, known(t, ring, "s3cret-ann"))
	set, _ := ring.Set()
	key, _ := set.Lookup("s3cret-ann")
	require.Equal(t, apikey.Entry{ID: "k1", ConsumerID: "c1", Tags: []string{"plan:gold"}}, key.Entry, "a tag that Kong would not have is left out")
	key.Touch(w.now())

	w.kong.set(annsKey + `,{"id":"k2","key":"s3cret-bob","consumer":{"id":"c2"}}`)
	require.False(t, known(t, ring, "s3cret-bob"))
	w.turn(ring)
	require.True(t, known(t, ring, "s3cret-bob"))
	set, _ = ring.Set()
	key, _ = set.Lookup("s3cret-ann")
	require.Equal(t, w.now().Add(-6*time.Second), key.Used(), "when it was used outlives a new version")

	w.kong.set(`{"id":"k2","key":"s3cret-bob","consumer":{"id":"c2"}},{"id":"k3","key":"","consumer":{"id":"c2"}},{"id":"k4","key":"x"}`)
	w.turn(ring)
	require.False(t, known(t, ring, "s3cret-ann"))
	require.True(t, known(t, ring, "s3cret-bob"), "what cannot be used takes nothing else along")

	for _, away := range []func(){func() { w.kong.rows.Store(nil) }, func() { w.kong.set("<html>") }} {
		away()
		w.turn(ring)
		require.True(t, known(t, ring, "s3cret-bob"))
		status, _ := ring.Status()
		require.Error(t, status.Err)
		require.NotZero(t, status.Age(w.now()))
	}

	w.restart()
	ring = w.ring(t)
	require.True(t, known(t, ring, "s3cret-bob"), "by the copy on disk")
	require.False(t, known(t, ring, "s3cret-ann"))
	status, _ := ring.Status()
	require.True(t, status.Copied)

	w.restart()
	w.registry.Admin.MaxAge = time.Minute
	ring = w.ring(t)
	require.True(t, known(t, ring, "s3cret-bob"))
	w.set(w.now().Add(2 * time.Minute))
	_, err := ring.Set()
	require.ErrorContains(t, err, "the keys of kong are older than allowed")
	w.assertNoSecretOnDisk(t)
}

func (w *world) assertNoSecretOnDisk(t *testing.T) {
	t.Helper()
	files := 0
	require.NoError(t, filepath.WalkDir(w.folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		text, err := os.ReadFile(path)
		require.NotContains(t, string(text), "s3cret")
		info, _ := d.Info()
		require.Zero(t, info.Mode().Perm()&0o077, "for the owner only")
		return err
	}))
	require.NotZero(t, files)
}

// TestKongNotKnown: on a first start without a copy nobody knows the keys.
func TestKongNotKnown(t *testing.T) {
	w := newWorld(t)
	ring := w.ring(t)
	_, err := ring.Set()
	require.ErrorContains(t, err, "the keys of kong are not known yet")
	require.ErrorContains(t, err, "status 503 instead of 200")
	w.kong.set("")
	w.turn(ring)
	require.False(t, known(t, ring, "x"), "an empty list is a list")
}

// TestTTL: Kong says how long a credential still lasts; what it says twice a little differently
// is no change.
func TestTTL(t *testing.T) {
	w := newWorld(t)
	row := func(ttl int) string {
		return fmt.Sprintf(`{"id":"k1","key":"k","consumer":{"id":"c1"},"ttl":%d}`, ttl)
	}
	expires := func(ring *Ring) time.Time {
		set, err := ring.Set()
		require.NoError(t, err)
		key, ok := set.Lookup("k")
		require.True(t, ok)
		return key.Expires
	}
	w.kong.set(row(60))
	ring := w.ring(t)
	first := expires(ring)
	require.Equal(t, w.now().Add(time.Minute), first)
	loaded := func() time.Time { s, _ := ring.Status(); return s.Loaded }
	before := loaded()
	w.kong.set(row(55)) // six seconds later
	w.turn(ring)
	require.Equal(t, first, expires(ring))
	require.Equal(t, before, loaded())
	w.kong.set(row(3600))
	w.turn(ring)
	require.Equal(t, w.now().Add(time.Hour), expires(ring))
}

// TestManyCredentials: very many are read in pages, and what is kept of each is bounded. With
// MANY=100000 it takes some seconds.
func TestManyCredentials(t *testing.T) {
	const page = 1000
	many, err := strconv.Atoi(cmp.Or(os.Getenv("MANY"), "10000"))
	require.NoError(t, err)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/key-auths" {
			fmt.Fprint(w, "{}")
			return
		}
		var from int
		_, _ = fmt.Sscan(r.URL.Query().Get("offset"), &from)
		fmt.Fprint(w, `{"data":[`)
		for i := from; i < from+page; i++ {
			if i > from {
				fmt.Fprint(w, ",")
			}
			fmt.Fprintf(w, `{"id":"5b6c7d8e-0000-4000-8000-%012d","key":"key-of-thirty-two-bytes-%08d","consumer":{"id":"aaaaaaaa-0000-4000-8000-%012d"},"created_at":1700000000,"tags":null}`, i, i, i/2)
		}
		next := "null"
		if from+page < many {
			next = fmt.Sprintf(`"/key-auths?offset=%d"`, from+page)
		}
		fmt.Fprintf(w, `],"next":%s}`, next)
	}))
	defer server.Close()
	w := newWorld(t)
	w.url = server.URL
	w.restart()
	ring := w.ring(t)
	require.Eventually(t, func() bool { // Open waits three seconds at most
		_, err := ring.Set()
		return err == nil
	}, time.Minute, 10*time.Millisecond)
	set, err := ring.Set()
	require.NoError(t, err)
	require.Equal(t, many, set.Len())
	require.True(t, known(t, ring, fmt.Sprintf("key-of-thirty-two-bytes-%08d", many-1)))
	status, _ := ring.Status()
	require.Less(t, status.Bytes, int64(many*220), "bytes that are kept on disk")
}

// TestListing: what a running server knows is told without keys and hashes, and uses are counted.
func TestListing(t *testing.T) {
	w := newWorld(t)
	w.kong.set(annsKey)
	list, err := Compile([]Credential{{Key: "s3cret-config", Consumer: "bob", Expires: "2027-01-31", Methods: []string{"GET"}}})
	require.NoError(t, err)
	set, err := apikey.New(list)
	require.NoError(t, err)
	rings := []*Ring{Fixed(set), w.ring(t)}
	w.registry.Use(rings)
	w.registry.Use(rings)
	key, _ := set.Lookup("s3cret-config")
	key.Touch(w.now())
	key.Touch(w.now())
	numbers := metrics.New()
	for range 2 {
		w.registry.PublishOnce(w.folder, numbers)
	}
	require.Equal(t, uint64(2), numbers.Number(metrics.KeyRequests, InConfig, key.ID).Get())
	got, err := ReadListing(w.folder)
	require.NoError(t, err)
	require.Equal(t, Listing{
		Written: w.now(),
		Sources: []ListedPlace{{Name: InConfig, Keys: 1}, {Name: InKong, Keys: 1, Checked: w.now()}},
		Keys: []ListedKey{
			{ID: key.ID, Consumer: "bob", Source: InConfig, Expires: time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC), Scoped: true, Used: w.now()},
			{ID: "k1", Consumer: "c1", Source: InKong},
		},
	}, got)
	w.assertNoSecretOnDisk(t)
	text, err := json.Marshal(got)
	require.NoError(t, err)
	hash := key.Hash()
	require.NotContains(t, string(text), fmt.Sprintf("%x", hash[:8]))
}
