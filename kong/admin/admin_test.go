package admin

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fakeKong answers as Kong 3's Admin API does: pages of at most size entries, the link to the next
// one with an offset that only Kong understands, the last one with null.
type fakeKong struct {
	rows   int
	config string // configuration_hash; "" for a Kong with a database
	etag   string
	token  string
	asked  []string
	page   func(w http.ResponseWriter, r *http.Request) bool // answers instead
}

func (k *fakeKong) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.asked = append(k.asked, r.URL.RequestURI())
	if r.Header.Get("Kong-Admin-Token") != k.token {
		http.Error(w, `{"message":"Unauthorized"}`, http.StatusUnauthorized)
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/team")
	switch {
	case path == "/status":
		status := map[string]any{"database": map[string]any{"reachable": true}}
		if k.config != "" {
			status["configuration_hash"] = k.config
		}
		_ = json.NewEncoder(w).Encode(status)
	case path != "/key-auths":
		http.NotFound(w, r)
	case k.page != nil && k.page(w, r):
	case k.etag != "" && r.Header.Get("If-None-Match") == k.etag:
		w.WriteHeader(http.StatusNotModified)
	default:
		k.list(w, r)
	}
}

func (k *fakeKong) list(w http.ResponseWriter, r *http.Request) {
	size, _ := strconv.Atoi(r.URL.Query().Get("size"))
	from, _ := strconv.Atoi(r.URL.Query().Get("offset"))
	if k.etag != "" {
		w.Header().Set("ETag", k.etag)
	}
	data := []any{}
	for i := from; i < min(from+size, k.rows); i++ {
		row := map[string]any{"id": fmt.Sprintf("id-%d", i), "key": fmt.Sprintf("key-%d", i), "consumer": map[string]string{"id": fmt.Sprintf("c-%d", i/2)}, "created_at": 1700000000, "tags": nil}
		switch i % 10 {
		case 3:
			row["ttl"], row["tags"] = 60, []string{"plan:gold"}
		case 4:
			data = append(data, nil) // expired just now
			continue
		}
		data = append(data, row)
	}
	answer := map[string]any{"data": data, "next": nil}
	if next := from + size; next < k.rows {
		answer["next"], answer["offset"] = fmt.Sprintf("/key-auths?offset=%d", next), strconv.Itoa(next)
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func start(t *testing.T, k http.Handler, change func(*Settings)) *Client {
	t.Helper()
	server := httptest.NewServer(k)
	t.Cleanup(server.Close)
	s := Settings{URL: server.URL, Timeout: time.Minute}
	if change != nil {
		change(&s)
	}
	c, err := New(s)
	require.NoError(t, err)
	return c
}

func read(c *Client, since Mark) (list []KeyAuth, mark Mark, changed bool, err error) {
	mark, changed, err = c.KeyAuths(context.Background(), since, time.Unix(1000, 0), func(k KeyAuth) { list = append(list, k) })
	return list, mark, changed, err
}

func TestPages(t *testing.T) {
	k := &fakeKong{rows: 2500}
	list, _, changed, err := read(start(t, k, func(s *Settings) { s.URL += "/team/" }), Mark{})
	require.NoError(t, err)
	require.True(t, changed)
	require.Len(t, list, 2250)
	require.Equal(t, KeyAuth{ID: "id-0", Key: "key-0", ConsumerID: "c-0"}, list[0])
	require.Equal(t, KeyAuth{ID: "id-3", Key: "key-3", ConsumerID: "c-1", Expires: time.Unix(1060, 0), Tags: []string{"plan:gold"}}, list[3])
	require.Equal(t, []string{"/team/status", "/team/key-auths?size=1000", "/team/key-auths?offset=1000&size=1000", "/team/key-auths?offset=2000&size=1000"}, k.asked)
}

// TestUnchanged: nothing is read again that has not changed: by the hash of a DB-less Kong's
// configuration, or by an ETag of a list of one page.
func TestUnchanged(t *testing.T) {
	for _, row := range []struct {
		name   string
		kong   fakeKong
		change func(*fakeKong)
	}{
		{name: "hash", kong: fakeKong{rows: 2500, config: "a1"}, change: func(k *fakeKong) { k.config = "b2" }},
		{name: "ETag", kong: fakeKong{rows: 5, etag: `"a"`}, change: func(k *fakeKong) { k.etag = `"b"` }},
	} {
		t.Run(row.name, func(t *testing.T) {
			k := &row.kong
			c := start(t, k, nil)
			list, mark, changed, err := read(c, Mark{})
			require.NoError(t, err)
			require.True(t, changed)
			list2, mark2, changed, err := read(c, mark)
			require.NoError(t, err)
			require.False(t, changed)
			require.Empty(t, list2)
			require.Equal(t, mark, mark2)
			row.change(k)
			list2, _, changed, err = read(c, mark2)
			require.NoError(t, err)
			require.True(t, changed)
			require.Equal(t, list, list2)
		})
	}
}

func TestNoConfigurationYet(t *testing.T) {
	_, _, changed, err := read(start(t, &fakeKong{config: emptyConfig}, nil), Mark{Config: "a1"})
	require.ErrorIs(t, err, ErrNoConfig)
	require.False(t, changed)
}

// TestHostile: whatever an Admin API answers, reading it ends, with an error that holds none of it.
func TestHostile(t *testing.T) {
	text := func(status int, body string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
			return true
		}
	}
	next := func(link string) func(http.ResponseWriter, *http.Request) bool {
		return text(200, `{"data":[{"id":"i","key":"s3cret","consumer":{"id":"c"}}],"next":"`+link+`"}`)
	}
	pages := 0
	for _, row := range []struct {
		name, want string
		page       func(http.ResponseWriter, *http.Request) bool
	}{
		{name: "HTML", page: text(200, "<html>s3cret</html>"), want: "not what Kong's Admin API says"},
		{name: "other JSON", page: text(200, `{"message":"s3cret"}`), want: "no data: is this Kong's Admin API?"},
		{name: "a list", page: text(200, `["s3cret"]`), want: "not what Kong's Admin API says"},
		{name: "keys that are numbers", page: text(200, `{"data":[{"key":53}]}`), want: "not what Kong's Admin API says"},
		{name: "half an answer", page: text(200, `{"data":[{"key":"s3cret"`), want: "not what Kong's Admin API says"},
		{name: "nothing", page: text(200, ""), want: "not what Kong's Admin API says"},
		{name: "an error", page: text(500, "s3cret"), want: "status 500 instead of 200"},
		{name: "no token", page: text(403, "s3cret"), want: "wants a token (token_file)"},
		{name: "not modified, unasked", page: text(304, ""), want: "redirects"},
		{name: "too long", page: text(200, strings.Repeat(" ", maxPage+1)), want: "more than"},
		{name: "another host", page: next("http://evil.example/key-auths?offset=s3cret"), want: "leads elsewhere: not followed"},
		{name: "another host without a scheme", page: next("//evil.example/key-auths?offset=s3cret"), want: "leads elsewhere: not followed"},
		{name: "another path", page: next("/consumers?offset=s3cret"), want: "leads elsewhere: not followed"},
		{name: "no offset", page: next("/key-auths?x=1"), want: "has no offset"},
		{name: "the same page again", page: next("/key-auths?offset=1"), want: "pages without an end"},
		{name: "empty pages", want: "pages without an end", page: func(w http.ResponseWriter, _ *http.Request) bool {
			pages++
			fmt.Fprintf(w, `{"data":[],"next":"/key-auths?offset=%d"}`, pages)
			return true
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, _, changed, err := read(start(t, &fakeKong{page: row.page}, nil), Mark{})
			require.ErrorContains(t, err, row.want)
			require.NotContains(t, err.Error(), "s3cret")
			require.False(t, changed)
		})
	}
}

// TestEndlessPages: pages that go on for ever, each with new credentials, end at a bound.
func TestEndlessPages(t *testing.T) {
	const most = 5 * pageSize
	row := `{"id":"i","key":"k","consumer":{"id":"c"}}`
	full := strings.Repeat(row+",", pageSize-1) + row
	pages := 0
	c := start(t, &fakeKong{page: func(w http.ResponseWriter, _ *http.Request) bool {
		pages++
		fmt.Fprintf(w, `{"data":[%s],"next":"/key-auths?offset=%d"}`, full, pages)
		return true
	}}, nil)
	require.Equal(t, MaxCredentials, c.most)
	c.most = most
	_, _, err := c.KeyAuths(context.Background(), Mark{}, time.Now(), func(KeyAuth) {})
	require.ErrorContains(t, err, "more than 5000 credentials")
	require.Equal(t, most/pageSize+1, pages)
}

// TestTokenStaysHere: the token goes to the Admin API and, whatever that answers, nowhere else.
func TestTokenStaysHere(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte("t0ken\n"), 0o600))
	var elsewhere []string
	evil := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		elsewhere = append(elsewhere, r.URL.Path+" "+r.Header.Get("Kong-Admin-Token"))
	}))
	defer evil.Close()
	t.Setenv("HTTP_PROXY", evil.URL)
	k := &fakeKong{rows: 5, token: "t0ken"}
	c := start(t, k, func(s *Settings) { s.TokenFile = file })
	list, _, _, err := read(c, Mark{})
	require.NoError(t, err)
	require.Len(t, list, 4)
	k.page = func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, evil.URL+"/key-auths", http.StatusFound)
		return true
	}
	_, _, _, err = read(c, Mark{})
	require.ErrorContains(t, err, "redirects, which is not followed")
	require.Empty(t, elsewhere)
	require.NoError(t, os.WriteFile(file, []byte("other"), 0o600))
	_, _, _, err = read(c, Mark{})
	require.ErrorContains(t, err, "401: the Admin API wants a token", "the file is read each time")
	require.NotContains(t, err.Error(), "other")
	require.NoError(t, os.Remove(file))
	_, _, _, err = read(c, Mark{})
	require.ErrorContains(t, err, "token_file")
}

// TestSlow: an Admin API that drips is given up after the timeout.
func TestSlow(t *testing.T) {
	done := make(chan struct{})
	defer close(done)
	c := start(t, &fakeKong{page: func(w http.ResponseWriter, r *http.Request) bool {
		_, _ = w.Write([]byte(`{"data":[`))
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
		case <-done:
		}
		return true
	}}, func(s *Settings) { s.Timeout = 50 * time.Millisecond })
	_, _, _, err := read(c, Mark{})
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	require.True(t, timeout.Timeout() || errors.Is(err, context.DeadlineExceeded))
}

func TestTLS(t *testing.T) {
	server := httptest.NewTLSServer(&fakeKong{rows: 3})
	defer server.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	for _, row := range []struct {
		name, want string
		settings   Settings
	}{
		{name: "a certificate of nobody", want: "certificate"},
		{name: "with its CA", settings: Settings{CAFile: ca}},
		{name: "with its CA and name", settings: Settings{CAFile: ca, ServerName: "example.com"}},
		{name: "another name", settings: Settings{CAFile: ca, ServerName: "evil.invalid"}, want: "evil.invalid"},
		{name: "not verified", settings: Settings{NoVerify: true}},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.settings.URL, row.settings.Timeout = server.URL, time.Minute
			c, err := New(row.settings)
			require.NoError(t, err)
			list, _, _, err := read(c, Mark{})
			if row.want != "" {
				require.ErrorContains(t, err, row.want)
				return
			}
			require.NoError(t, err)
			require.Len(t, list, 3)
		})
	}
}

func TestUnixSocket(t *testing.T) {
	dir, err := os.MkdirTemp("", "admin")
	require.NoError(t, err)
	defer os.RemoveAll(dir)
	listener, err := net.Listen("unix", filepath.Join(dir, "s"))
	require.NoError(t, err)
	server := &http.Server{Handler: &fakeKong{rows: 3}}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()
	c, err := New(Settings{URL: "unix://" + listener.Addr().String(), Timeout: 10 * time.Second})
	require.NoError(t, err)
	list, _, _, err := read(c, Mark{})
	require.NoError(t, err)
	require.Len(t, list, 3)
}

func TestSettingsRefused(t *testing.T) {
	for _, row := range []struct {
		settings Settings
		want     string
	}{
		{Settings{URL: "127.0.0.1:8001"}, "url: "},
		{Settings{URL: "ftp://h"}, "url: write http://"},
		{Settings{URL: ""}, "url: write http://"},
		{Settings{URL: "unix://host/p"}, "url: write http://"},
		{Settings{URL: "http://me:s3cret@h"}, "has a username or password"},
		{Settings{URL: "http://h/?a=s3cret"}, "has a query"},
		{Settings{URL: "http://kong-admin:8001", TokenFile: "/t"}, "would send the token of token_file in the clear"},
		{Settings{URL: "https://h", CAFile: "/no/such"}, "ca_file: "},
		{Settings{URL: "https://h", CertFile: "/no/such"}, "set both or none"},
		{Settings{URL: "https://h", CertFile: "/no/such", KeyFile: "/no/such"}, "cert_file: "},
	} {
		_, err := New(row.settings)
		require.ErrorContains(t, err, row.want)
		require.NotContains(t, err.Error(), "s3cret")
	}
	for address, plain := range map[string]bool{"http://kong-admin:8001": true, "http://127.0.0.1:8001": false, "http://[::1]:8001": false, "http://localhost:8001": false, "https://h": false, "unix:///s": false} {
		c, err := New(Settings{URL: address})
		require.NoError(t, err)
		require.Equal(t, plain, c.Plain(), address)
	}
}
