package kongconf

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func read(t *testing.T, text string) *Conf {
	t.Helper()
	c := new(Conf)
	require.NoError(t, c.Read("kong.conf", strings.NewReader(text)))
	return c
}

func TestRead(t *testing.T) {
	c := read(t, "# plugins = off\n\n  plugins = bundled, waf-gate ,, # why\nlog_level=info\nadmin_gui_header_txt = a \\# b # c\nempty =\nplugins = waf-gate\nnginx_proxy_set = $x \"a=b\"\n")
	require.Equal(t, Value{Text: "waf-gate", At: "kong.conf:7"}, c.Get("plugins", ""))
	require.Equal(t, []Overruled{{Key: "plugins", First: Value{"bundled, waf-gate ,,", "kong.conf:3"}, Again: Value{"waf-gate", "kong.conf:7"}}}, c.Overruled)
	require.Equal(t, []string{"bundled", "waf-gate"}, c.Overruled[0].First.List())
	require.Equal(t, "info", c.Get("log_level", "notice").Text)
	require.Equal(t, "a # b", c.Get("admin_gui_header_txt", "").Text)
	require.Equal(t, Value{At: "kong.conf:6"}, c.Get("empty", "x"), "set to nothing is set")
	require.Equal(t, `$x "a=b"`, c.Get("nginx_proxy_set", "").Text)
	require.Equal(t, Value{Text: "8k"}, c.Get("absent", "8k"))
	require.Empty(t, c.Get("absent", "").List())

	require.ErrorContains(t, new(Conf).Read("k", strings.NewReader("a = 1\nplugins waf-gate\n")), `k:2: "plugins waf-gate" is no setting`)
	require.ErrorContains(t, new(Conf).Read("k", strings.NewReader(strings.Repeat("x", maxLine+1))), "too long")
}

func TestEnviron(t *testing.T) {
	c := read(t, "plugins = bundled\nlog_level = info\n")
	c.Environ([]string{"KONG_PLUGINS=waf-gate=1", "KONG_WAF_REDIS_ADDRESS=r:1", "PATH=/bin", "KONG_"})
	require.Equal(t, Value{Text: "waf-gate=1", At: "KONG_PLUGINS"}, c.Get("plugins", ""), "goes before the file")
	require.Equal(t, "info", c.Get("log_level", "").Text)
	require.Empty(t, c.Get("waf_redis_address", "").At, "is ours, not Kong's")
	require.Empty(t, c.Overruled)
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{"8k": 8 << 10, "1M": 1 << 20, "2g": 2 << 30, "4096": 4096, "0": 0} {
		n, err := ParseSize(text)
		require.NoError(t, err, text)
		require.Equal(t, want, n, text)
	}
	for _, text := range []string{"", "k", "-1", "8kk", "8 k", "1t", "99999999999"} {
		_, err := ParseSize(text)
		require.Error(t, err, text)
	}
}

func TestOn(t *testing.T) {
	require.True(t, Value{Text: "On"}.On())
	require.False(t, Value{Text: "off"}.On())
	require.False(t, Value{}.On())
}

// FuzzRead: any text is read or refused, and what was read has a place.
func FuzzRead(f *testing.F) {
	f.Add("plugins = bundled # all\n")
	f.Add("a\\#=\\# #\n=\n")
	f.Fuzz(func(t *testing.T, text string) {
		c := new(Conf)
		if c.Read("f", strings.NewReader(text)) != nil {
			return
		}
		c.Keys(func(key string, value Value) {
			if key == "" || value.At == "" || strings.TrimSpace(value.Text) != value.Text {
				t.Fatalf("%q: %+v", key, value)
			}
		})
	})
}
