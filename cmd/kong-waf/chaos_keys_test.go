package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// faultyAdmin is an Admin API with the keys of one consumer, that does what Admin APIs do.
type faultyAdmin struct {
	keys  atomic.Pointer[[]string]
	fault atomic.Pointer[http.HandlerFunc] // answers instead
}

func (a *faultyAdmin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if fault := a.fault.Load(); fault != nil {
		(*fault)(w, r)
		return
	}
	if r.URL.Path != "/key-auths" {
		fmt.Fprint(w, "{}")
		return
	}
	var rows []string
	for i, key := range *a.keys.Load() {
		rows = append(rows, fmt.Sprintf(`{"id":"id-%d","key":%q,"consumer":{"id":%q},"created_at":1,"tags":null}`, i, key, annsID))
	}
	fmt.Fprintf(w, `{"data":[%s],"next":null}`, strings.Join(rows, ","))
}

func (a *faultyAdmin) set(keys ...string)        { a.keys.Store(&keys) }
func (a *faultyAdmin) answer(f http.HandlerFunc) { a.fault.Store(&f) }

const annsID = "4cc0ee9a-9f8a-4d46-8c8b-1b2c3d4e5f60"

const keysDeck = `
_format_version: "3.0"
consumers: [{username: ann, id: ` + annsID + `}]
services:
  - name: api
    url: http://%s
    routes:
      - name: gate
        paths: [/gate]
        plugins:
          - {name: waf-key-auth, config: {credentials: [{key: own, consumer: ann}]}}
`

// keyedServer is kong-waf serve with an Admin API, and the stand-in before it.
type keyedServer struct {
	chaos
	dir    string
	server *exec.Cmd
}

func startKeyed(t *testing.T, admin string) *keyedServer {
	t.Helper()
	dir, err := os.MkdirTemp("", "keyed")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }))
	t.Cleanup(upstream.Close)
	config := filepath.Join(dir, "kong.yml")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, keysDeck, upstream.Listener.Addr()), 0o600))
	k := &keyedServer{dir: dir, chaos: chaos{t: t, length: chaosTime(t), socket: filepath.Join(dir, "s"), quit: make(chan struct{})}}
	k.server = k.start("serve", "--socket", k.socket, "--console", "off")
	k.server.Env = append(k.server.Env, "KONG_WAF_ADMIN_API_URL="+admin, "KONG_WAF_ADMIN_API_INTERVAL_SECONDS=1", "KONG_WAF_ADMIN_API_TIMEOUT_SECONDS=1")
	require.NoError(t, k.server.Start())
	require.Eventually(t, func() bool {
		conn, err := net.Dial("unix", k.socket)
		if err == nil {
			conn.Close()
		}
		return err == nil
	}, 10*time.Second, 5*time.Millisecond)
	listen := freeAddress(t)
	k.url = "http://" + listen
	gateway := k.start("gateway", "--config", config, "--listen", listen, "--socket", k.socket)
	out, err := gateway.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, gateway.Start())
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "ready ") {
			break
		}
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return k
}

// start prepares kong-waf as a process, which ends with the test.
func (k *keyedServer) start(args ...string) *exec.Cmd {
	self, err := os.Executable()
	require.NoError(k.t, err)
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), asMain+"=1", "KONG_WAF_EVENTS_FILE=off")
	k.t.Cleanup(func() {
		if cmd.Process != nil {
			_ = cmd.Process.Signal(syscall.SIGTERM)
			_ = cmd.Wait()
		}
	})
	return cmd
}

// soon waits until a key gets an answer.
func (k *keyedServer) soon(key string, status int) time.Duration {
	k.t.Helper()
	began := time.Now()
	require.Eventually(k.t, func() bool { return k.send(http.DefaultClient, "/gate", key) == status }, 30*time.Second, 20*time.Millisecond, "%s: %d", key, status)
	return time.Since(began)
}

// TestChaosAdminAPIGone: while the Admin API is away, slow, or talks nonsense, and workers die, no
// caller with a good key is refused and none with a wrong one is let in. What changes in Kong counts
// within an interval.
func TestChaosAdminAPIGone(t *testing.T) {
	if testing.Short() {
		t.Skip("a trial under load, which runs without -short")
	}
	admin := &faultyAdmin{}
	admin.set("k")
	api := httptest.NewServer(admin)
	defer api.Close()
	k := startKeyed(t, api.URL)
	k.soon("k", http.StatusOK)
	admin.set("k", "new")
	added := k.soon("new", http.StatusOK)
	admin.set("k")
	deleted := k.soon("new", http.StatusUnauthorized)

	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	for range 8 {
		k.done.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-k.quit:
					return
				case <-time.After(5 * time.Millisecond):
				}
				key, want := "k", http.StatusOK
				if n%5 == 4 {
					key, want = "wrong", http.StatusUnauthorized
				}
				got := k.send(client, "/gate", key)
				k.total.Add(1)
				if got == http.StatusOK && want != got {
					k.slipped.Add(1)
				} else if got != want {
					k.failed.Add(1)
					k.first.CompareAndSwap(nil, fmt.Sprintf("%s: %d", key, got))
				}
			}
		})
	}
	done := make(chan struct{})
	defer close(done)
	evil := "http://" + freeAddress(t) + "/key-auths?offset=1"
	for _, fault := range []http.HandlerFunc{
		func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) },
		func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusServiceUnavailable) },
		func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") },
		func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"data":[],"next":"`+evil+`"}`) },
		func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, evil, http.StatusFound) },
		func(w http.ResponseWriter, r *http.Request) { // drips
			_, _ = io.WriteString(w, `{"data":[`)
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
			case <-done:
			}
		},
	} {
		admin.answer(fault)
		time.Sleep(k.length / 16)
		for _, pid := range childrenOf(t, k.server.Process.Pid) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		time.Sleep(k.length / 16)
	}
	admin.fault.Store(nil)
	k.stop(t, fmt.Sprintf("admin api gone (a new key counted after %d ms, a deleted one no more after %d ms)", added.Milliseconds(), deleted.Milliseconds()))
	admin.set("k", "back")
	k.soon("back", http.StatusOK)

	files, err := filepath.Glob(filepath.Join(k.dir, "kong-waf-data", "*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NotContains(t, string(text), `"back"`)
		require.NotContains(t, string(text), `"own"`)
	}
}

// TestChaosAdminAPINeverThere: on a first start without the Admin API, what is in the config counts,
// and whatever else a caller presents is answered by the policy, until Kong is asked with success.
func TestChaosAdminAPINeverThere(t *testing.T) {
	admin := &faultyAdmin{}
	admin.set("k")
	admin.answer(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusServiceUnavailable) })
	api := httptest.NewServer(admin)
	defer api.Close()
	k := startKeyed(t, api.URL)
	k.soon("own", http.StatusOK)
	require.Equal(t, http.StatusInternalServerError, k.send(http.DefaultClient, "/gate", "k"))
	require.Equal(t, http.StatusInternalServerError, k.send(http.DefaultClient, "/gate", "wrong"))
	require.Equal(t, http.StatusUnauthorized, k.send(http.DefaultClient, "/gate", ""), "no key is no key")
	admin.fault.Store(nil)
	k.soon("k", http.StatusOK)
	require.Equal(t, http.StatusUnauthorized, k.send(http.DefaultClient, "/gate", "wrong"))
}
