package kongwaf

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// rule says what the packages below a folder may not import. The longest folder that
// matches a package decides.
type rule struct {
	folder string
	// ours lists the folders of this module that may be imported; everything else of ours
	// may not.
	ours []string
	// never lists import prefixes from outside that may not be used.
	never []string
	why   string
}

var rules = []rule{
	{folder: "detect", ours: []string{"detect"}, never: forbiddenInLibrary, why: "the library knows no Kong, no network, no logger; any Go server can use it"},
	{folder: "kong", ours: []string{"kong", "detect", "internal/ownfile"}, why: "kong is handed plugins or their schemas; it never imports them"},
	{folder: "kong/wire", ours: nil, why: "frames know nothing of what is in them"},
	{folder: "kong/schema", ours: []string{"kong/schema"}, why: "a schema comes from any struct"},
	{folder: "plugins", ours: []string{"detect", "internal/ownfile", "internal/redisclient", "kong/admin", "kong/events", "kong/metrics", "kong/pluginserver", "kong/schema", "kong/wire", "plugins"}, why: "plugins are run by the server and described by schemas"},
	{folder: "plugins/iprestriction", ours: single, why: onlyGate},
	{folder: "plugins/keyauth", ours: single, why: onlyGate},
	{folder: "plugins/ratelimiting", ours: single, why: onlyGate},
	{folder: "plugins/wafdetect", ours: single, why: onlyGate},
	{folder: "plugins/internal", ours: single, why: "what plugins share knows none of them"},
	{folder: "internal", ours: []string{"internal"}, why: "below everything, and known to nobody outside"},
	{folder: "cmd", ours: []string{"detect", "internal/redisclient", "kong", "plugins", "examples"}, why: "cmd wires everything"},
}

var (
	single   = []string{"detect", "internal/ownfile", "internal/redisclient", "kong/admin", "kong/events", "kong/metrics", "kong/pluginserver", "kong/schema", "kong/wire", "plugins/internal"}
	onlyGate = "of the plugins only gate imports others"

	forbiddenInLibrary = []string{"github.com/Kong", "net/http", "log", "os", "net/url/rpc", "github.com/redis"}
)

// TestImports holds the architecture: imports run cmd -> plugins -> kong and detect, and
// detect is a library on its own. Test files may reach further; they are not shipped.
func TestImports(t *testing.T) {
	checked := 0
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || d.Name() == "bench" || strings.HasPrefix(d.Name(), ".") && file != ".") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		r := ruleFor(path.Dir(filepath.ToSlash(file)))
		if r == nil {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range parsed.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			checked++
			if reason := r.breaks(imported); reason != "" {
				t.Errorf("%s imports %s: %s (%s)", file, imported, reason, r.why)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if checked < 50 {
		t.Fatalf("only %d imports were looked at: the walk is broken", checked)
	}
}

func ruleFor(folder string) *rule {
	var longest *rule
	for i := range rules {
		if r := &rules[i]; within(folder, r.folder) && (longest == nil || len(r.folder) > len(longest.folder)) {
			longest = r
		}
	}
	return longest
}

func within(folder, parent string) bool {
	return folder == parent || strings.HasPrefix(folder, parent+"/")
}

func (r *rule) breaks(imported string) string {
	if ours, ok := strings.CutPrefix(imported, "kongwaf/"); ok {
		for _, allowed := range r.ours {
			if within(ours, allowed) {
				return ""
			}
		}
		if within(ours, r.folder) {
			return ""
		}
		return "not allowed from " + r.folder
	}
	for _, never := range r.never {
		if within(imported, never) {
			return "never allowed in " + r.folder
		}
	}
	return ""
}
