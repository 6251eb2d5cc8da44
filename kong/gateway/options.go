package gateway

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"kongwaf/kong/declarative"
)

// Banner is the first line that a program prints which serves a Gateway, before anything else.
const Banner = "kong-waf gateway: a stand-in for trying out and for tests. This is not Kong."

// PluginInfo is what the gateway must know of a plugin to run it.
type PluginInfo struct {
	Name     string
	Priority int      // the highest runs first
	Phases   []string // of "access", "response" and "log", those that the plugin handles
}

// Options configure a Gateway. The zero values of all fields but Config are usable.
type Options struct {
	// Config is what to serve. It must hold no errors.
	Config *declarative.Config
	// Socket is the path of the plugin server's Unix socket.
	Socket string
	// Plugins are the external plugins that the plugin server has.
	Plugins []PluginInfo

	// TrustedIPs are Kong's trusted_ips: the peers whose X-Forwarded-* headers and
	// RealIPHeader are believed.
	TrustedIPs []netip.Prefix
	// RealIPHeader is Kong's real_ip_header. Default "X-Real-IP".
	RealIPHeader string
	// RealIPRecursive is Kong's real_ip_recursive: skip trusted addresses from the right.
	RealIPRecursive bool

	// Variables are further nginx variables for kong.nginx.get_var, as a line
	// `nginx_proxy_set = $name "$request_method|$request_uri"` in kong.conf would define
	// them: name without "$" -> template.
	Variables map[string]string
	// NoHead leaves out the variable $kong_waf, in which the line nginx_proxy_set_by_lua of
	// kong/conf/kong.conf hands over the whole request head.
	NoHead bool

	// BodyBuffer is nginx's client_body_buffer_size: a longer body goes to a temporary
	// file, and plugins get its path. Default 8192 bytes.
	BodyBuffer int
	// TempDir is where such files are written. Default os.TempDir().
	TempDir string

	// DialUpstream connects to upstreams. Default net.Dialer.DialContext. Tests use it to
	// send host names of manifests to a local server.
	DialUpstream func(ctx context.Context, network, address string) (net.Conn, error)
	// EventTimeout is how long Kong waits for a plugin server's next frame. Default 60 s.
	EventTimeout time.Duration
	// Retries bounds how often an event is repeated after a connection closed in
	// mid-event or an unknown instance. Real Kong repeats for ever. Default 100.
	Retries int

	// Output gets the line "ready http://ADDR". Nil prints nothing.
	Output io.Writer
	// Logger gets errors and what plugins log. Nil discards.
	Logger *slog.Logger
	// Now is the clock. Default time.Now.
	Now func() time.Time
}
