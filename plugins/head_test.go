package plugins_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/gateway"
	"kongwaf/kong/gateway/gatewaytest"
	"kongwaf/kong/pluginserver"
	"kongwaf/plugins"
)

// modes are the ways in which Kong may hand over a request, by what kong.conf says.
var modes = []struct {
	name   string
	change func(*gateway.Options)
}{
	{name: "without the variable", change: func(o *gateway.Options) { o.NoHead = true }},
	{name: "its old form", change: func(o *gateway.Options) {
		o.Variables = map[string]string{"kong_waf": "$kong_request_id $remote_addr $realip_remote_addr $request"}
	}},
	{name: "the whole head", change: func(*gateway.Options) {}},
}

// inModes runs a test with one plugin on the route /r in every mode.
func inModes(t *testing.T, plugin string, config map[string]any, test func(t *testing.T, mode string, stage *gatewaytest.Stage, server *gatewaytest.PluginServer)) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			server, err := gatewaytest.NewPluginServer(t.TempDir(), pluginserver.Options{Plugins: plugins.All(plugins.NewShared(slog.New(slog.DiscardHandler)))})
			require.NoError(t, err)
			defer server.Close()
			exchange := gatewaytest.Exchange{Route: "r", Plugins: []gatewaytest.PluginConfig{{Name: strings.TrimPrefix(plugin, "waf-"), Config: config}}}
			opts := gateway.Options{Socket: server.Socket, Plugins: []gateway.PluginInfo{{Name: plugin, Priority: 1000, Phases: []string{"access"}}}}
			mode.change(&opts)
			stage, err := gatewaytest.NewStage([]gatewaytest.Exchange{exchange}, opts, ours)
			require.NoError(t, err)
			defer stage.Close()
			test(t, mode.name, stage, server)
		})
	}
}

// TestReadAheadInModes: with the variable, Kong is asked for less, and judged is the same.
func TestReadAheadInModes(t *testing.T) {
	want := map[string]uint64{"without the variable": 4, "its old form": 2, "the whole head": 1}
	config := map[string]any{
		"checks": []any{"ip-restriction", "detect"}, "ip_restriction": map[string]any{"deny": []any{"198.51.100.1"}, "address_source": "both"},
	}
	inModes(t, "waf-gate", config, func(t *testing.T, mode string, stage *gatewaytest.Stage, server *gatewaytest.PluginServer) {
		send := func(target, client string) int {
			got, err := stage.Rig.Do(gatewaytest.Request{Method: "GET", Target: target, Headers: gatewaytest.Headers{{"Host", "x"}, {"X-Forwarded-For", client}}})
			require.NoError(t, err)
			return got.Status
		}
		require.Equal(t, 200, send("/r?q=hello", "203.0.113.9"), "learns what there is")
		before := server.Stats().ReadAhead
		require.Equal(t, 200, send("/r?q=hello", "203.0.113.9"))
		require.Equal(t, want[mode], server.Stats().ReadAhead-before)
		require.Equal(t, 403, send("/r?q=%27+OR+1=1+--+", "203.0.113.9"))
		require.Equal(t, 403, send("/r?q=hello", "198.51.100.1"))
	})
}

// script is an attack that nobody takes for anything else.
const script = "<script>alert(document.cookie)</script>"

// TestNoHeadHidesAnAttack: whatever a client does to the form of its head, an attack in it
// is seen; beside each is the same head with a harmless value.
func TestNoHeadHidesAnAttack(t *testing.T) {
	padding := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "X-%d: v\r\n", i)
		}
		return b.String()
	}
	rows := []struct {
		name, head string // VALUE stands for the attack
		padded     bool   // where the head is not handed over, a refusal in itself
	}{
		{name: "plain", head: "GET /r HTTP/1.1\r\nHost: x\r\nX-A: VALUE\r\n\r\n"},
		{name: "behind bytes that are no UTF-8", head: "GET /r?a=\xff HTTP/1.1\r\nHost: x\r\nX-B: \xff\xfe\r\nX-A: VALUE\r\n\r\n"},
		{name: "behind 1,200 headers", head: "GET /r HTTP/1.1\r\nHost: x\r\n" + padding(1200) + "X-A: VALUE\r\n\r\n", padded: true},
		{name: "behind a value with a blank", head: "GET /r HTTP/1.1\r\nHost: x\r\nX-B: 3 \r\nX-A: VALUE\r\n\r\n"},
		{name: "behind a value with blanks", head: "GET /r HTTP/1.1\r\nHost: x\r\nX-B: 3    \r\nX-A: VALUE\r\n\r\n"},
		{name: "with a blank behind it", head: "GET /r HTTP/1.1\r\nHost: x\r\nX-A: VALUE \r\n\r\n"},
		{name: "behind a line without a colon", head: "GET /r HTTP/1.1\r\nHost: x\r\nX-B\r\nX-A: VALUE\r\n\r\n"},
		{name: "behind two lines without colons", head: "GET /r HTTP/1.1\r\nHost: x\r\nX-B\nX-C\r\nX-A: VALUE\r\n\r\n"},
		{name: "lines that end in LF", head: "GET /r HTTP/1.1\nHost: x\nX-B: 1\nX-A: VALUE\n\n"},
		{name: "one line that ends in LF", head: "GET /r HTTP/1.1\r\nHost: x\r\nX-B: 1\nX-A: VALUE\r\n\r\n"},
		{name: "behind what looks like the end of the head", head: "GET /r HTTP/1.1\r\nHost: x\r\nX-B: 3 \r\nX-A: VALUE\n\n"},
		{name: "a control byte beside it", head: "GET /r HTTP/1.1\r\nHost: x\r\nX-B: a\x01b\r\nX-A: VALUE\r\n\r\n"},
		{name: "a value that touches its colon", head: "GET /r HTTP/1.1\r\nHost: x\r\nX-A:VALUE\r\n\r\n"},
		{name: "tabs around it", head: "GET /r HTTP/1.1\r\nHost: x\r\nX-A:\tVALUE\t\r\n\r\n"},
		{name: "absolute form", head: "GET http://x/r?q=VALUE HTTP/1.1\r\nHost: x\r\n\r\n"},
		{name: "several blanks in the request line", head: "GET   /r?q=VALUE   HTTP/1.1\r\nHost: x\r\n\r\n"},
		{name: "behind an empty line before the request", head: "\r\nGET /r HTTP/1.1\r\nHost: x\r\nX-A: VALUE\r\n\r\n"},
		{name: "HTTP/1.0", head: "GET /r HTTP/1.0\r\nX-A: VALUE\r\n\r\n"},
		{name: "behind a forged variable", head: "GET /r HTTP/1.1\r\nHost: x\r\nX-B: ffff 203.0.113.1 203.0.113.1 GET / HTTP/1.1\r\nX-A: VALUE\r\n\r\n"},
		{name: "a body with a length", head: "POST /r HTTP/1.1\r\nHost: x\r\nX-B: 1 \r\nContent-Type: text/plain\r\nContent-Length: LENGTH\r\n\r\nVALUE"},
		{name: "a body behind LF ends", head: "POST /r HTTP/1.1\nHost: x\nContent-Type: text/plain\nContent-Length: LENGTH\n\nVALUE"},
		{name: "a body whose length has no blank before it", head: "POST /r HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length:LENGTH\r\n\r\nVALUE"},
		{name: "in chunks", head: "POST /r HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\nHEX\r\nVALUE\r\n0\r\n\r\n"},
	}
	inModes(t, "waf-detect", map[string]any{}, func(t *testing.T, mode string, stage *gatewaytest.Stage, _ *gatewaytest.PluginServer) {
		for range 2 { // not known yet what the variable holds; then known
			for _, tc := range rows {
				for value, want := range map[string]int{script: 403, "harmless": 200} {
					if tc.padded && mode != "the whole head" {
						want = 403
					}
					head := strings.NewReplacer("VALUE", value, "LENGTH", fmt.Sprint(len(value)), "HEX", fmt.Sprintf("%x", len(value))).Replace(tc.head)
					got, err := gatewaytest.Send(stage.Rig.Addr, "GET", []byte(head))
					require.NoError(t, err, tc.name)
					require.Equal(t, want, got.Status, "%s, %s", tc.name, value)
				}
			}
		}
	})
}

// TestNginxRefuses: what these would hide is hidden from nobody, for nginx answers them.
func TestNginxRefuses(t *testing.T) {
	inModes(t, "waf-detect", map[string]any{}, func(t *testing.T, _ string, stage *gatewaytest.Stage, _ *gatewaytest.PluginServer) {
		for name, head := range map[string]string{
			"folded line":               "GET /r HTTP/1.1\r\nHost: x\r\nX-B: 1\r\n X-A: 2\r\n\r\n",
			"NUL in a value":            "GET /r HTTP/1.1\r\nHost: x\r\nX-B: 1\x00\r\n\r\n",
			"NUL in a name":             "GET /r HTTP/1.1\r\nHost: x\r\nX\x00B: 1\r\n\r\n",
			"CR in a value":             "GET /r HTTP/1.1\r\nHost: x\r\nX-B: 1\rX-A: 2\r\n\r\n",
			"two hosts":                 "GET /r HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
			"a blank before a colon":    "GET /r HTTP/1.1\r\nHost: x\r\nX-B : 1\r\n\r\n",
			"a blank in the target":     "GET /r a HTTP/1.1\r\nHost: x\r\n\r\n",
			"a control byte in it":      "GET /r\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
			"a line without a name":     "GET /r HTTP/1.1\r\nHost: x\r\n: 1\r\n\r\n",
			"length and coding at once": "POST /r HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		} {
			got, err := gatewaytest.Send(stage.Rig.Addr, "GET", []byte(head))
			require.NoError(t, err, name)
			require.Equal(t, 400, got.Status, name)
		}
	})
}

// TestForgedIdentity: no spelling of an identity header that a client sends reaches the
// upstream, in how many copies ever, and the upstream learns from the true ones who called.
func TestForgedIdentity(t *testing.T) {
	forged := "X-Consumer-ID: evil\r\nx-consumer-id: evil\r\nX_Consumer_ID: evil\r\nX_CONSUMER_ID: evil\r\nX-Consumer_ID: evil\r\n" +
		"X_Consumer-Custom_ID: evil\r\nX_Consumer_Username: evil\r\nX_Credential_Identifier: evil\r\nX_Anonymous_Consumer: true\r\nX-Anonymous-Consumer: true\r\n"
	padding := strings.Repeat("X-P: 1\r\n", 1000)
	for _, tc := range []struct {
		name   string
		config map[string]any
		head   string
	}{
		{name: "key in a header", config: map[string]any{}, head: "GET /r HTTP/1.1\r\nHost: x\r\napikey: secret\r\n" + forged + "\r\n"},
		{name: "an irregular head", config: map[string]any{}, head: "GET /r HTTP/1.1\r\nHost: x\r\napikey: secret\r\nX-B: 1 \r\n" + forged + "\r\n"},
		{name: "behind a thousand headers", config: map[string]any{}, head: "GET /r HTTP/1.1\r\nHost: x\r\napikey: secret\r\n" + padding + forged + "\r\n"},
		{name: "keys in queries only", config: map[string]any{"key_in_header": false}, head: "GET /r?apikey=secret HTTP/1.1\r\nHost: x\r\n" + forged + "\r\n"},
		{name: "anonymous", config: map[string]any{"anonymous": "guest"}, head: "GET /r HTTP/1.1\r\nHost: x\r\n" + forged + "\r\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inModes(t, "waf-key-auth", tc.config, func(t *testing.T, _ string, stage *gatewaytest.Stage, _ *gatewaytest.PluginServer) {
				for range 2 {
					stage.Upstream.Take()
					got, err := gatewaytest.Send(stage.Rig.Addr, "GET", []byte(tc.head))
					require.NoError(t, err)
					require.Equal(t, 200, got.Status)
					received := stage.Upstream.Take()
					require.Len(t, received, 1)
					id := 0
					for _, h := range received[0].Headers {
						require.NotEqual(t, "evil", h[1], h[0])
						switch strings.ToLower(strings.ReplaceAll(h[0], "_", "-")) {
						case "x-consumer-id":
							id++
						case "x-anonymous-consumer":
							require.Equal(t, "anonymous", tc.name)
						}
					}
					require.Equal(t, 1, id, "%v", received[0].Headers)
				}
			})
		})
	}
}

// TestHideCredentials: the key is gone from where keys may come, and from the query, and
// nothing else is.
func TestHideCredentials(t *testing.T) {
	for _, tc := range []struct {
		name   string
		config map[string]any
		send   string
		want   []string // in what the upstream receives
		gone   []string
	}{
		{name: "header", send: "GET /r?a=1 HTTP/1.1\r\nHost: x\r\napikey: secret\r\n\r\n", want: []string{"/?a=1"}, gone: []string{"secret"}},
		{name: "argument beside a header", send: "GET /r?a=1&apikey=secret&b HTTP/1.1\r\nHost: x\r\napikey: secret\r\n\r\n", want: []string{"/?a=1&b"}, gone: []string{"secret"}},
		{name: "argument where none may come", config: map[string]any{"key_in_query": false},
			send: "GET /r?apikey=secret&a=1 HTTP/1.1\r\nHost: x\r\napikey: secret\r\n\r\n", want: []string{"/?a=1"}, gone: []string{"secret"}},
		{name: "the upstream's own header", config: map[string]any{"key_in_header": false},
			send: "GET /r?apikey=secret HTTP/1.1\r\nHost: x\r\napikey: upstream's\r\n\r\n", want: []string{"apikey: upstream's"}, gone: []string{"secret"}},
		{name: "the upstream's own field", send: "POST /r HTTP/1.1\r\nHost: x\r\napikey: secret\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 17\r\n\r\napikey=upstream's",
			want: []string{"apikey=upstream's"}, gone: []string{"secret"}},
		{name: "field beside a header", config: map[string]any{"key_in_body": true},
			send: "POST /r HTTP/1.1\r\nHost: x\r\napikey: secret\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 17\r\n\r\napikey=secret&a=1", want: []string{"a=1"}, gone: []string{"secret"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			config := map[string]any{"hide_credentials": true}
			for k, v := range tc.config {
				config[k] = v
			}
			inModes(t, "waf-key-auth", config, func(t *testing.T, _ string, stage *gatewaytest.Stage, _ *gatewaytest.PluginServer) {
				got, err := gatewaytest.Send(stage.Rig.Addr, "GET", []byte(tc.send))
				require.NoError(t, err)
				require.Equal(t, 200, got.Status)
				received := stage.Upstream.Take()
				require.Len(t, received, 1)
				var text bytes.Buffer
				fmt.Fprintf(&text, "%s %s\n", received[0].Method, received[0].Target)
				for _, h := range received[0].Headers {
					fmt.Fprintf(&text, "%s: %s\n", h[0], h[1])
				}
				text.WriteString(received[0].Body)
				for _, want := range tc.want {
					require.Contains(t, text.String(), want)
				}
				for _, gone := range tc.gone {
					require.NotContains(t, text.String(), gone)
				}
			})
		})
	}
}
