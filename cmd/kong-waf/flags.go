package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// newFlags returns the flag set of a command. help is what --help prints before the options.
func newFlags(name, help string, out io.Writer) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(out)
	flags.Usage = func() {
		fmt.Fprint(out, help)
		printOptions(out, flags)
	}
	return flags
}

// printOptions writes an option a line, as it is typed, with its default.
func printOptions(out io.Writer, flags *flag.FlagSet) {
	title := "\nOptions:\n"
	flags.VisitAll(func(f *flag.Flag) {
		argument, usage := flag.UnquoteUsage(f)
		name := strings.TrimSpace("--" + f.Name + " " + argument)
		fmt.Fprintf(out, "%s  %-27s %s", title, name, usage)
		if f.DefValue != "" && f.DefValue != "0" && f.DefValue != "false" {
			fmt.Fprintf(out, " (default %s)", f.DefValue)
		}
		fmt.Fprintln(out)
		title = ""
	})
}

// operands is how many arguments a command takes behind its options.
type operands struct {
	least, most int
	what        string // what they are
}

var (
	noOperands = operands{}
	anyFiles   = operands{most: 1 << 20, what: "FILE..."}
	someFiles  = operands{least: 1, most: 1 << 20, what: "FILE..."}
)

// parse parses a command's arguments and tells whether the command is over, and with what
// exit status: asking for help is no failure. What is wrong is said in a line.
func parse(flags *flag.FlagSet, args []string, want operands) (code int, stop bool) {
	out, help := flags.Output(), flags.Usage
	flags.SetOutput(io.Discard) // package flag would print the whole help behind each error
	flags.Usage = func() {}
	err := flags.Parse(args)
	flags.SetOutput(out)
	flags.Usage = help
	switch {
	case errors.Is(err, flag.ErrHelp):
		help()
		return 0, true
	case err != nil:
		err = errors.New(strings.NewReplacer(
			"flag provided but not defined: -", "there is no option --",
			"flag needs an argument: -", "a value is missing behind --",
			"for flag -", "for --").Replace(err.Error()))
	case flags.NArg() < want.least:
		err = fmt.Errorf("%s is missing", want.what)
	case flags.NArg() > want.most:
		err = fmt.Errorf("unexpected argument %q", flags.Arg(want.most))
	default:
		return 0, false
	}
	fmt.Fprintf(out, "kong-waf %s: %v; kong-waf %s --help says more\n", flags.Name(), err, flags.Name())
	return 2, true
}

// count says how many: 1 error, 2 errors.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
