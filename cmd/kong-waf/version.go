package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"kongwaf/plugins"
)

func runVersion(_ []string, _ io.Reader, stdout, _ io.Writer) int {
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
