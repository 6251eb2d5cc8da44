package gateway

import (
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/declarative"
)

func TestRouter(t *testing.T) {
	t.Parallel()
	up := &declarative.Service{Name: "up"}
	routes := []*declarative.Route{
		{Name: "root", Paths: []string{"/"}},
		{Name: "users", Paths: []string{"/users"}},
		{Name: "users-admin", Paths: []string{"/users/admin"}},
		{Name: "post", Paths: []string{"/users"}, Methods: []string{"POST"}},
		{Name: "host", Hosts: []string{"api.example.com"}},
		{Name: "host-path", Hosts: []string{"api.example.com"}, Paths: []string{"/users"}},
		{Name: "wild", Hosts: []string{"*.example.com"}},
		{Name: "wild-port", Hosts: []string{"*.example.com:8443"}},
		{Name: "tail", Hosts: []string{"example.*"}},
		{Name: "header", Headers: map[string][]string{"X-Version": {"2", "3"}}, Paths: []string{"/users"}},
		{Name: "header-regex", Headers: map[string][]string{"x-agent": {"~*bot$"}}},
		{Name: "regex-low", Paths: []string{"~/v[0-9]+/a"}, RegexPriority: 1},
		{Name: "regex-high", Paths: []string{"~/v1/(?<what>[a-z]+)$"}, RegexPriority: 2},
		{Name: "several", Paths: []string{"/short", "/users/admin/long/one"}},
		{Name: "method-only", Methods: []string{"DELETE"}},
	}
	for _, r := range routes {
		r.Service, r.StripPath = up, true
	}
	router, err := newRouter(routes)
	require.NoError(t, err)
	for _, row := range []struct {
		name, method, host, path string
		headers                  fields
		want                     string
	}{
		{name: "longest prefix wins", path: "/users/admin/x", want: "users-admin"},
		{name: "a prefix is letters, not segments", path: "/usersx", want: "users"},
		{name: "the root takes the rest", path: "/zebra", want: "root"},
		{name: "the longest path of a route with several", path: "/users/admin/long/one/more", want: "several"},
		{name: "more kinds of rules win", method: "POST", path: "/users", want: "post"},
		{name: "host before path", host: "api.example.com", path: "/zebra", want: "host"},
		{name: "host and path before each alone", host: "api.example.com", path: "/users/1", want: "host-path"},
		{name: "a port at the host does not matter", host: "API.example.com:8000", path: "/users", want: "host-path"},
		{name: "wildcard host", host: "x.example.com", path: "/zebra", want: "wild"},
		{name: "wildcard host with a port", host: "x.example.com:8443", path: "/zebra", want: "wild-port"},
		{name: "wildcard at the end", host: "example.org", path: "/users", want: "tail"},
		{name: "a wildcard needs something", host: ".example.com", path: "/zebra", want: "root"},
		{name: "header", path: "/users", headers: fields{{"x-version", "3"}}, want: "header"},
		{name: "one of several copies of a header", path: "/users", headers: fields{{"x-version", "1"}, {"X-Version", "2"}}, want: "header"},
		{name: "another value of the header", path: "/users", headers: fields{{"x-version", "1"}}, want: "users"},
		{name: "header by regular expression", path: "/users", headers: fields{{"X-Agent", "evilBot"}}, want: "header-regex"},
		{name: "regular expressions by priority", path: "/v1/a", want: "regex-high"},
		{name: "the other one where the first fails", path: "/v2/a", want: "regex-low"},
		{name: "regular expressions before prefixes, at the start only", path: "/x/v2/a", want: "root"},
		{name: "path before method", method: "DELETE", path: "/zebra", want: "root"},
	} {
		t.Run(row.name, func(t *testing.T) {
			method := row.method
			if method == "" {
				method = "GET"
			}
			m := router.find(method, row.path, row.host, row.headers)
			require.NotNil(t, m)
			require.Equal(t, row.want, m.route.Name)
		})
	}
	m := router.find("GET", "/v1/abc", "", nil)
	require.Equal(t, []string{"abc"}, m.unnamed)
	require.Equal(t, []field{{"what", "abc"}}, m.named)
	require.Equal(t, "/v1/abc", m.prefix)
	empty, err := newRouter(nil)
	require.NoError(t, err)
	require.Nil(t, empty.find("GET", "/", "", nil))
	_, err = newRouter([]*declarative.Route{{Name: "r", Paths: []string{"~/(?=x)"}, At: declarative.Position{File: "k.yml", Line: 7}}})
	require.ErrorContains(t, err, `k.yml:7: route "r"`)
}

func TestUpstreamPath(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, service, route, path string
		keep, v1                   bool // strip_path: false, path_handling: v1
		want                       string
	}{
		{name: "stripped", route: "/a", path: "/a/b", want: "/b"},
		{name: "stripped to nothing", route: "/a", path: "/a", want: "/"},
		{name: "kept", route: "/a", path: "/a/b", keep: true, want: "/a/b"},
		{name: "with the service's path", service: "/api", route: "/a", path: "/a/b", want: "/api/b"},
		{name: "no doubled slash", service: "/api/", route: "/a", path: "/a/b", want: "/api/b"},
		{name: "a slash between", service: "/api", route: "/a/", path: "/a/b", want: "/api/b"},
		{name: "only the service's path", service: "/api", route: "/a", path: "/a", want: "/api"},
		{name: "its slash only if there was one", service: "/api/", route: "/a", path: "/a", want: "/api"},
		{name: "the client's last slash", service: "/api", route: "/a/", path: "/a/", want: "/api/"},
		{name: "kept behind the service's path", service: "/api", route: "/a", path: "/a/b", keep: true, want: "/api/a/b"},
		{name: "v1 puts both together as they are", service: "/api", route: "/a", path: "/ab", v1: true, want: "/apib"},
		{name: "v1 kept", service: "/api/", route: "/a", path: "/ab", v1: true, keep: true, want: "/api/ab"},
		{name: "a rest cannot climb", route: "/a/", path: "/a/../x", want: "/x"},
		{name: "no path in the route", path: "/x/y", want: "/x/y"},
		{name: "regular expression", route: "~/a/[0-9]+", path: "/a/12/b", want: "/b"},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := &declarative.Route{Service: &declarative.Service{Path: row.service}, StripPath: !row.keep, Methods: []string{"GET"}}
			if row.route != "" {
				r.Paths = []string{row.route}
			}
			if row.v1 {
				r.PathHandling = "v1"
			}
			router, err := newRouter([]*declarative.Route{r})
			require.NoError(t, err)
			require.Equal(t, row.want, router.find("GET", row.path, "", nil).path)
		})
	}
}
