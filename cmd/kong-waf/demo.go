package main

import (
	"bytes"
	"cmp"
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
	"sync"
	"syscall"

	"kongwaf/examples/deck"
	"kongwaf/kong/gateway"
	"kongwaf/kong/gateway/demo"
)

const demoHelp = `Usage: kong-waf demo [--listen ADDR] [--upstream ADDR] [--console ADDR|off] [--config FILE]
       kong-waf demo --api-only [--upstream ADDR]

Starts a demo API, the plugin server and the stand-in gateway, and prints commands to try. Ctrl-C ends all.
With --api-only the demo API alone: it trusts everybody, so keep it inside.
`

// runDemo is `make run`: a demo API, the plugin server and the stand-in gateway, and
// commands to try them with.
func runDemo(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	flags := newFlags("demo", demoHelp, stderr)
	o := demoOptions{deck: deck.Quickstart}
	o.addFlags(flags)
	flags.StringVar(&o.config, "config", "", "a deck `FILE` to serve instead of examples/deck/quickstart.yml; ${{ env \"DECK_DEMO_URL\" }} is the demo API")
	alone := flags.Bool("api-only", false, "start the demo API alone")
	if code, stop := parse(flags, args, noOperands); stop {
		return code
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *alone {
		stopAPI, address, err := o.startAPI()
		if err != nil {
			fmt.Fprintf(stderr, "kong-waf demo: %v\n", err)
			return 1
		}
		defer stopAPI()
		fmt.Fprintf(stdout, "ready http://%s\n", address)
		<-ctx.Done()
		return 0
	}
	o.ready = func() { printTryOut(stdout, o.listen, o.console, o.events) }
	if err := o.run(ctx, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "kong-waf demo: %v\n", err)
		return 1
	}
	return 0
}

// demoOptions say where the parts of a demonstration listen, and what they serve.
type demoOptions struct {
	listen, upstream, console string
	config                    string // a deck file, or
	deck                      []byte // the deck file's text
	events                    string // the file with the events; set by run
	ready                     func() // called once everything serves
}

func (o *demoOptions) addFlags(flags *flag.FlagSet) {
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8000", "`ADDR` that the gateway listens on")
	flags.StringVar(&o.upstream, "upstream", "127.0.0.1:9080", "`ADDR` that the demo API listens on")
	flags.StringVar(&o.console, "console", "127.0.0.1:9542", "`ADDR` that the console listens on, or off")
}

// run serves until ctx is done. Nothing that it started is left when it returns.
func (o *demoOptions) run(ctx context.Context, stdout, stderr io.Writer) error {
	if err := o.consoleFree(); err != nil {
		return err
	}
	stopAPI, upstream, err := o.startAPI()
	if err != nil {
		return err
	}
	defer stopAPI()

	dir, err := os.MkdirTemp("", "kong-waf-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	o.events = cmp.Or(os.Getenv(eventsVariable), filepath.Join(dir, "kong-waf-events.jsonl"))
	config := o.config
	if config == "" {
		config = filepath.Join(dir, "kong.yml")
		if err := os.WriteFile(config, o.deck, 0o600); err != nil {
			return err
		}
	}
	ready := &readyWriter{out: stdout, then: o.ready}
	g := gatewayOptions{
		files:   []string{config},
		listen:  o.listen,
		console: o.console,
		events:  o.events,
		env: func(name string) (string, bool) {
			if name == "DECK_DEMO_URL" {
				return "http://" + upstream.String(), true
			}
			return os.LookupEnv(name)
		},
		options: gateway.Options{Output: ready},
	}
	return g.run(ctx, &warnings{out: stderr})
}

// consoleFree reports a console's address that is taken. The plugin server waits for it to become free, and
// whoever tries things out would meanwhile look at somebody else's console.
func (o *demoOptions) consoleFree() error {
	if o.console == "off" {
		return nil
	}
	l, err := net.Listen("tcp", o.console)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s is in use by another program: stop it, or choose another address with --console (make run CONSOLE_PORT=9543)", o.console)
	}
	if err != nil {
		return fmt.Errorf("--console: %w", err)
	}
	return l.Close()
}

// startAPI starts the demo API.
func (o *demoOptions) startAPI() (stop func(), address net.Addr, err error) {
	api, err := net.Listen("tcp", o.upstream)
	if err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			err = fmt.Errorf("%s is in use by another program: stop it, or choose another address with --upstream (make run DEMO_PORT=9081)", o.upstream)
		}
		return nil, nil, err
	}
	server := demo.Server()
	go func() { _ = server.Serve(api) }()
	return func() { server.Close() }, api.Addr(), nil
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

// warnings passes lines on, but for the plugin server's log of what is as it should be:
// it would stand between what a demonstration says.
type warnings struct {
	out  io.Writer
	mu   sync.Mutex // the plugin server and the gateway write
	rest []byte     // a line that has not ended yet
}

func (w *warnings) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, p...)
	for {
		end := bytes.IndexByte(w.rest, '\n') + 1
		if end == 0 {
			return len(p), nil
		}
		line := w.rest[:end]
		w.rest = w.rest[end:]
		if bytes.Contains(line, []byte(`"level":"INFO"`)) {
			continue
		}
		if _, err := w.out.Write(line); err != nil {
			return 0, err
		}
	}
}

// printTryOut prints what to try, and what each command should answer.
func printTryOut(w io.Writer, address, console, events string) {
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

`, url)
	if console != "off" {
		fmt.Fprintf(w, "What came of them, with the reasons: http://%s\n", console)
	}
	fmt.Fprintf(w, "As lines of JSON, until this ends: %s\n\nCtrl-C ends everything.\n", events)
}
