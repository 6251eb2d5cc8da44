package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"kongwaf/kong/declarative"
)

const validateHelp = `Usage: kong-waf validate FILE...

Checks deck files, each on its own, and Kubernetes manifests, all together, as Kong and the plugins would.
Prints file:line: field: what is wrong. Exit status 1 if there is an error, 0 with warnings only.
`

// runValidate checks deck files and Kubernetes manifests as they would be at run time.
func runValidate(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	flags := newFlags("validate", validateHelp, stderr)
	if code, stop := parse(flags, args, someFiles); stop {
		return code
	}
	var problems declarative.Problems
	for _, files := range configurations(flags.Args()) {
		_, found := declarative.Load(declarative.Options{Validator: newSchemas()}, files...)
		problems = append(problems, found...)
	}
	for _, p := range problems {
		fmt.Fprintln(stdout, p)
	}
	errs, warnings := len(problems.Errors()), len(problems.Warnings())
	fmt.Fprintf(stdout, "%s: %s, %s\n", count(flags.NArg(), "file"), count(errs, "error"), count(warnings, "warning"))
	if errs > 0 {
		return 1
	}
	return 0
}

// configurations groups files by what belongs together: a deck file is a configuration of
// its own, manifests refer to each other.
func configurations(files []string) [][]string {
	var groups [][]string
	var manifests []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil || bytes.Contains(text, []byte("_format_version")) {
			groups = append(groups, []string{file}) // a file that cannot be read is reported by Load
		} else {
			manifests = append(manifests, file)
		}
	}
	if len(manifests) > 0 {
		groups = append(groups, manifests)
	}
	return groups
}
