package apikey

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCleanPath(t *testing.T) {
	for _, row := range []struct {
		name, target, want string // want "" is ambiguous
	}{
		{name: "plain", target: "/orders/7?x=/../", want: "/orders/7"},
		{name: "root", target: "/", want: "/"},
		{name: "a slash at the end", target: "/orders/", want: "/orders/"},
		{name: "a blank", target: "/a%20b", want: "/a b"},
		{name: "letters that need no encoding", target: "/%6frders", want: "/orders"},
		{name: "UTF-8", target: "/%C3%A4", want: "/ä"},
		{name: "a percent sign", target: "/100%25", want: "/100%"},
		{name: "a percent sign before a letter", target: "/100%25-off", want: "/100%-off"},
		{name: "a dot in a name", target: "/.well-known/a.b..c", want: "/.well-known/a.b..c"},
		{name: "a parameter of a segment", target: "/orders;v=1/7", want: "/orders;v=1/7"},
		{name: "climbing", target: "/orders/../admin"},
		{name: "climbing, encoded", target: "/orders/%2e%2E/admin"},
		{name: "climbing, half encoded", target: "/orders/.%2e/admin"},
		{name: "climbing, encoded twice", target: "/orders/%252e%252e/admin"},
		{name: "climbing at the end", target: "/orders/.."},
		{name: "climbing with a parameter", target: "/orders/..;/admin"},
		{name: "climbing with an encoded parameter", target: "/orders/..%3bx=1/admin"},
		{name: "climbing with a blank", target: "/orders/..%20/admin"},
		{name: "climbing with a third dot", target: "/orders/.../admin"},
		{name: "an empty segment with a parameter", target: "/orders/;/admin"},
		{name: "a dot", target: "/orders/./7"},
		{name: "two slashes", target: "/orders//7"},
		{name: "two slashes in front", target: "//orders/7"},
		{name: "an encoded slash", target: "/orders/..%2fadmin"},
		{name: "an encoded slash, in capitals", target: "/orders%2F7"},
		{name: "a slash encoded twice", target: "/orders/..%252fadmin"},
		{name: "a backslash", target: `/orders/..\admin`},
		{name: "an encoded backslash", target: "/orders/..%5cadmin"},
		{name: "an overlong slash", target: "/orders/..%c0%afadmin"},
		{name: "an overlong dot", target: "/orders/%c0%ae%c0%ae/admin"},
		{name: "a full-width slash", target: "/orders/..%ef%bc%8fadmin"},
		{name: "full-width dots", target: "/orders/\uff0e\uff0e/admin"},
		{name: "%u", target: "/orders/%u002e%u002e/admin"},
		{name: "%u, encoded", target: "/orders/%25u002e/admin"},
		{name: "Latin-1", target: "/%e4"},
		{name: "NUL", target: "/orders%00/../admin"},
		{name: "a line break", target: "/orders%0a"},
		{name: "a fragment", target: "/orders#/../admin"},
		{name: "half an encoding", target: "/orders%2"},
		{name: "an encoding of nothing", target: "/orders%zz"},
		{name: "no path", target: "orders"},
		{name: "nothing", target: ""},
		{name: "an asterisk", target: "*"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, ok := CleanPath(row.target)
			require.Equal(t, row.want != "", ok)
			require.Equal(t, row.want, got)
		})
	}
}

func TestScope(t *testing.T) {
	route := func() (string, string) { return "7c1", "orders" }
	reader := &Scope{Methods: []string{"GET"}, Paths: []string{"/orders", "/items/"}}
	for _, row := range []struct {
		name  string
		scope *Scope
		call  Call
		want  bool
	}{
		{name: "nil allows all", call: Call{Methods: []string{"PUT"}, Target: "/../x"}, want: true},
		{name: "empty allows all", scope: &Scope{}, call: Call{Target: "/../x"}, want: true},
		{name: "within", scope: reader, call: Call{Methods: []string{"GET"}, Target: "/orders/7?x"}, want: true},
		{name: "the prefix itself", scope: reader, call: Call{Methods: []string{"GET"}, Target: "/orders"}, want: true},
		{name: "the prefix with a slash", scope: reader, call: Call{Methods: []string{"GET"}, Target: "/items"}, want: true},
		{name: "another name with that beginning", scope: reader, call: Call{Methods: []string{"GET"}, Target: "/orders-old"}},
		{name: "other case", scope: reader, call: Call{Methods: []string{"GET"}, Target: "/Orders"}},
		{name: "another method", scope: reader, call: Call{Methods: []string{"POST"}, Target: "/orders"}},
		{name: "the method is not the one that counts", scope: reader, call: Call{Methods: []string{"GET", "DELETE"}, Target: "/orders"}},
		{name: "climbs out", scope: reader, call: Call{Methods: []string{"GET"}, Target: "/orders/..%2fadmin"}},
		{name: "everything is below the root", scope: &Scope{Paths: []string{"/"}}, call: Call{Target: "/a"}, want: true},
		{name: "but not what is ambiguous", scope: &Scope{Paths: []string{"/"}}, call: Call{Target: "/a/../b"}},
		{name: "route by name", scope: &Scope{Routes: []string{"orders"}}, call: Call{Route: route}, want: true},
		{name: "route by id", scope: &Scope{Routes: []string{"x", "7c1"}}, call: Call{Route: route}, want: true},
		{name: "another route", scope: &Scope{Routes: []string{"x"}}, call: Call{Route: route}},
		{name: "no route", scope: &Scope{Routes: []string{"x"}}, call: Call{Route: func() (string, string) { return "", "" }}},
	} {
		t.Run(row.name, func(t *testing.T) { require.Equal(t, row.want, row.scope.Allows(row.call)) })
	}
}

// FuzzCleanPath: a path that is not ambiguous is read alike by servers that decode once or twice,
// and resolve dots before or after.
func FuzzCleanPath(f *testing.F) {
	for _, seed := range []string{"/a/b", "/a%2fb", "/a/%2e./b", "/%25%32%65", "/a;b/..;c", "//a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		path, ok := CleanPath(target)
		if !ok {
			return
		}
		again, ok := decoded(path)
		if strings.ContainsAny(path, "%#") {
			again, ok = path, true // what stands behind the sign is no encoding; a fragment ends a path where it was
		}
		if !ok || again != path {
			t.Errorf("%q: %q is decoded to %q", target, path, again)
		}
		for _, segment := range strings.Split(path, "/") {
			if segment == ".." || segment == "." || strings.HasPrefix(segment, "..;") {
				t.Errorf("%q: the segment %q", target, segment)
			}
		}
		if strings.Contains(path, "//") || strings.Contains(path, `\`) {
			t.Errorf("%q: %q", target, path)
		}
	})
}
