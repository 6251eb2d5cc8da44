package plugins_test

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/gateway"
	"kongwaf/kong/gateway/gatewaytest"
	"kongwaf/kong/pluginserver"
	"kongwaf/plugins"
)

// TestPackedVariable: with the optional nginx_proxy_set line, Kong is asked for one call
// less an event, two where the peer's address counts, and judges the same.
func TestPackedVariable(t *testing.T) {
	ahead := func(variables map[string]string) uint64 {
		server, err := gatewaytest.NewPluginServer(t.TempDir(), pluginserver.Options{Plugins: plugins.All(plugins.NewShared(slog.New(slog.DiscardHandler)))})
		require.NoError(t, err)
		defer server.Close()
		exchange := gatewaytest.Exchange{Route: "r", Plugins: []gatewaytest.PluginConfig{{Name: "gate", Config: map[string]any{
			"checks": []any{"ip-restriction", "detect"}, "ip_restriction": map[string]any{"deny": []any{"198.51.100.1"}, "address_source": "both"},
		}}}}
		stage, err := gatewaytest.NewStage([]gatewaytest.Exchange{exchange}, gateway.Options{
			Socket: server.Socket, Plugins: []gateway.PluginInfo{{Name: "waf-gate", Priority: 2400, Phases: []string{"access"}}}, Variables: variables,
		}, ours)
		require.NoError(t, err)
		defer stage.Close()
		send := func(target, client string) int {
			got, err := stage.Rig.Do(gatewaytest.Request{Method: "GET", Target: target, Headers: gatewaytest.Headers{{"Host", "x"}, {"X-Forwarded-For", client}}})
			require.NoError(t, err)
			return got.Status
		}
		require.Equal(t, 200, send("/r?q=hello", "203.0.113.9"), "learns what there is")
		before := server.Stats().ReadAhead
		require.Equal(t, 200, send("/r?q=hello", "203.0.113.9"))
		asked := server.Stats().ReadAhead - before
		require.Equal(t, 403, send("/r?q=%27+OR+1=1+--+", "203.0.113.9"))
		require.Equal(t, 403, send("/r?q=hello", "198.51.100.1"))
		return asked
	}
	require.EqualValues(t, 4, ahead(nil), "request line, headers, both addresses")
	require.EqualValues(t, 2, ahead(map[string]string{"kong_waf": "$kong_request_id $remote_addr $realip_remote_addr $request"}))
}
