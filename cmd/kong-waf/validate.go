package main

import (
	"flag"
	"fmt"
	"io"

	"kongwaf/kong/declarative"
)

// runValidate checks deck files and Kubernetes manifests as they would be at run time.
func runValidate(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("validate", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintf(stderr, "Usage: kong-waf validate FILE...\n\nChecks deck files and Kubernetes manifests, all together, as Kong and the plugins would.\nPrints file:line: field: what is wrong. Exit status 1 if there is an error, 0 with warnings only.\n")
	}
	if code, stop := parse(flags, args); stop {
		return code
	}
	if flags.NArg() == 0 {
		flags.Usage()
		return 2
	}
	_, problems := declarative.Load(declarative.Options{Validator: newSchemas()}, flags.Args()...)
	for _, p := range problems {
		fmt.Fprintln(stdout, p)
	}
	errs, warnings := len(problems.Errors()), len(problems.Warnings())
	fmt.Fprintf(stdout, "%d files: %d errors, %d warnings\n", flags.NArg(), errs, warnings)
	if errs > 0 {
		return 1
	}
	return 0
}
