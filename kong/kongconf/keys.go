package kongconf

import (
	_ "embed"
	"slices"
	"strings"
)

//go:embed keys.txt
var keysText string

// names returns the settings that Kong documents, and what the names of families begin with.
func names() (exact, families []string) {
	for line := range strings.Lines(keysText) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if family, ok := strings.CutSuffix(line, "*"); ok {
			families = append(families, family)
		} else {
			exact = append(exact, line)
		}
	}
	return exact, families
}

// Known reports whether Kong 3.9 has a setting of that name. Those that pass a directive on
// to nginx, and those of plugin servers, may have any ending.
func Known(key string) bool {
	exact, families := names()
	return slices.Contains(exact, key) ||
		slices.ContainsFunc(families, func(f string) bool { return strings.HasPrefix(key, f) && key != f })
}

// Names returns the settings that have no family.
func Names() []string {
	exact, _ := names()
	return exact
}
