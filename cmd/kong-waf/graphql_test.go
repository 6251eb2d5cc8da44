package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGraphQLThroughTheGateway: a request that asks for too much is refused on its way, and
// the event says by how much.
func TestGraphQLThroughTheGateway(t *testing.T) {
	s := newSystem(t, deckWith(`
          - name: waf-detect
            config: {graphql: {paths: [/r], max_depth: 2, max_cost: 100}}
`))
	post := func(body string) int {
		return s.send(t, "POST", "/r/graphql", body, "Content-Type", "application/json").Status
	}
	require.Equal(t, 200, post(`{"query":"query($n:Int){a(first:$n){b}}","variables":{"n":10}}`))
	require.Equal(t, 403, post(`{"query":"query($n:Int){a(first:$n){b}}","variables":{"n":100}}`))
	e := s.events.take(t, 1)[0]
	require.Equal(t, []string{"graphql"}, e.Classes)
	require.Equal(t, []string{"body.graphql"}, e.Places)
	require.Equal(t, "cost 101, limit 100", e.Evidence)
	require.Equal(t, 403, post(`{"query":"{a{b{c}}}"}`))
	require.Equal(t, "depth 3, limit 2", s.events.take(t, 1)[0].Evidence)
}
