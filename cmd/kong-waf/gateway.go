package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

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
	console string // of that plugin server: an address, or off
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
	socket := o.socket
	if socket == "" {
		server, err := startServer(stderr, o.console)
		if err != nil {
			listener.Close()
			return err
		}
		defer server.stop()
		socket = server.socket
	}
	o.options.Config, o.options.Socket, o.options.Plugins = config, socket, gatewayPlugins()
	o.options.Logger = slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	g, err := gateway.New(o.options)
	if err != nil {
		listener.Close()
		return err
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
}

// startServer starts `kong-waf serve` on a socket of its own, with a console at an address
// or off, and waits until it answers.
func startServer(stderr io.Writer, console string) (*serverProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "kong-waf-")
	if err != nil {
		return nil, err
	}
	p := &serverProcess{dir: dir, socket: filepath.Join(dir, "kong-waf.socket")}
	p.cmd = exec.Command(self, "serve", "--socket", p.socket, "--console", console)
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
