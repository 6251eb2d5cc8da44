package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"kongwaf/plugins"
)

const versionHelp = "Usage: kong-waf version\n\nPrints the version, the commit it was built from, and the Go version.\n"

func runVersion(args []string, _ io.Reader, stdout, stderr io.Writer) int {
	if code, stop := parse(newFlags("version", versionHelp, stderr), args, noOperands); stop {
		return code
	}
	info, _ := debug.ReadBuildInfo()
	fmt.Fprintln(stdout, versionLine(info))
	return 0
}

// versionLine says what somebody who reports a fault is asked for. info is nil in a binary
// without modules.
func versionLine(info *debug.BuildInfo) string {
	commit, dirty := "unknown", ""
	if info != nil {
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				commit = s.Value
			case "vcs.modified":
				if s.Value == "true" {
					dirty = " with changes"
				}
			}
		}
	}
	return fmt.Sprintf("kong-waf %s (commit %s%s, %s, %s/%s)", plugins.Version, commit, dirty, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
