package main

import (
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/plugins"
)

func TestVersion(t *testing.T) {
	system := ", " + runtime.Version() + ", " + runtime.GOOS + "/" + runtime.GOARCH + ")"
	settings := func(pairs ...string) *debug.BuildInfo {
		info := &debug.BuildInfo{}
		for i := 0; i < len(pairs); i += 2 {
			info.Settings = append(info.Settings, debug.BuildSetting{Key: pairs[i], Value: pairs[i+1]})
		}
		return info
	}
	for _, tc := range []struct {
		name string
		info *debug.BuildInfo
		want string
	}{
		{name: "a release", info: settings("GOARCH", "amd64", "vcs.revision", "c0ffee", "vcs.modified", "false"), want: " (commit c0ffee"},
		{name: "of a changed tree", info: settings("vcs.revision", "c0ffee", "vcs.modified", "true"), want: " (commit c0ffee with changes"},
		{name: "built without git", info: settings(), want: " (commit unknown"},
		{name: "no build information", want: " (commit unknown"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.Equal(t, "kong-waf "+plugins.Version+tc.want+system, versionLine(tc.info))
		})
	}
	var out strings.Builder
	require.Zero(t, run([]string{"version"}, nil, &out, nil))
	require.Contains(t, out.String(), "kong-waf "+plugins.Version+" (commit ")
}
