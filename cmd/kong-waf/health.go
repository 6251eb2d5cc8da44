package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"
)

const healthHelp = `Usage: kong-waf health [--config FILE] [--console ADDR]
       kong-waf health --socket PATH

Asks the console's /healthz, or with --socket, and where the console is off, the plugin server itself; prints
what is wrong. For probes of containers: exit status 0 if all is well, 1 if not. /healthz also fails while a
plugin's config does not compile, so it says when to stop a rollout; whether to restart the server, --socket says.
`

// runHealth is what a container's health check runs: the image needs no curl, and the
// console no address that others reach.
func runHealth(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	flags := newFlags("health", healthHelp, stderr)
	config := flags.String("config", "", "the YAML `FILE` with settings that serve was given")
	console := flags.String("console", "", "`ADDR` of the console; goes before console.listen")
	socket := flags.String("socket", "", "`PATH` of the socket: ask whoever listens there")
	timeout := flags.Duration("timeout", 5*time.Second, "how long the answer may take")
	if code, stop := parse(flags, args, noOperands); stop {
		return code
	}
	ctx, cancel := context.WithTimeout(context.Background(), *timeout)
	defer cancel()
	err := errNoConsole
	if *socket == "" {
		err = askHealth(ctx, *config, *console)
	}
	if errors.Is(err, errNoConsole) {
		_, err = askServer(ctx, cmp.Or(*socket, defaultSocket), anybody)
	}
	if err != nil {
		fmt.Fprintf(stderr, "kong-waf health: %v\n", err)
		return 1
	}
	fmt.Fprintln(stdout, "ok")
	return 0
}

// askHealth asks the console that the settings name, or the one at an address.
func askHealth(ctx context.Context, config, address string) error {
	set, err := loadSettings(config, os.Environ())
	if err != nil {
		return err
	}
	if address != "" {
		set.Console.Listen = address
	}
	return set.Console.askHealth(ctx)
}

var errNoConsole = errors.New("console.listen: the console is off")

// askHealth returns nil if the console says that all is well, else what it says.
func (c *consoleSettings) askHealth(ctx context.Context) error {
	if c.Listen == "off" {
		return errNoConsole
	}
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("console.listen: %q is no address such as 127.0.0.1:9542", c.Listen)
	}
	switch ip := net.ParseIP(host); {
	case host == "", ip != nil && ip.IsUnspecified():
		host = "localhost"
	}
	scheme, transport := "http", &http.Transport{Proxy: nil, DisableKeepAlives: true}
	if c.TLSCert != "" {
		// The certificate is for other names. We send nothing secret, and hear from our own
		// machine.
		scheme, transport.TLSClientConfig = "https", &tls.Config{InsecureSkipVerify: true}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+net.JoinHostPort(host, port)+"/healthz", nil)
	if err != nil {
		return err
	}
	answer, err := transport.RoundTrip(request)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nobody listens on %s: kong-waf serve is not running, or its console is elsewhere (console.listen)", c.Listen)
	case err != nil:
		return err
	}
	defer answer.Body.Close()
	const most = 4096
	text, err := io.ReadAll(io.LimitReader(answer.Body, most))
	if err != nil {
		return err
	}
	said := strings.TrimSpace(string(text))
	switch {
	case answer.StatusCode == http.StatusOK && said == "ok":
		return nil
	case answer.StatusCode == http.StatusServiceUnavailable:
		return errors.New(said)
	}
	return fmt.Errorf("%s is no console of kong-waf: it answered %s", request.URL.Host, answer.Status)
}
