// Command kong-waf is the whole product in one binary: the plugin server that Kong talks
// to, and the tools around it. Run it without arguments for the list of commands.
package main

import (
	"fmt"
	"io"
	"os"
)

// command is one subcommand. run gets the arguments after the subcommand's name and
// returns the exit status: 0 done, 1 failed, 2 called wrongly.
type command struct {
	name    string
	summary string
	run     func(args []string, stdin io.Reader, stdout, stderr io.Writer) int
}

// commands lists every subcommand in the order in which help shows them.
func commands() []command {
	return []command{
		{name: "serve", summary: "the plugin server that Kong talks to", run: runServe},
		{name: "run", summary: "the plugin server and Kong, as a container's first process", run: runRun},
		{name: "info", summary: "a plugin's schema, for Kong's query_cmd", run: runInfo},
		{name: "doctor", summary: "look at a Kong's configuration: what is wrong, why, which line to change", run: runDoctor},
		{name: "health", summary: "ask the plugin server how it is, for probes of containers", run: runHealth},
		{name: "config", summary: "print what Kong needs in its kong.conf", run: runConfig},
		{name: "lists", summary: "see and change the lists of clients of a running server", run: runLists},
		{name: "validate", summary: "check deck files and Kubernetes manifests", run: runValidate},
		{name: "scan", summary: "judge recorded traffic offline", run: runScan},
		{name: "suggest", summary: "what silences false positives, from recorded events", run: runSuggest},
		{name: "eval", summary: "measure accuracy and speed on labelled files", run: runEval},
		{name: "gateway", summary: "a stand-in for Kong, for trying out and for tests", run: runGateway},
		{name: "conformance", summary: "prove a running Kong with our plugins, a line for each behaviour", run: runConformance},
		{name: "demo", summary: "demo API, plugin server and stand-in gateway at once (make run)", run: runDemo},
		{name: "demo-attack", summary: "good and bad requests in each mode, and a table of what came of them", run: runDemoAttack},
		{name: "reference", summary: "every field of every plugin, as Markdown", run: runReference},
		{name: "keys", summary: "make, hash and check API keys; list those that a running server knows", run: runKeys},
		{name: "version", summary: "print version, commit and Go version", run: runVersion},
	}
}

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		usage(stderr)
		return 2
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		usage(stdout)
		return 0
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(args[1:], stdin, stdout, stderr)
		}
	}
	fmt.Fprintf(stderr, "kong-waf: there is no command %q; kong-waf help lists them\n", args[0])
	return 2
}

func usage(w io.Writer) {
	fmt.Fprint(w, "kong-waf: a web application and API firewall for Kong Gateway\n\nUsage: kong-waf COMMAND [options]; kong-waf COMMAND --help says more\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-11s %s\n", c.name, c.summary)
	}
}
