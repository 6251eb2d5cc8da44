// Package console is what a running plugin server shows over HTTP. So far that is its
// health, for load balancers and probes. It has no secrets to show and no way to change
// anything, but it belongs on a private address all the same.
package console

import (
	"io"
	"net"
	"net/http"
	"time"
)

// Handler answers GET /healthz and, for load balancers that were set up for another WAF,
// /def-healthz: 200 "ok" while health returns nil, else 503 and its reason.
func Handler(health func() error) http.Handler {
	mux := http.NewServeMux()
	check := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		if err := health(); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, err.Error()+"\n")
			return
		}
		_, _ = io.WriteString(w, "ok\n")
	}
	mux.HandleFunc("GET /healthz", check)
	mux.HandleFunc("GET /def-healthz", check)
	return mux
}

// Serve serves a handler on a listener until the listener is closed. Slow clients are cut
// off.
func Serve(listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		MaxHeaderBytes:    16 << 10,
	}
	return server.Serve(listener)
}
