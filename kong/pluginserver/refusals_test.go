package pluginserver

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRefusals: what is told of an entity in Kong is what came of its newest config, in
// whatever order another worker's instances are compiled.
func TestRefusals(t *testing.T) {
	told := map[string]error{}
	broken := errors.New("broken")
	s, err := New(Options{
		Plugins: []Plugin{{Name: "p", Phases: []string{"access"}, New: func(config []byte) (Instance, error) { return nil, broken }}},
		Compiled: func(plugin, entity string, err error) {
			require.Equal(t, "p", plugin)
			told[entity] = err
		},
	})
	require.NoError(t, err)
	id := s.Start("p", []byte(`{"__plugin_id":"a","v":1}`))
	require.ErrorIs(t, told["a"], broken)
	require.True(t, s.Stop(id))
	require.NoError(t, told["a"], "it is used no more")

	r := refusals{newest: map[string]int32{}, tell: func(_, entity string, err error) { told[entity] = err }}
	config := []byte(`{"__plugin_id":"b"}`)
	r.compiled("p", config, 7, nil)
	r.compiled("p", config, 3, broken)
	require.NoError(t, told["b"], "an older config does not count any more")
	r.compiled("p", config, 8, broken)
	r.compiled("p", config, 7, nil)
	require.ErrorIs(t, told["b"], broken)
}
