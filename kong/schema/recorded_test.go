package schema_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/schema"
)

// recordedConfig is the config of the plugin that was recorded under Kong 3.9.1.
type recordedConfig struct {
	PluginID  string            `json:"__plugin_id" kong:"-"`
	Sequence  int               `json:"__seq__" kong:"-"`
	RouteID   string            `json:"route_id" kong:"-"`
	Service   string            `json:"service_id" kong:"-"`
	Enabled   bool              `json:"enabled" doc:"Whether it does anything." default:"true"`
	Mode      string            `json:"mode" doc:"What it does, in a word." default:"block" kong:"oneof=off|block"`
	Threshold int               `json:"threshold" doc:"From where on it does so." default:"5"`
	Ratio     float64           `json:"ratio" doc:"How often it does so." default:"0.5"`
	Second    *int              `json:"second" doc:"How fast it does so." kong:"type=number"`
	Allow     []string          `json:"allow" doc:"Whom it leaves alone."`
	Secret    string            `json:"secret" doc:"What only it knows." kong:"encrypted"`
	Tags      map[string]string `json:"tags_map" doc:"What it says about it."`
	Rules     []struct {
		Path   string `json:"path" doc:"Where the rule holds."`
		Action string `json:"action" doc:"What the rule does." default:"deny"`
	} `json:"rules" doc:"Exceptions from all that."`
	Redis struct {
		Host *string `json:"host" doc:"Where Redis is found."`
		Port int     `json:"port" doc:"Where Redis listens." default:"6379"`
	} `json:"redis" doc:"Where it keeps its state."`
}

// TestAsRecorded: from what the user wrote, Complete makes what that Kong then sent, and
// Decode reads what it sent.
func TestAsRecorded(t *testing.T) {
	s, err := schema.Of("rec", recordedConfig{})
	require.NoError(t, err)
	require.Empty(t, s.Lint())
	const kong = `"__ws_id":"0dc6f45b-8f8d-40d2-a504-473544ee190b","__key__":"plugins:rec:367bdb48-b987-54a4-b618-b350391e1597::::0dc6f45b-8f8d-40d2-a504-473544ee190b","__plugin_id":"9d3ecde5-a4fc-5ac5-a00a-fb2cdad344d6","__seq__":4,"route_id":"367bdb48-b987-54a4-b618-b350391e1597"`
	rows := []struct {
		name  string
		wrote string
		sent  string
		check func(t *testing.T, c recordedConfig)
	}{
		{name: "little written", wrote: `{"second":5}`,
			sent: `"second":5,"threshold":5,"ratio":0.5,"redis":{"port":6379},"enabled":true,"mode":"block"`,
			check: func(t *testing.T, c recordedConfig) {
				require.Equal(t, 5, *c.Second)
				require.Nil(t, c.Redis.Host)
			}},
		{name: "much written", wrote: `{"allow":["10.0.0.0/8","::1"],"secret":"s3","rules":[{"path":"/x"}],"tags_map":{"a":"b"},"mode":"off","redis":{"host":"r1"}}`,
			sent: `"enabled":true,"allow":["10.0.0.0/8","::1"],"secret":"s3","rules":[{"path":"/x","action":"deny"}],"tags_map":{"a":"b"},"mode":"off","redis":{"host":"r1","port":6379},"threshold":5,"ratio":0.5`,
			check: func(t *testing.T, c recordedConfig) {
				require.Nil(t, c.Second)
				require.Equal(t, "r1", *c.Redis.Host)
				require.Equal(t, "deny", c.Rules[0].Action)
			}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			var wrote map[string]any
			require.NoError(t, json.Unmarshal([]byte(row.wrote), &wrote))
			full, errs := s.Complete(wrote)
			require.Empty(t, errs)
			got, err := json.Marshal(full)
			require.NoError(t, err)
			require.JSONEq(t, "{"+row.sent+"}", string(got))

			var c recordedConfig
			require.NoError(t, s.Decode([]byte("{"+kong+","+row.sent+"}"), &c))
			require.Equal(t, "9d3ecde5-a4fc-5ac5-a00a-fb2cdad344d6", c.PluginID)
			require.Equal(t, 4, c.Sequence)
			require.Equal(t, "367bdb48-b987-54a4-b618-b350391e1597", c.RouteID)
			require.Empty(t, c.Service)
			require.Equal(t, 6379, c.Redis.Port)
			row.check(t, c)
		})
	}
}
