package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"kongwaf/kong/kongconf"
	"kongwaf/plugins"
)

const configHelp = `Usage: kong-waf config kong.conf [--format conf|env|helm|compose] [options]

Prints the settings that Kong needs for its plugin server: as a fragment of kong.conf, as a file for
docker run --env-file, as env of the Helm chart's values, or as environment of a compose file.
`

// defaultBinary is where Kong finds kong-waf unless told otherwise.
const defaultBinary = "/usr/local/bin/kong-waf"

// runConfig prints what goes into another program's configuration.
func runConfig(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	f, flags := defaultFragment(), newFlags("config", configHelp, stderr)
	format := flags.String("format", "conf", "conf, env, helm or compose")
	list := flags.String("plugins", strings.Join(f.Plugins, ","), "the `LIST` of plugins that Kong loads, with commas")
	flags.StringVar(&f.Socket, "socket", f.Socket, "`PATH` of the socket that kong-waf serve listens on")
	flags.StringVar(&f.Binary, "binary", f.Binary, "`PATH` of kong-waf, as Kong sees it")
	flags.BoolVar(&f.StartCmd, "start-cmd", false, "let Kong start the server: for trials without a database")
	flags.StringVar(&f.BodyBuffer, "body-buffer", "", "`SIZE` of bodies that nginx holds in memory, such as 64k; Kong's own is 8k")
	flags.StringVar(&f.Head, "head", f.Head, "how Kong hands over a request's head: raw, as the client sent it; short, the request line; off")
	// The operand may stand before the options.
	if len(args) > 1 && !strings.HasPrefix(args[0], "-") && strings.HasPrefix(args[1], "-") {
		args = append(slices.Clone(args[1:]), args[0])
	}
	if code, stop := parse(flags, args, operands{least: 1, most: 1, what: "kong.conf"}); stop {
		return code
	}
	if flags.Arg(0) != "kong.conf" {
		fmt.Fprintf(stderr, "kong-waf config: there is no %q to print; write kong-waf config kong.conf\n", flags.Arg(0))
		return 2
	}
	f.Plugins = nil
	for name := range strings.SplitSeq(*list, ",") {
		name = strings.TrimSpace(name)
		if known := newSchemas().Names(); !slices.Contains(known, name) {
			fmt.Fprintf(stderr, "kong-waf config: plugins: there is no plugin %q; there are %s\n", name, strings.Join(known, ", "))
			return 2
		}
		f.Plugins = append(f.Plugins, name)
	}
	err := f.Validate()
	if err == nil {
		var text string
		if text, err = f.Write(*format); err == nil {
			fmt.Fprint(stdout, text)
			return 0
		}
	}
	for _, err := range each(err) {
		fmt.Fprintf(stderr, "kong-waf config: %v\n", err)
	}
	return 2
}

// defaultFragment is kong/conf/kong.conf.
func defaultFragment() *kongconf.Fragment {
	f := &kongconf.Fragment{Socket: defaultSocket, Binary: defaultBinary, Head: "raw"}
	for _, d := range plugins.Definitions() {
		f.Plugins = append(f.Plugins, d.Name)
	}
	return f
}
