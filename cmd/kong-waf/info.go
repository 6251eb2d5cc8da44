package main

import (
	"flag"
	"fmt"
	"io"
	"log/slog"

	"kongwaf/kong/pluginserver"
	"kongwaf/plugins"
)

// defaultSocket is where Kong and the plugin server meet unless told otherwise.
const defaultSocket = "/run/kong-waf/kong-waf.socket"

// runInfo prints what Kong's query_cmd asks for: one plugin's name, priority and schema.
func runInfo(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("info", flag.ContinueOnError)
	flags.SetOutput(stderr)
	socket := flags.String("socket", defaultSocket, "the socket named in the answer")
	flags.Usage = func() {
		fmt.Fprintf(stderr, "Usage: kong-waf info NAME\n\nPrints the plugin-info JSON that Kong's query_cmd wants for one plugin:\n")
		for _, d := range plugins.Definitions() {
			fmt.Fprintf(stderr, "  %s\n", d.Name)
		}
		flags.PrintDefaults()
	}
	if code, stop := parse(flags, args); stop {
		return code
	}
	if flags.NArg() != 1 {
		flags.Usage()
		return 2
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
