package main

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/internal/redistest"
	"kongwaf/kong/metrics"
)

func TestConsoleSettings(t *testing.T) {
	for _, tc := range []struct {
		name, want string
		set        consoleSettings
	}{
		{name: "this machine", set: consoleSettings{Listen: "127.0.0.1:9542"}},
		{name: "off", set: consoleSettings{Listen: "off"}},
		{name: "everybody", set: consoleSettings{Listen: "0.0.0.0:9542"}, want: "others reach 0.0.0.0:9542: set console.token_file"},
		{name: "everybody, a token", set: consoleSettings{Listen: ":9542", TokenFile: "t"}},
		{name: "everybody, TLS: health only", set: consoleSettings{Listen: ":9542", TLSCert: "c", TLSKey: "k"}},
		{name: "half of TLS", set: consoleSettings{Listen: ":9542", TLSCert: "c"}, want: "set both or none"},
		{name: "certificates without TLS", set: consoleSettings{Listen: "127.0.0.1:9542", ClientCA: "c"}, want: "console.tls_client_ca: set console.tls_cert"},
		{name: "no address", set: consoleSettings{Listen: "9542"}, want: "is no address such as"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := tc.set.validate()
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tc.want)
		})
	}
}

// TestConsoleOverTLS: where others reach it, HTTPS alone shows health only; a certificate that
// the authority vouches for opens it.
func TestConsoleOverTLS(t *testing.T) {
	pair := redistest.NewTLS(t)
	cert, key := pair.Args[3], pair.Args[5]
	own, err := tls.LoadX509KeyPair(cert, key)
	require.NoError(t, err)
	for _, tc := range []struct {
		name, authority string
		client          []tls.Certificate
		status          int
	}{
		{name: "TLS alone", client: []tls.Certificate{own}, status: http.StatusForbidden},
		{name: "without a certificate", authority: cert, status: http.StatusForbidden},
		{name: "with one", authority: cert, client: []tls.Certificate{own}, status: http.StatusOK},
	} {
		t.Run(tc.name, func(t *testing.T) {
			address := freeAddress(t)
			set := consoleSettings{Listen: "0.0.0.0" + address[len("127.0.0.1"):], TLSCert: cert, TLSKey: key, ClientCA: tc.authority, KeepDays: 1, KeepMB: 1}
			require.NoError(t, set.validate())
			store, err := set.open(t.Context(), slog.New(slog.DiscardHandler), metrics.New(), "n1", "/s", "", nil)
			require.NoError(t, err)
			defer store.Close()
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
				TLSClientConfig: &tls.Config{InsecureSkipVerify: true, Certificates: tc.client}}, Timeout: 10 * time.Second}
			status := func(path string) (code int) {
				require.Eventually(t, func() bool {
					answer, err := client.Get("https://" + address + path)
					if err != nil {
						return false // it does not listen yet
					}
					defer answer.Body.Close()
					_, _ = io.Copy(io.Discard, answer.Body)
					code = answer.StatusCode
					return true
				}, 10*time.Second, 5*time.Millisecond)
				return code
			}
			require.Equal(t, http.StatusServiceUnavailable, status("/healthz"), "no supervisor here, and health says so to anybody")
			for _, path := range []string{"/", "/api/events", "/api/suggest", "/metrics"} {
				require.Equal(t, tc.status, status(path), path)
			}
		})
	}
	bad := consoleSettings{Listen: "127.0.0.1:0", TLSCert: cert, TLSKey: key, ClientCA: key}
	_, err = bad.open(context.Background(), slog.New(slog.DiscardHandler), metrics.New(), "", "", "", nil)
	require.ErrorContains(t, err, "console.tls_client_ca")
}
