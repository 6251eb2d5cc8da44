package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"kongwaf/detect/reputation"
	"kongwaf/kong/lists"
)

const listsHelp = `Usage: kong-waf lists [show]
       kong-waf lists add CLIENT --list deny|grey|allow [--for 24h] [--reason TEXT]
       kong-waf lists remove CLIENT

Shows and changes the lists of clients of a running server, by its console. CLIENT is an address, a range
(198.51.100.0/24), consumer:NAME or key:ID. Plugins regard the lists whose config says reputation: report or
enforce. The console's address and token are those of the settings: give the server's own --config.
`

// listsCall is one call of kong-waf lists.
type listsCall struct {
	config, console, tokenFile string
	list, span, reason         string
	json                       bool
	flags                      *flag.FlagSet
}

// runLists talks to the console of a running server.
func runLists(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	call := &listsCall{flags: newFlags("lists", listsHelp, stderr)}
	call.flags.StringVar(&call.config, "config", "", "the server's YAML `FILE` with settings")
	call.flags.StringVar(&call.console, "console", "", "`ADDR` of the console; goes before console.listen")
	call.flags.StringVar(&call.tokenFile, "token-file", "", "`FILE` with the console's token; goes before console.token_file")
	call.flags.StringVar(&call.list, "list", "", "the `LIST`: deny, grey or allow; show shows only this one")
	call.flags.StringVar(&call.span, "for", "", "how long it holds, such as 30m, 24h or 7d; for ever if not set")
	call.flags.StringVar(&call.reason, "reason", "", "why, in a `TEXT` of at most 128 bytes, for those who read it later")
	call.flags.BoolVar(&call.json, "json", false, "whether show prints JSON, an entry a line")
	if code, stop := parse(call.flags, optionsFirst(call.flags, args), operands{most: 2, what: "CLIENT"}); stop {
		return code
	}
	what, client := cmp.Or(call.flags.Arg(0), "show"), call.flags.Arg(1)
	if err := call.check(what, client); err != nil {
		fmt.Fprintf(stderr, "kong-waf lists: %v; kong-waf lists --help says more\n", err)
		return 2
	}
	if err := call.do(what, client, stdout); err != nil {
		fmt.Fprintf(stderr, "kong-waf lists: %v\n", err)
		return 1
	}
	return 0
}

// optionsFirst returns the arguments with the options before the others: package flag stops at
// the first that is none.
func optionsFirst(flags *flag.FlagSet, args []string) []string {
	var options, others []string
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		name := strings.TrimLeft(arg, "-")
		if name == arg || name == "" {
			others = append(others, arg)
			continue
		}
		options = append(options, arg)
		f := flags.Lookup(name)
		if f == nil || len(args) == 0 { // unknown, or with its value behind =
			continue
		}
		if b, ok := f.Value.(interface{ IsBoolFlag() bool }); !ok || !b.IsBoolFlag() {
			options, args = append(options, args[0]), args[1:]
		}
	}
	return append(options, others...)
}

// check refuses what the server would refuse anyway, without asking it.
func (c *listsCall) check(what, client string) error {
	switch what {
	case "show":
		if client != "" {
			return fmt.Errorf("unexpected argument %q", client)
		}
		if c.list == "" {
			return nil
		}
	case "add", "remove":
		if client == "" {
			return errors.New("CLIENT is missing")
		}
		if _, err := reputation.Parse(client); err != nil {
			return err
		}
		if what == "remove" {
			return nil
		}
		if _, err := lists.ParseSpan(c.span); err != nil {
			return fmt.Errorf("--%w", err)
		}
	default:
		return fmt.Errorf("there is no %q: write show, add or remove", what)
	}
	if _, err := reputation.ParseList(c.list); err != nil {
		return fmt.Errorf("--list: %w", err)
	}
	return nil
}

func (c *listsCall) do(what, client string, stdout io.Writer) error {
	server, err := c.server()
	if err != nil {
		return err
	}
	switch what {
	case "add":
		body, err := json.Marshal(map[string]string{"client": client, "list": c.list, "reason": c.reason, "for": c.span})
		if err != nil {
			return err
		}
		return server.ask(http.MethodPost, nil, body, nil)
	case "remove":
		return server.ask(http.MethodDelete, url.Values{"client": {client}}, nil, nil)
	}
	var answer struct {
		Entries []reputation.Entry `json:"entries"`
		Total   int                `json:"total"`
	}
	if err := server.ask(http.MethodGet, url.Values{"list": {c.list}}, nil, &answer); err != nil {
		return err
	}
	if c.json {
		out := json.NewEncoder(stdout)
		for _, e := range answer.Entries {
			if err := out.Encode(e); err != nil {
				return err
			}
		}
		return nil
	}
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "LIST\tCLIENT\tUNTIL\tBY\tNODE\tREASON")
	for _, e := range answer.Entries {
		until, by := "for ever", "rule"
		if !e.Until.IsZero() {
			until = e.Until.Format(time.RFC3339)
		}
		if e.Manual {
			by = "hand"
		}
		fmt.Fprintf(table, "%v\t%v\t%s\t%s\t%s\t%s\n", e.List, e.Client, until, by, plain(e.Node), plain(e.Reason))
	}
	if more := answer.Total - len(answer.Entries); more > 0 {
		fmt.Fprintf(table, "and %d more\n", more)
	}
	return table.Flush()
}

// consoleServer is a running server's console.
type consoleServer struct {
	url, token string
	client     *http.Client
}

// patience is how long the console may take.
const patience = 10 * time.Second

// server returns the console that the settings and options name.
func (c *listsCall) server() (*consoleServer, error) {
	set, err := loadSettings(c.config, os.Environ())
	if err != nil {
		return nil, err
	}
	address := cmp.Or(c.console, set.Console.Listen)
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("console.listen: the console of %q cannot be asked: write --console ADDR, such as 127.0.0.1:9542", address)
	}
	if addr, err := netip.ParseAddr(host); host == "" || err == nil && addr.IsUnspecified() {
		host = "127.0.0.1" // it listens on all
	}
	s := &consoleServer{url: "http://" + net.JoinHostPort(host, port) + "/api/lists", client: &http.Client{Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	transport := &http.Transport{Proxy: nil}
	if set.Console.TLSCert != "" {
		pem, err := os.ReadFile(set.Console.TLSCert)
		if err != nil {
			return nil, fmt.Errorf("console.tls_cert: %w", err)
		}
		roots, _ := x509.SystemCertPool()
		if roots == nil {
			roots = x509.NewCertPool()
		}
		roots.AppendCertsFromPEM(pem)
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
		s.url = "https" + strings.TrimPrefix(s.url, "http")
	}
	s.client.Transport = transport
	s.token, err = secretFile("console.token_file", cmp.Or(c.tokenFile, set.Console.TokenFile))
	return s, err
}

// maxAnswer bounds what is read of an answer: a full table of entries is below.
const maxAnswer = 64 << 20

// ask sends a request, and reads the answer into what is not nil.
func (s *consoleServer) ask(method string, query url.Values, body []byte, into any) error {
	r, err := http.NewRequestWithContext(context.Background(), method, s.url+"?"+query.Encode(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("X-Kong-WAF", "lists")
	r.Header.Set("Content-Type", "application/json")
	if s.token != "" {
		r.Header.Set("Authorization", "Bearer "+s.token)
	}
	answer, err := s.client.Do(r)
	if err != nil {
		return fmt.Errorf("no console there: %w: is the server running, and is this the address that console.listen says?", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1000))
		return fmt.Errorf("%s says: %s", strings.TrimSuffix(s.url, "/api/lists"), plain(cmp.Or(strings.TrimSpace(string(text)), answer.Status)))
	}
	if into == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(into); err != nil {
		return fmt.Errorf("%s: no answer of a console: %w", s.url, err)
	}
	return nil
}

// plain returns a text without what would move a terminal's cursor.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, strings.ToValidUTF8(s, "?"))
}
