// Package console is what people see of a running plugin server over HTTP: its health, its
// metrics, the history of events, a dashboard of them, and the lists of clients, which are all
// that it changes. All of an
// event is an attacker's text, and is treated as such: pages are html/template's, scripts
// and styles come from files only (Content-Security-Policy), and nothing is inserted as
// markup.
//
// It has no users of its own: on a loopback address whoever is on the machine may look,
// elsewhere a token or a client's certificate is needed. Without either it shows health only.
package console

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"embed"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"kongwaf/kong/metrics"
	"kongwaf/kong/metrics/exposition"
)

// Options say what a console shows, and to whom.
type Options struct {
	Numbers *metrics.Table
	Store   *Store
	Live    *Live
	// Lists are shown and changed, if not nil.
	Lists Lists
	// Token, if not empty, is wanted for everything but health: as Authorization: Bearer,
	// or as the password of Basic, which a browser asks for by itself.
	Token string
	// Certificates says that a client's certificate does as well as the token. Whoever serves
	// has verified it.
	Certificates bool
	// Local says that only this machine can reach the console. Requests with another
	// name than an address in Host are refused then: they come from a web page whose name
	// was pointed here (DNS rebinding). If it is false, and there is neither a token nor
	// certificates, nothing but health is shown.
	Local   bool
	Version string
	Node    string
	Socket  string // the path that Kong connects to
	// Keys returns which API keys the plugins know, as JSON without keys and hashes; nil if
	// there is no such list.
	Keys   func() ([]byte, error)
	Now    func() time.Time // nil: the system's clock
	Logger *slog.Logger     // nil: slog.Default()
}

// Console answers the requests. Its methods may be called concurrently.
type Console struct {
	opt       Options
	mux       *http.ServeMux
	pages     *pages
	suggested *suggestions
	// formToken is in the forms that change something: who sends one has seen the page.
	formToken string
}

//go:embed assets
var assets embed.FS

// New returns a console.
func New(o Options) *Console {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Live == nil {
		o.Live = &Live{}
	}
	c := &Console{opt: o, mux: http.NewServeMux(), pages: newPages(), suggested: newSuggestions()}
	static, err := fs.Sub(assets, "assets/static")
	if err != nil {
		panic(err) // embedded: a test would show it
	}
	c.mux.HandleFunc("GET /healthz", c.health)
	c.mux.HandleFunc("GET /def-healthz", c.health)
	c.private("GET /metrics", exposition.Handler(o.Numbers))
	c.private("GET /static/", http.StripPrefix("/static/", http.FileServerFS(static)))
	c.private("GET /api/events", http.HandlerFunc(c.apiEvents))
	c.private("GET /api/events/live", http.HandlerFunc(c.apiLive))
	c.private("GET /api/stats", http.HandlerFunc(c.apiStats))
	c.private("GET /api/suggest", http.HandlerFunc(c.apiSuggest))
	c.private("GET /suggest", http.HandlerFunc(c.suggestHTML))
	c.private("GET /api/keys", http.HandlerFunc(c.apiKeys))
	c.private("GET /api/exceptions", http.HandlerFunc(c.apiExceptions))
	c.private("GET /exceptions", http.HandlerFunc(c.exceptions))
	c.private("GET /{$}", http.HandlerFunc(c.dashboard))
	c.private("GET /event/{id}", http.HandlerFunc(c.event))
	c.listsRoutes()
	return c
}

// ServeHTTP implements http.Handler.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "+
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	c.mux.ServeHTTP(w, r)
}

// private registers what only those may see who are allowed to.
func (c *Console) private(pattern string, handler http.Handler) {
	token := sha256.Sum256([]byte(c.opt.Token))
	c.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		if c.opt.Local && !isAddress(r.Host) {
			http.Error(w, "open the console by its address, such as http://127.0.0.1:9542", http.StatusMisdirectedRequest)
			return
		}
		switch {
		case c.opt.Certificates && r.TLS != nil && len(r.TLS.VerifiedChains) > 0:
		case c.opt.Token != "":
			given := sha256.Sum256([]byte(credential(r)))
			if subtle.ConstantTimeCompare(given[:], token[:]) != 1 {
				w.Header().Set("WWW-Authenticate", `Basic realm="kong-waf console: any name, the token as password"`)
				http.Error(w, "a token is needed", http.StatusUnauthorized)
				return
			}
		case c.opt.Certificates:
			http.Error(w, "a client's certificate is needed", http.StatusForbidden)
			return
		case !c.opt.Local:
			http.Error(w, "others reach this console, and it has neither console.token_file nor console.tls_client_ca: it shows health only", http.StatusForbidden)
			return
		}
		handler.ServeHTTP(w, r)
	})
}

// credential returns the token of a request.
func credential(r *http.Request) string {
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return token
}

// isAddress reports whether a Host is an IP address or localhost, with or without a port.
func isAddress(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if host == "localhost" {
		return true
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil
}

// IsLocal reports whether an address to listen on is one that only this machine reaches.
func IsLocal(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// Serve serves on a listener until ctx is done. Slow clients are cut off.
func (c *Console) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler:           c,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          slog.NewLogLogger(c.opt.Logger.Handler(), slog.LevelDebug),
	}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if c.opt.Store != nil {
		go c.remember(ctx)
	}
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
