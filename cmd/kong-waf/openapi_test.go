package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/declarative"
)

// TestOpenAPIThroughTheGateway: what a description in a file does not allow is refused on its
// way, behind a route that strips its path.
func TestOpenAPIThroughTheGateway(t *testing.T) {
	file, err := filepath.Abs(filepath.Join(examples, "openapi", "shop.yaml"))
	require.NoError(t, err)
	s := newSystem(t, deckWith(`
          - name: waf-detect
            config: {openapi: {spec: "`+filepath.ToSlash(file)+`", base_path: /r}}
`))
	require.Equal(t, 200, s.get(t, "/r/orders?limit=10").Status)
	require.Equal(t, 403, s.get(t, "/r/orders?limit=1000").Status)
	e := s.events.take(t, 1)[0]
	require.Equal(t, []string{"schema"}, e.Classes)
	require.Equal(t, []string{"query.limit"}, e.Places)
	require.Equal(t, "number must be at most 100", e.Evidence)
	require.Equal(t, "schema_violated", e.Reason)
	require.Empty(t, e.Raw)
	post := func(body string) int {
		return s.send(t, "POST", "/r/orders", body, "Content-Type", "application/json").Status
	}
	require.Equal(t, 200, post(`{"item":"book","count":2}`))
	require.Equal(t, 403, post(`{"item":"book","count":2,"price":0}`))
}

// TestValidateCompilesDescriptions: a description that does not compile is an error in the
// line of the config that names it.
func TestValidateCompilesDescriptions(t *testing.T) {
	file := filepath.Join(t.TempDir(), "api.yaml")
	text, err := os.ReadFile(filepath.Join(examples, "openapi", "shop.yaml"))
	require.NoError(t, err)
	check := func(description string) string {
		require.NoError(t, os.WriteFile(file, []byte(description), 0o600))
		deck := strings.ReplaceAll(deckWith(`
          - name: waf-detect
            config: {openapi: {spec: "`+filepath.ToSlash(file)+`"}}
`), "${upstream}", "http://127.0.0.1:9080")
		_, problems := declarative.Parse(declarative.Options{Validator: newSchemas()}, declarative.Source{Name: "kong.yml", Data: []byte(deck)})
		if err := problems.Err(); err != nil {
			return err.Error()
		}
		return ""
	}
	require.Empty(t, check(string(text)))
	broken := check(strings.Replace(string(text), "type: integer", "type: intenger", 1))
	require.Contains(t, broken, "kong.yml:")
	require.Contains(t, broken, "openapi.spec")
	require.Contains(t, broken, "intenger")
}
