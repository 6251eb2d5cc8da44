package main

import (
	"fmt"
	"io"
	"log/slog"
	"strings"

	"kongwaf/kong/pluginserver"
	"kongwaf/plugins"
)

// defaultSocket is where Kong and the plugin server meet unless told otherwise.
const defaultSocket = "/run/kong-waf/kong-waf.socket"

// runInfo prints what Kong's query_cmd asks for: one plugin's name, priority and schema.
func runInfo(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	var help strings.Builder
	help.WriteString("Usage: kong-waf info [--socket PATH] NAME\n\nPrints what Kong's query_cmd asks for: a plugin's priority and schema, in JSON. NAME is one of\n")
	for _, d := range plugins.Definitions() {
		fmt.Fprintf(&help, "  %s\n", d.Name)
	}
	flags := newFlags("info", help.String(), stderr)
	socket := flags.String("socket", defaultSocket, "the socket `PATH` named in the answer")
	if code, stop := parse(flags, args, operands{least: 1, most: 1, what: "NAME"}); stop {
		return code
	}
	all := plugins.All(plugins.NewShared(slog.New(slog.DiscardHandler)))
	info, err := pluginserver.Info(all, flags.Arg(0), *socket)
	if err != nil {
		fmt.Fprintf(stderr, "kong-waf info: %v\n", err)
		return 1
	}
	fmt.Fprintf(stdout, "%s\n", info)
	return 0
}
