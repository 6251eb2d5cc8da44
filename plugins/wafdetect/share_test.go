package wafdetect

import (
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"kongwaf/kong/wire"
	"kongwaf/plugins/internal/check"
	"kongwaf/plugins/internal/kongtest"
	"kongwaf/plugins/internal/raw"
)

// sharedBy returns what a config puts into kong.ctx.shared.waf for a request line, by the frame
// that Kong gets; nil if it puts nothing there.
func sharedBy(t *testing.T, config, line string) map[string]any {
	t.Helper()
	kong := &kongtest.Kong{Answer: func(c wire.Call) []byte {
		if c.Method == "kong.nginx.get_var" && string(c.Args) == string(raw.String("request")) {
			return raw.String(line)
		}
		return nil
	}}
	i := Definition().Constructor(check.NewShared(slog.New(slog.DiscardHandler)))().(*check.Instance)
	require.NoError(t, i.UnmarshalJSON([]byte(config)))
	i.Access(kong.PDK())
	args, ok := kong.Args("kong.ctx.shared.set")
	if !ok {
		return nil
	}
	pair := &kong_plugin_protocol.KV{} // go-pdk's own message: what Kong decodes
	require.NoError(t, proto.Unmarshal(args, pair))
	require.Equal(t, "waf", pair.K)
	return pair.V.GetStructValue().AsMap()
}

// TestShareVerdict: Kong's log plugins find the verdict under the keys that the documentation
// names, in each of its examples too.
func TestShareVerdict(t *testing.T) {
	const attack = "GET /a?q=%27%20OR%201=1%20--%20 HTTP/1.1"
	got := sharedBy(t, `{"share_verdict":true,"application":"shop"}`, attack)
	require.Greater(t, got["score"], 0.7)
	delete(got, "score")
	require.Equal(t, map[string]any{"verdict": "blocked", "check": "detect", "reason": "attack", "application": "shop", "class": "sqli", "place": "query.q"}, got)
	require.Equal(t, "reported", sharedBy(t, `{"share_verdict":true,"mode":"monitoring"}`, attack)["verdict"])
	require.Equal(t, "excepted", sharedBy(t, `{"share_verdict":true,"exceptions":[{"place":"query.q"}]}`, attack)["verdict"])
	require.Equal(t, "passed", sharedBy(t, `{"share_verdict":true}`, "GET /a HTTP/1.1")["verdict"])
	require.Nil(t, sharedBy(t, `{}`, attack), "only where it is asked for")

	keys := append(slices.Collect(maps.Keys(got)), "score")
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "events.md"))
	require.NoError(t, err)
	named := regexp.MustCompile(`kong\.ctx\.shared\.waf\.(\w+)`).FindAllStringSubmatch(string(page), -1)
	require.NotEmpty(t, named)
	for _, m := range named {
		require.Contains(t, keys, m[1], "docs/events.md uses a key that nobody sets")
	}
	for _, key := range keys {
		require.Contains(t, string(page), "`"+key+"`", "docs/events.md does not name a key")
	}
}
