package source

import (
	"context"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// feed answers with what it holds, and compares versions.
type feed struct {
	answer atomic.Pointer[answer]
	asked  atomic.Int64 // questions
	sent   atomic.Int64 // answers with a body
}

type answer struct {
	status int
	body   string
	etag   string
	hang   bool
}

func (f *feed) set(a answer) { f.answer.Store(&a) }

func (f *feed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.asked.Add(1)
	a := f.answer.Load()
	if a.hang {
		<-r.Context().Done()
		return
	}
	if a.etag != "" {
		w.Header().Set("ETag", a.etag)
		if r.Header.Get("If-None-Match") == a.etag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	if a.status != 0 {
		w.WriteHeader(a.status)
	}
	f.sent.Add(1)
	_, _ = w.Write([]byte(a.body))
}

// due moves the clock behind the next question and lets it be asked.
func (b *bench) due(s *Source[[]string]) {
	b.advance(2 * time.Hour)
	s.Poll()
}

func TestURL(t *testing.T) {
	b := newBench(t)
	f := &feed{}
	f.set(answer{body: "a b c d", etag: `"1"`})
	server := serverOf(t, f.ServeHTTP)
	settings := Settings{Location: server.URL + "/list?token=secret", Timeout: 100 * time.Millisecond}
	s, err := Open(b.Registry, settings, words())
	require.NoError(t, err)
	expect(t, s, "a b c d", None)
	s.Poll()
	if f.asked.Load() != 1 {
		t.Errorf("asked %d times before it was due", f.asked.Load())
	}
	b.due(s)
	if f.asked.Load() != 2 || f.sent.Load() != 1 {
		t.Errorf("asked %d times, answered with a body %d times; want 2 and 1", f.asked.Load(), f.sent.Load())
	}
	if age := s.Status(); age.Age(b.now()) != 0 || age.Version != `"1"` {
		t.Errorf("the age is %v, the version %s", age.Age(b.now()), age.Version)
	}
	for _, step := range []struct {
		name    string
		answer  answer
		want    string
		problem Problem
	}{
		{name: "new", answer: answer{body: "e f g h", etag: `"2"`}, want: "e f g h"},
		{name: "404", answer: answer{status: 404, body: "not found"}, want: "e f g h", problem: Away},
		{name: "hangs", answer: answer{hang: true}, want: "e f g h", problem: Away},
		{name: "garbage", answer: answer{body: "bad <html>", etag: `"3"`}, want: "e f g h", problem: Refused},
		{name: "the same garbage", answer: answer{etag: `"3"`}, want: "e f g h", problem: Refused},
		{name: "empty", answer: answer{body: ""}, want: "e f g h", problem: Refused},
		{name: "shrunken", answer: answer{body: "e"}, want: "e f g h", problem: Refused},
		{name: "good again", answer: answer{body: "i j k"}, want: "i j k"},
		{name: "the same bytes", answer: answer{body: "i j k", etag: `"5"`}, want: "i j k"},
	} {
		t.Log(step.name)
		f.set(step.answer)
		b.due(s)
		expect(t, s, step.want, step.problem)
	}
	if n := b.lines("level=ERROR"); n != 2 {
		t.Errorf("%d lines, want one for away and one for refused:\n%s", n, b.log.String())
	}
	if b.lines("secret") != 0 {
		t.Errorf("the log holds the query:\n%s", b.log.String())
	}

	// A start without network.
	server.Close()
	b2 := b.another()
	s2, err := Open(b2.Registry, settings, words())
	require.NoError(t, err)
	s2.Refresh()
	expect(t, s2, "i j k", Away)
}

// A URL that is away and of which there is no copy leaves it to the caller what that means,
// is asked again soon, and then ever less often.
func TestURLAwayAtStart(t *testing.T) {
	b := newBench(t)
	f := &feed{}
	f.set(answer{status: http.StatusBadGateway})
	server := serverOf(t, f.ServeHTTP)
	s, err := Open(b.Registry, Settings{Location: server.URL}, words())
	require.NoError(t, err)
	expect(t, s, "", Away)
	if want := "the server answers 502 Bad Gateway"; !strings.Contains(s.Status().Err.Error(), want) {
		t.Errorf("the error is %v, want %q", s.Status().Err, want)
	}
	asked := f.asked.Load()
	for range 60 {
		b.advance(time.Minute)
		s.Poll()
	}
	if n := f.asked.Load() - asked; n < 4 || n > 10 {
		t.Errorf("asked %d times in the first hour, want about 7", n)
	}
	f.set(answer{body: "a"})
	b.due(s)
	expect(t, s, "a", None)
	if b.lines("level=ERROR") != 1 || b.lines("well again") != 1 {
		t.Errorf("want one line that it is away and one that it is back:\n%s", b.log.String())
	}
}

func TestClientBounds(t *testing.T) {
	long := strings.Repeat("x", 10_000)
	for _, row := range []struct {
		name    string
		handler http.HandlerFunc
		want    string
	}{
		{name: "too long", want: "is longer than 1000 bytes", handler: func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(long)) }},
		{name: "a bomb as the encoding", want: "is longer than 1000 bytes", handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write([]byte(packed(long)))
		}},
		{name: "a bomb as the file", want: "is longer than 1000 bytes", handler: func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(packed(long))) }},
		{name: "cut off", want: "unexpected EOF", handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("x"))
		}},
		{name: "round in circles", want: "redirects", handler: func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/again", http.StatusFound) }},
		{name: "304 unasked", want: "304", handler: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, err := NewClient(Settings{MaxBytes: 1000})
			require.NoError(t, err)
			_, _, err = c.Get(context.Background(), serverOf(t, row.handler).URL, Version{})
			if err == nil || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), "http://") {
				t.Errorf("the error is %v, want %q and no URL", err, row.want)
			}
		})
	}
}

// The secret goes where it is meant to go, and nowhere else.
func TestToken(t *testing.T) {
	var elsewhere atomic.Int64
	other := serverOf(t, func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) })
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte("from-file\n"), 0o600))
	server := serverOf(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" {
			http.Redirect(w, r, other.URL, http.StatusFound)
			return
		}
		_, _ = w.Write([]byte(r.Header.Get("Authorization") + "|" + r.Header.Get("Kong-Admin-Token")))
	})
	for _, row := range []struct {
		name     string
		settings Settings
		want     string
	}{
		{name: "none", want: "|"},
		{name: "bearer", settings: Settings{Token: "t"}, want: "Bearer t|"},
		{name: "own header", settings: Settings{Token: "t", Header: "Kong-Admin-Token"}, want: "|t"},
		{name: "file", settings: Settings{TokenFile: file}, want: "Bearer from-file|"},
	} {
		c, err := NewClient(row.settings)
		require.NoError(t, err)
		got, _, err := c.Get(context.Background(), server.URL, Version{})
		if err != nil || string(got) != row.want {
			t.Errorf("%s: sent %q, %v; want %q", row.name, got, err, row.want)
		}
		_, _, err = c.Get(context.Background(), server.URL+"/away", Version{})
		if secret := row.settings != (Settings{}); secret != (err != nil) {
			t.Errorf("%s: the redirect to another host: %v", row.name, err)
		}
	}
	if elsewhere.Load() != 1 {
		t.Errorf("the other host was asked %d times, want once, without a secret", elsewhere.Load())
	}
	for name, settings := range map[string]Settings{
		"missing": {TokenFile: file + ".missing"},
		"empty":   {TokenFile: os.DevNull},
	} {
		c, err := NewClient(settings)
		require.NoError(t, err)
		if _, _, err = c.Get(context.Background(), server.URL, Version{}); err == nil || !strings.Contains(err.Error(), "token file") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A secret in the query of a URL does not follow a redirect either.
func TestReferer(t *testing.T) {
	other := serverOf(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("from " + r.Header.Get("Referer")))
	})
	server := serverOf(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) })
	c, err := NewClient(Settings{})
	require.NoError(t, err)
	got, _, err := c.Get(context.Background(), server.URL+"/list?key=secret", Version{})
	require.NoError(t, err)
	require.Equal(t, "from ", string(got))
}

func TestUnixSocketAndTLS(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.socket")
	listener, err := net.Listen("unix", path)
	require.NoError(t, err)
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(r.Host)) })
	plainServer := &httptest.Server{Listener: listener, Config: &http.Server{Handler: hello}}
	plainServer.Start()
	t.Cleanup(plainServer.Close)
	c, err := NewClient(Settings{Socket: path})
	require.NoError(t, err)
	got, _, err := c.Get(context.Background(), "http://kong/key-auths", Version{})
	if err != nil || string(got) != "kong" {
		t.Errorf("over the socket: %q, %v", got, err)
	}

	secure := httptest.NewTLSServer(hello)
	t.Cleanup(secure.Close)
	secure.Config.ErrorLog = nil
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, certificate(secure), 0o600))
	for _, row := range []struct {
		name     string
		settings Settings
		ok       bool
	}{
		{name: "the system's certificates", settings: Settings{}},
		{name: "its own", settings: Settings{CAFile: ca}, ok: true},
		{name: "any", settings: Settings{Insecure: true}, ok: true},
	} {
		c, err := NewClient(row.settings)
		require.NoError(t, err)
		if _, _, err = c.Get(context.Background(), secure.URL, Version{}); (err == nil) != row.ok {
			t.Errorf("%s: %v", row.name, err)
		}
	}
	for _, file := range []string{ca + ".missing", os.DevNull} {
		if _, err := NewClient(Settings{CAFile: file}); err == nil || !strings.Contains(err.Error(), "CA file") {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// An answer in several pages, as Kong's Admin API gives.
func TestFetch(t *testing.T) {
	b := newBench(t)
	server := serverOf(t, func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(r.URL.Path[1:] + " ")) })
	format := words()
	format.Fetch = func(ctx context.Context, c *Client, _ Version) ([]byte, Version, error) {
		var all []byte
		for _, page := range []string{"/1", "/2"} {
			data, _, err := c.Get(ctx, server.URL+page, Version{})
			if err != nil {
				return nil, Version{}, err
			}
			all = append(all, data...)
		}
		return all, Version{}, nil
	}
	s, err := Open(b.Registry, Settings{Location: server.URL}, format)
	require.NoError(t, err)
	expect(t, s, "1 2", None)
}

func certificate(s *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}
