package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"kongwaf/examples/deck"
	"kongwaf/kong/gateway"
	"kongwaf/kong/gateway/demo"
)

// runDemo is `make run`: a demo API, the plugin server and the stand-in gateway, and
// commands to try them with.
func runDemo(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(stderr)
	listen := flags.String("listen", "127.0.0.1:8000", "where the gateway listens")
	upstream := flags.String("upstream", "127.0.0.1:9080", "where the demo API listens")
	config := flags.String("config", "", "a deck file to serve instead of the built-in quickstart.yml; ${{ env \"DECK_DEMO_URL\" }} is the demo API")
	flags.Usage = func() {
		fmt.Fprintf(stderr, "Usage: kong-waf demo [--listen ADDR] [--upstream ADDR] [--config kong.yml]\n\nStarts a demo API, the plugin server and the stand-in gateway, and prints commands to try.\n")
		flags.PrintDefaults()
	}
	if code, stop := parse(flags, args); stop {
		return code
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := runDemoUntil(ctx, *listen, *upstream, *config, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "kong-waf demo: %v\n", err)
		return 1
	}
	return 0
}

func runDemoUntil(ctx context.Context, listen, upstream, config string, stdout, stderr io.Writer) error {
	api, err := net.Listen("tcp", upstream)
	if err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			return fmt.Errorf("%s is in use by another program: stop it, or choose another address with --upstream (make run DEMO_PORT=9081)", upstream)
		}
		return err
	}
	server := demo.Server()
	go func() { _ = server.Serve(api) }()
	defer server.Close()

	dir, err := os.MkdirTemp("", "kong-waf-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if config == "" {
		config = filepath.Join(dir, "quickstart.yml")
		if err := os.WriteFile(config, deck.Quickstart, 0o600); err != nil {
			return err
		}
	}
	ready := &readyWriter{out: stdout, then: func() { printTryOut(stdout, listen) }}
	o := gatewayOptions{
		files:  []string{config},
		listen: listen,
		env: func(name string) (string, bool) {
			if name == "DECK_DEMO_URL" {
				return "http://" + api.Addr().String(), true
			}
			return os.LookupEnv(name)
		},
		options: gateway.Options{Output: ready},
	}
	return o.run(ctx, stderr)
}

// readyWriter passes the gateway's lines on and acts once it says that it is ready.
type readyWriter struct {
	out  io.Writer
	then func()
	done bool
}

func (w *readyWriter) Write(p []byte) (int, error) {
	n, err := w.out.Write(p)
	if !w.done && strings.Contains(string(p), "ready ") {
		w.done = true
		w.then()
	}
	return n, err
}

// printTryOut prints what to try, and what each command should answer.
func printTryOut(w io.Writer, address string) {
	url := "http://" + address
	fmt.Fprintf(w, `
Try these in another shell; each says what it should answer:

 1. A good request, with a name that looks like SQL to lesser firewalls: 200
    curl -i '%[1]s/api/users?name=O%%27Brien' -H 'apikey: demo-key'

 2. A good JSON request: 200
    curl -i %[1]s/api/users -H 'apikey: demo-key' -H 'Content-Type: application/json' -d '{"name":"Ann","note":"select the best of the lot; 1 or 2 <b>bold</b> ones"}'

 3. An attack: 403 Request blocked
    curl -i -G %[1]s/api/users -H 'apikey: demo-key' --data-urlencode "name=' OR 1=1 -- "

 4. No key: 401 No API key found in request
    curl -i %[1]s/api/users

 5. An address that may not come here: 403 IP address not allowed
    curl -i %[1]s/office

 6. Too fast, five calls a minute are allowed: 200 five times, then 429 API rate limit exceeded
    for i in 1 2 3 4 5 6 7; do curl -s -o /dev/null -w '%%{http_code}\n' %[1]s/limited; done

Ctrl-C ends everything.
`, url)
}
