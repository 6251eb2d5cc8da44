package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"time"
	"unicode"

	"kongwaf/kong/console"
	"kongwaf/kong/declarative"
	"kongwaf/kong/doctor"
	"kongwaf/kong/kongconf"
)

const doctorHelp = `Usage: kong-waf doctor [--kong-conf FILE] [--deck FILE,...| --admin URL] [options]

Looks at a Kong's configuration and says what keeps the plugins from working, or from working well: why it
matters, and which line to change. Run it where Kong runs, as root or as Kong's user, with Kong's environment;
without a running Kong it looks at the files alone.

Exit status: 0 if all is well, 1 if there are warnings only, 2 if something fails (or the call was wrong).
`

// doctorOptions are the flags of doctor.
type doctorOptions struct {
	kongConf, prefix, user, admin, deck, config, console, format string
	behindProxy, offline                                         bool
	timeout                                                      time.Duration
}

// runDoctor examines a Kong's configuration.
func runDoctor(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	flags := newFlags("doctor", doctorHelp, stderr)
	var o doctorOptions
	flags.StringVar(&o.kongConf, "kong-conf", "", "Kong's kong.conf, a `FILE` (default /etc/kong/kong.conf if it is there); KONG_ variables go before it")
	flags.StringVar(&o.prefix, "prefix", "", "Kong's prefix, a `FOLDER`, if started with one of its own")
	flags.StringVar(&o.user, "user", "", "whom nginx's workers run as, a `NAME`, if not as kong.conf says")
	flags.StringVar(&o.deck, "deck", "", "deck files or manifests that Kong serves, `FILES` with commas")
	flags.StringVar(&o.admin, "admin", "", "`URL` of Kong's Admin API, such as http://127.0.0.1:8001: what Kong serves, and its version")
	flags.StringVar(&o.config, "config", "", "the YAML `FILE` with settings that kong-waf serve is given")
	flags.StringVar(&o.console, "console", "", "`ADDR` of the console, or off; goes before console.listen")
	flags.BoolVar(&o.behindProxy, "behind-proxy", false, "clients reach Kong through a proxy or a load balancer")
	flags.BoolVar(&o.offline, "offline", false, "look at the files alone, for a Kong on another machine")
	flags.StringVar(&o.format, "format", "text", "text or json")
	flags.DurationVar(&o.timeout, "timeout", 10*time.Second, "how long all questions to other processes may take")
	if code, stop := parse(flags, args, noOperands); stop {
		return code
	}
	switch {
	case o.format != "text" && o.format != "json":
		fmt.Fprintf(stderr, "kong-waf doctor: --format: %q is not text or json\n", o.format)
		return 2
	case o.offline && o.admin != "":
		fmt.Fprintln(stderr, "kong-waf doctor: --offline asks nobody, not --admin either: give one of them")
		return 2
	case o.deck != "" && o.admin != "":
		fmt.Fprintln(stderr, "kong-waf doctor: --deck and --admin say both what Kong serves: give one of them")
		return 2
	}
	ctx, cancel := context.WithTimeout(context.Background(), o.timeout)
	defer cancel()
	findings := doctor.Examine(ctx, o.examination(ctx, os.Environ()))
	if o.format == "json" {
		out := json.NewEncoder(stdout)
		out.SetEscapeHTML(false)
		out.SetIndent("", "  ")
		_ = out.Encode(struct {
			Worst    doctor.Status    `json:"worst"`
			Findings []doctor.Finding `json:"findings"`
		}{doctor.Worst(findings), findings})
	} else {
		printFindings(stdout, findings)
	}
	return map[doctor.Status]int{doctor.OK: 0, doctor.Warning: 1, doctor.Failure: 2}[doctor.Worst(findings)]
}

func printFindings(w io.Writer, findings []doctor.Finding) {
	counts := map[doctor.Status]int{}
	for _, f := range findings {
		counts[f.Status]++
		fmt.Fprintf(w, "%-4s  %-13s  %s\n", f.Status, f.Check, printable(f.Message))
		if f.Why != "" {
			fmt.Fprintf(w, "                     why: %s\n                     change: %s\n", printable(f.Why), printable(f.Change))
		}
	}
	fmt.Fprintf(w, "%d ok, %d not looked at, %s, %s\n", counts[doctor.OK], counts[doctor.Skipped], count(counts[doctor.Warning], "warning"), count(counts[doctor.Failure], "failure"))
}

// printable returns a text without what a terminal would obey: a file may be somebody else's.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '?'
		}
		return r
	}, text)
}

// examination gathers what there is to look at.
func (o doctorOptions) examination(ctx context.Context, environ []string) doctor.Options {
	e := doctor.Options{
		Environ: environ, Plugins: newSchemas().Names(), Prefix: o.prefix, User: o.user, BehindProxy: o.behindProxy, Offline: o.offline,
		Serves: whoServes, Dial: dial, MountInfo: mountInfo,
	}
	e.Self, _ = os.Executable()
	e.Conf, e.ConfErr = o.readConf(environ)
	switch {
	case o.admin != "":
		served, err := doctor.AskAdmin(ctx, adminClient(o.admin), o.admin)
		e.AskedAdmin, e.AdminErr, e.Version, e.VersionAt = true, err, served.Version, o.admin
		if err == nil {
			source := declarative.Source{Name: "Admin API", Data: served.Deck}
			noVariables := func(string) (string, bool) { return "", false }
			e.Config, e.Problems = declarative.Parse(declarative.Options{Validator: newSchemas(), Env: noVariables}, source)
		}
	case o.deck != "":
		e.Config, e.Problems = declarative.Load(declarative.Options{Validator: newSchemas()}, strings.Split(o.deck, ",")...)
	}
	if e.Version == "" && !o.offline {
		e.Version, e.VersionAt = kongVersion(ctx), "kong version"
	}
	set, err := loadSettings(o.config, environ)
	if o.console != "" {
		set.Console.Listen = o.console
	}
	if err == nil {
		err = set.Console.validate()
	}
	e.Settings = func() (map[string]string, error) { return set.files(), err }
	if err == nil {
		e.Console = func(ctx context.Context) error {
			err := set.Console.askHealth(ctx)
			if errors.Is(err, errNoConsole) {
				return doctor.ErrOff
			}
			return err
		}
		e.Redis = set.Redis.ask
	}
	return e
}

// readConf reads kong.conf and the environment. A file that nobody named need not be there.
func (o doctorOptions) readConf(environ []string) (*kongconf.Conf, error) {
	name := o.kongConf
	if name == "" {
		name = "/etc/kong/kong.conf"
	}
	c := new(kongconf.Conf)
	f, err := os.Open(name)
	if err == nil {
		err = c.Read(name, f)
		f.Close()
	} else if o.kongConf == "" && errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	c.Environ(environ)
	return c, err
}

// files returns the files that settings name, by setting.
func (s *settings) files() map[string]string {
	found := map[string]string{}
	all := reflect.ValueOf(s).Elem()
	for section, in := range all.Fields() {
		for field, value := range in.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if (strings.HasSuffix(name, "_file") || strings.HasPrefix(name, "tls_")) && value.Kind() == reflect.String && value.String() != "" {
				found[section.Tag.Get("json")+"."+name] = value.String()
			}
		}
	}
	return found
}

// ask returns nil if Redis answers.
func (r *redisSettings) ask(ctx context.Context) error {
	if r.Address == "" {
		return doctor.ErrOff
	}
	client, err := r.client()
	if err != nil {
		return err
	}
	defer client.Close()
	return client.Ping(ctx).Err()
}

func whoServes(ctx context.Context, socket string) (s doctor.Server, err error) {
	if s.Names, err = askServer(ctx, socket, anybody); err != nil {
		return s, err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		return s, err
	}
	defer conn.Close()
	s.PID, s.UID, err = listenerOf(conn)
	return s, err
}

func dial(ctx context.Context, address string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}

func mountInfo() (string, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	return string(text), err
}

// adminClient asks no proxy and follows no redirect: the Admin API is at hand. On this machine
// its certificate is one that Kong made for itself.
func adminClient(address string) *http.Client {
	transport := &http.Transport{Proxy: nil, DisableKeepAlives: true}
	if u, err := url.Parse(address); err == nil && console.IsLocal(net.JoinHostPort(u.Hostname(), "0")) {
		transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// kongVersion asks the kong in PATH, "" if there is none.
func kongVersion(ctx context.Context) string {
	program, err := exec.LookPath("kong")
	if err != nil {
		return ""
	}
	command := exec.CommandContext(ctx, program, "version")
	command.WaitDelay = time.Second
	out, err := command.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
