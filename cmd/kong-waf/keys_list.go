package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"kongwaf/plugins"
)

const keysListHelp = `Usage: kong-waf keys list [--console ADDR] [--token-file FILE] [--data FOLDER] [--json]

Prints which keys a running server knows, from its console or from its data folder: ids, consumers,
sources, when they begin and end, when they were used last since the worker started. No key, no hash.
`

// consoleAnswers bounds what a console may answer, in bytes, and how long it may take.
const (
	consoleAnswer  = 16 << 20
	consoleTimeout = 10 * time.Second
)

func runKeysList(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	flags := newFlags("keys list", keysListHelp, stderr)
	address := flags.String("console", "http://127.0.0.1:9542", "`ADDR` of the server's console, or its URL")
	tokenFile := flags.String("token-file", "", "`FILE` with the console's token")
	data := flags.String("data", "", "`FOLDER` of data.folder, which is read instead of asking the console")
	asJSON := flags.Bool("json", false, "JSON, for machines")
	if code, stop := parse(flags, args, noOperands); stop {
		return code
	}
	listing, err := readListing(*address, *tokenFile, *data)
	if err != nil {
		fmt.Fprintf(stderr, "kong-waf keys list: %v\n", err)
		return 1
	}
	if *asJSON {
		enc := json.NewEncoder(stdout)
		enc.SetIndent("", "  ")
		_ = enc.Encode(listing)
		return 0
	}
	printListing(stdout, listing)
	return 0
}

func readListing(address, tokenFile, data string) (plugins.KeyListing, error) {
	if data != "" {
		listing, err := plugins.ReadKeyListing(data)
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%s holds no list of keys: no server writes there, or no waf-key-auth has had a request yet", data)
		}
		return listing, err
	}
	return askConsole(address, tokenFile)
}

// askConsole asks a console for its list of keys.
func askConsole(address, tokenFile string) (listing plugins.KeyListing, err error) {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	base, err := url.Parse(address)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return listing, errors.New("--console: write an address such as 127.0.0.1:9542, or a URL")
	}
	token, err := secretFile("--token-file", tokenFile)
	if err != nil {
		return listing, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), consoleTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base.JoinPath("/api/keys").String(), nil)
	if err != nil {
		return listing, err
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(request)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return listing, fmt.Errorf("nobody listens on %s: kong-waf serve is not running, or its console is elsewhere (console.listen)", base.Host)
	}
	if err != nil {
		return listing, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, consoleAnswer))
	if err != nil {
		return listing, err
	}
	if answer.StatusCode != http.StatusOK {
		return listing, fmt.Errorf("the console answers %s: %s", answer.Status, strings.TrimSpace(string(body[:min(len(body), 200)])))
	}
	if err := json.Unmarshal(body, &listing); err != nil {
		return listing, errors.New("the console's answer is no list of keys: is it an older version?")
	}
	return listing, nil
}

// printListing writes a listing as tables. Names come from configs and from Kong: control
// characters in them do not reach the terminal.
func printListing(out io.Writer, l plugins.KeyListing) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SOURCE\tKEYS\tCHECKED\tPROBLEM")
	for _, s := range l.Sources {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\n", printable(s.Name), s.Keys, clock(s.Checked), printable(s.Problem))
	}
	fmt.Fprintln(w, "\nID\tCONSUMER\tSOURCE\tVALID FROM\tEXPIRES\tSCOPED\tLAST USED")
	for _, k := range l.Keys {
		scoped := ""
		if k.Scoped {
			scoped = "yes"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", printable(k.ID), printable(k.Consumer), printable(k.Source), clock(k.NotBefore), clock(k.Expires), scoped, clock(k.Used))
	}
	_ = w.Flush()
	fmt.Fprintf(out, "\nas of %s", clock(l.Written))
	if l.More > 0 {
		fmt.Fprintf(out, "; %s not listed", count(l.More, "more key"))
	}
	fmt.Fprintln(out)
}

func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
