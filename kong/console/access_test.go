package console

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// private are pages that not everybody may see.
var private = []string{"/", "/metrics", "/api/events", "/api/stats", "/api/events/live", "/api/suggest", "/static/app.js", "/event/x", "/suggest"}

// TestNobodyLooksUnasked: where others reach the console, TLS alone lets nobody see more than
// health; a client's certificate does, and so does the token beside it.
func TestNobodyLooksUnasked(t *testing.T) {
	with := func(r *rig, path string, state *tls.ConnectionState, token string) int {
		request := httptest.NewRequest(http.MethodGet, "https://console.example"+path, nil)
		if request.TLS = state; token != "" {
			request.Header.Set("Authorization", "Bearer "+token)
		}
		if path == "/api/events/live" { // it has no end of its own
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			request = request.WithContext(ctx)
		}
		w := httptest.NewRecorder()
		r.ServeHTTP(w, request)
		return w.Code
	}
	anybody, known := &tls.ConnectionState{}, &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{{}}}}
	open := newRig(t, func(o *Options) { o.Local = false })
	certified := newRig(t, func(o *Options) { o.Local, o.Certificates = false, true })
	both := newRig(t, func(o *Options) { o.Local, o.Certificates, o.Token = false, true, "s3cret" })
	for _, path := range private {
		require.Equal(t, http.StatusForbidden, with(open, path, anybody, ""), path)
		require.Equal(t, http.StatusForbidden, with(open, path, nil, ""), path)
		require.Equal(t, http.StatusForbidden, with(open, path, known, "s3cret"), "nobody has said whose certificates count")
		require.Equal(t, http.StatusForbidden, with(certified, path, anybody, ""), path)
		require.Equal(t, http.StatusForbidden, with(certified, path, nil, ""), path)
		require.NotEqual(t, http.StatusForbidden, with(certified, path, known, ""), path)
		require.Equal(t, http.StatusUnauthorized, with(both, path, anybody, "wrong"), path)
		require.NotEqual(t, http.StatusUnauthorized, with(both, path, anybody, "s3cret"), path)
		require.NotEqual(t, http.StatusUnauthorized, with(both, path, known, ""), path)
	}
	for _, path := range []string{"/healthz", "/def-healthz"} {
		require.Equal(t, http.StatusOK, with(open, path, anybody, ""), "load balancers have nothing to show")
		require.Equal(t, http.StatusOK, with(certified, path, nil, ""), path)
	}
}

// TestWhoMayLook: a token where others reach the console; on this machine, no web page
// whose name was pointed here.
func TestWhoMayLook(t *testing.T) {
	r := newRig(t, func(o *Options) { o.Token, o.Local = "s3cret", false })
	for _, path := range private {
		w := r.get(path)
		require.Equal(t, http.StatusUnauthorized, w.Code, path)
		require.Contains(t, w.Header().Get("WWW-Authenticate"), "Basic")
		require.Equal(t, http.StatusUnauthorized, r.get(path, "Authorization", "Bearer wrong").Code)
	}
	require.Equal(t, http.StatusOK, r.get("/healthz").Code, "load balancers have no token")
	require.Equal(t, http.StatusOK, r.get("/metrics", "Authorization", "Bearer s3cret").Code)
	request := httptest.NewRequest(http.MethodGet, "/", nil)
	request.SetBasicAuth("anybody", "s3cret")
	w := httptest.NewRecorder()
	r.ServeHTTP(w, request)
	require.Equal(t, http.StatusOK, w.Code)

	r = newRig(t, func(o *Options) { o.Local = true })
	require.Equal(t, http.StatusOK, r.get("http://127.0.0.1:9542/").Code)
	require.Equal(t, http.StatusOK, r.get("http://localhost:9542/").Code)
	require.Equal(t, http.StatusOK, r.get("http://[::1]:9542/").Code)
	require.Equal(t, http.StatusMisdirectedRequest, r.get("http://evil.example:9542/api/events").Code)
	require.Equal(t, http.StatusMethodNotAllowed, func() int {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "http://127.0.0.1/", nil))
		return w.Code
	}(), "nothing can be changed")
	for address, local := range map[string]bool{"127.0.0.1:1": true, "localhost:1": true, "[::1]:1": true, "0.0.0.0:1": false, ":1": false, "10.0.0.1:1": false, "x": false} {
		require.Equal(t, local, IsLocal(address), address)
	}
}
