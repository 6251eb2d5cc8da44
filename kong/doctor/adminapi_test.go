package doctor

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/declarative"
)

// adminAPI answers as Kong's Admin API does, a plugin a page.
func adminAPI(t *testing.T, change func(path string, w http.ResponseWriter) bool) string {
	t.Helper()
	const service, route = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
	plugins := []string{
		`{"id":"33333333-3333-4333-8333-333333333333","name":"waf-gate","enabled":true,"protocols":["http"],"route":{"id":"` + route + `"},"service":null,"consumer":null,"tags":null,"config":{"checks":["key-auth"],"key_auth":{"credentials":[{"key":"hush","consumer":null}]}}}`,
		`{"id":"44444444-4444-4444-8444-444444444444","name":"key-auth","enabled":true,"protocols":["http"],"route":null,"service":{"id":"` + service + `"},"config":{"key_names":["apikey"]}}`,
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if change != nil && change(r.URL.Path, w) {
			return
		}
		switch r.URL.Path {
		case "/":
			fmt.Fprint(w, `{"version":"3.9.1","tagline":"Welcome to kong"}`)
		case "/services":
			fmt.Fprint(w, `{"data":[{"id":"`+service+`","name":"users","host":"u","port":80,"protocol":"http","enabled":true,"path":null,"tls_verify":null,"retries":5,"updated_at":1}],"next":null}`)
		case "/routes":
			fmt.Fprint(w, `{"data":[{"id":"`+route+`","name":null,"paths":["/users"],"service":{"id":"`+service+`"},"snis":null,"strip_path":true,"path_handling":"v0"},{"id":"55555555-5555-4555-8555-555555555555","name":"by-expression","expression":"http.port == 80","service":null}],"next":null}`)
		case "/consumers":
			fmt.Fprint(w, `{"data":[],"next":null}`)
		case "/plugins":
			if r.URL.Query().Get("offset") == "" {
				fmt.Fprintf(w, `{"data":[%s],"next":"http://elsewhere.invalid/plugins","offset":"a b"}`, plugins[0])
			} else {
				fmt.Fprintf(w, `{"data":[%s],"next":null}`, plugins[1])
			}
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestAskAdmin: what Kong serves is read as a deck file is, and looked at in the same way.
func TestAskAdmin(t *testing.T) {
	served, err := AskAdmin(context.Background(), http.DefaultClient, adminAPI(t, nil)+"/")
	require.NoError(t, err)
	require.Equal(t, "3.9.1", served.Version)
	config, problems := declarative.Parse(declarative.Options{}, declarative.Source{Name: "Admin API", Data: served.Deck})
	require.NoError(t, problems.Err())
	require.Len(t, config.Plugins, 2)
	require.Equal(t, "u", config.Plugins[0].Route.Service.Host)
	var warnings []string
	for _, p := range problems.Warnings() {
		warnings = append(warnings, p.Message)
	}
	require.Len(t, warnings, 1)
	require.Contains(t, warnings[0], "does the same for the same requests")
}

func TestAskAdminFails(t *testing.T) {
	answer := func(status int, at, text string) func(string, http.ResponseWriter) bool {
		return func(path string, w http.ResponseWriter) bool {
			if path == at {
				w.WriteHeader(status)
				fmt.Fprint(w, text)
			}
			return path == at
		}
	}
	for _, row := range []struct {
		name, address, want string
	}{
		{name: "no address", address: "127.0.0.1:8001", want: "is no address such as"},
		{name: "another scheme", address: "file:///etc/passwd", want: "is no address such as"},
		{name: "as with start_cmd", address: adminAPI(t, answer(500, "/", `{"message":"Cannot serialise cdata"}`)), want: "/ answers 500 Internal Server Error"},
		{name: "a redirect", address: adminAPI(t, answer(302, "/plugins", "")), want: "/plugins answers 302 Found"},
		{name: "a page", address: adminAPI(t, answer(200, "/", "<html>")), want: "is not the JSON of an Admin API"},
		{name: "something else", address: adminAPI(t, answer(200, "/", "{}")), want: "is no Admin API of Kong"},
		{name: "without end", address: adminAPI(t, answer(200, "/services", `{"data":[],"offset":"again"}`)), want: "/services: more than 1000 pages"},
		{name: "huge", address: adminAPI(t, answer(200, "/routes", strings.Repeat(" ", maxAnswer+1))), want: "/routes: longer than"},
		{name: "with a password", address: "http://admin:hush@127.0.0.1:1", want: "127.0.0.1:1/: "},
	} {
		t.Run(row.name, func(t *testing.T) {
			client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			_, err := AskAdmin(context.Background(), client, row.address)
			require.ErrorContains(t, err, row.want)
			require.NotContains(t, err.Error(), "hush")
		})
	}
}
