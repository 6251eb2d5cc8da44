package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"kongwaf/kong/console"
	"kongwaf/kong/declarative"
	"kongwaf/kong/gateway"
)

// drainTime is how long requests under way may take to end when the gateway stops.
const drainTime = 10 * time.Second

const gatewayHelp = `Usage: kong-waf gateway [--config FILE] [--listen ADDR] [--socket PATH] [options]

A stand-in for Kong, for trying out and for tests. It is not Kong.
Prints "ready http://ADDR" when it serves; SIGTERM or Ctrl-C ends it.
`

// runGateway is the stand-in for Kong: it serves a deck file and asks the plugin server, its
// own or one that runs already.
func runGateway(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	flags := newFlags("gateway", gatewayHelp, stderr)
	config := flags.String("config", "kong.yml", "the deck `FILE` to serve; several with commas")
	listen := flags.String("listen", "127.0.0.1:8000", "`ADDR` that clients connect to")
	socket := flags.String("socket", "", "`PATH` of the plugin server's socket; without it the gateway starts its own plugin server")
	admin := flags.String("admin", "", "`ADDR` or unix:PATH where a plugin server reads consumers and their keys, as in Kong's Admin API; its own plugin server does so anyway")
	console := flags.String("console", "off", "`ADDR` of its own plugin server's console, such as 127.0.0.1:9542, or off")
	trusted := flags.String("trusted-ips", "", "Kong's trusted_ips, a `LIST` of peers whose X-Forwarded-For is believed, with commas")
	realIPHeader := flags.String("real-ip-header", "X-Real-IP", "Kong's real_ip_header, the `NAME` of a header")
	head := flags.Bool("head", true, "fill $kong_waf with the request's head, as the line in kong/conf/kong.conf makes Kong do; --head=false does not")
	recursive := flags.Bool("real-ip-recursive", false, "Kong's real_ip_recursive")
	if code, stop := parse(flags, args, noOperands); stop {
		return code
	}
	prefixes, err := parsePrefixes(*trusted)
	if err != nil {
		fmt.Fprintf(stderr, "kong-waf gateway: --trusted-ips: %v\n", err)
		return 2
	}
	o := gatewayOptions{
		files:   strings.Split(*config, ","),
		listen:  *listen,
		socket:  *socket,
		admin:   *admin,
		console: *console,
		options: gateway.Options{
			TrustedIPs:      prefixes,
			RealIPHeader:    *realIPHeader,
			RealIPRecursive: *recursive,
			NoHead:          !*head,
			Output:          stdout,
		},
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := o.run(ctx, stderr); err != nil {
		fmt.Fprintf(stderr, "kong-waf gateway: %v\n", err)
		return 1
	}
	return 0
}

func parsePrefixes(list string) ([]netip.Prefix, error) {
	var prefixes []netip.Prefix
	for _, text := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		if addr, err := netip.ParseAddr(text); err == nil {
			prefixes = append(prefixes, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("%q is not an address or CIDR range", text)
		}
		prefixes = append(prefixes, prefix.Masked())
	}
	return prefixes, nil
}

// gatewayOptions say what the gateway serves, and with whose plugin server.
type gatewayOptions struct {
	files   []string
	listen  string
	socket  string // "" starts an own plugin server
	admin   string // an address or unix:PATH, "" for none
	console string // of that plugin server: an address, or off
	events  string // the file with its events, "" for one beside its socket
	env     func(string) (string, bool)
	options gateway.Options
}

// run serves until ctx ends. Everything that it started is gone when it returns.
func (o gatewayOptions) run(ctx context.Context, stderr io.Writer) error {
	fmt.Fprintln(o.options.Output, gateway.Banner)
	config, problems := declarative.Load(declarative.Options{Validator: newSchemas(), Env: o.env}, o.files...)
	for _, w := range problems.Warnings() {
		fmt.Fprintln(stderr, w)
	}
	if err := problems.Err(); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return portError(o.listen, err)
	}
	socket, admins := o.socket, []string{o.admin}
	if socket == "" {
		server, err := startServer(stderr, o.console, o.events)
		if err != nil {
			listener.Close()
			return err
		}
		defer server.stop()
		socket, admins = server.socket, append(admins, "unix:"+server.admin)
	}
	o.options.Config, o.options.Socket, o.options.Plugins = config, socket, gatewayPlugins()
	o.options.Logger = slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	g, err := gateway.New(o.options)
	if err != nil {
		listener.Close()
		return err
	}
	for _, address := range admins {
		end, err := serveAdmin(g, address)
		if err != nil {
			listener.Close()
			return err
		}
		defer end()
	}
	done := make(chan error, 1)
	go func() { done <- g.Serve(listener) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	return g.Shutdown(drain)
}

// serveAdmin serves the gateway's Admin API at an address, unless that is empty. It shows keys: a
// network address must be this machine's, and a socket is for the owner only.
func serveAdmin(g *gateway.Gateway, address string) (end func(), err error) {
	if address == "" {
		return func() {}, nil
	}
	network, where := "tcp", address
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		network, where = "unix", path
	} else if !console.IsLocal(address) {
		return nil, fmt.Errorf("--admin: %s can be reached by others, and it shows keys: write an address such as 127.0.0.1:8001, or unix:PATH", address)
	}
	listener, err := net.Listen(network, where)
	if err != nil {
		return nil, fmt.Errorf("--admin: %w", err)
	}
	if network == "unix" {
		if err := os.Chmod(where, 0o600); err != nil {
			listener.Close()
			return nil, fmt.Errorf("--admin: %w", err)
		}
	}
	server := &http.Server{Handler: g.Admin(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	return func() { _ = server.Close() }, nil
}

// portError says what to do about a port that is taken.
func portError(address string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is in use by another program: stop it, or choose another address with --listen (make run GATEWAY_PORT=8001)", address)
	}
	return err
}

// serverProcess is a plugin server of our own.
type serverProcess struct {
	cmd    *exec.Cmd
	dir    string
	socket string
	admin  string // path of the socket where it looks for the Admin API
}

// eventsVariable is the setting events.file as serve reads it from the environment.
const eventsVariable = "KONG_WAF_EVENTS_FILE"

// startServer starts `kong-waf serve` on a socket of its own, with a console at an address
// or off, and waits until it answers.
func startServer(stderr io.Writer, console, events string) (*serverProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "kong-waf-")
	if err != nil {
		return nil, err
	}
	p := &serverProcess{dir: dir, socket: filepath.Join(dir, "kong-waf.socket"), admin: filepath.Join(dir, "admin.socket")}
	p.cmd = exec.Command(self, "serve", "--socket", p.socket, "--console", console)
	p.cmd.Env = append(os.Environ(), "KONG_WAF_ADMIN_API_URL=unix://"+p.admin)
	if events != "" {
		p.cmd.Env = append(p.cmd.Env, eventsVariable+"="+events)
	}
	p.cmd.Stderr = stderr
	p.cmd.WaitDelay = time.Second // should somebody else still hold the log's other end
	// A group of its own: Ctrl-C reaches us, and we end it in order. Should we be killed,
	// the kernel ends it.
	p.cmd.SysProcAttr = ownGroup()
	if err := p.cmd.Start(); err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("starting the plugin server: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := awaitServer(ctx, p.socket, p.cmd.Process.Pid); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

func (p *serverProcess) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.cmd.Wait()
	os.RemoveAll(p.dir)
}
