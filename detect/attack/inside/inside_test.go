package inside

import (
	"slices"
	"strings"
	"testing"

	"kongwaf/detect"
	"kongwaf/detect/attack/languagetest"
)

var language = languagetest.Language{
	Class:    detect.ClassRCE,
	Possible: Possible,
	Judge:    Judge,
	Rows: []languagetest.Row{
		{Shows: "callback of a render array", Attack: "mail[#post_render][]", Twin: "mail[post_render][]", Source: detect.SourceQuery, IsName: true},
		{Shows: "lazy builder in JSON", Attack: "#lazy_builder", Twin: "#lazy", Source: detect.SourceBody, IsName: true},
		{Shows: "markup of a render array", Attack: "name[0][#markup]", Twin: "name[0][#1]", Source: detect.SourceBody, IsName: true},
		{Shows: "state of the setup", Attack: "bootstrapStatusProvider.applicationConfig.setupComplete", Twin: "provider.config.complete", Source: detect.SourceQuery, IsName: true},
		{Shows: "member access", Attack: "x[_memberAccess].y", Twin: "x[access].y", Source: detect.SourceQuery, IsName: true},
	},
	Harmless: []string{"#post_render", "bootstrapStatusProvider.applicationConfig"},
	Hostile:  []string{"[#", "#a", "a.b", "a[b]"},
}

func TestLanguage(t *testing.T)   { language.Test(t) }
func FuzzJudge(f *testing.F)      { language.Fuzz(f) }
func BenchmarkJudge(b *testing.B) { language.Benchmark(b) }

// request builds a GET of the target, or a POST of the form if there is one.
func request(target, form string, header ...string) *detect.Request {
	r := &detect.Request{Method: "GET", Target: target, Proto: "HTTP/1.1", Headers: []detect.Header{{Name: "Host", Value: "shop.example.com"}}}
	if form != "" {
		r.Method, r.Body = "POST", []byte(form)
		header = append(header, "Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		r.Headers = append(r.Headers, detect.Header{Name: header[i], Value: header[i+1]})
	}
	return r
}

func TestRequest(t *testing.T) {
	rows := []struct {
		shows        string
		class        detect.Class
		attack, twin *detect.Request
	}{
		{
			shows: "a framework's mark of its own requests", class: detect.ClassProtocol,
			attack: request("/admin", "", "X-Middleware-Subrequest", "src/middleware"),
			twin:   request("/admin", "", "X-Middleware-Prefetch", "1"),
		}, {
			shows: "the back end that a front end chose", class: detect.ClassProtocol,
			attack: request("/owa/x.js", "", "X-BEResource", "a@mail:444/x?#~1"),
			twin:   request("/owa/x.js", "", "X-Requested-With", "a"),
		}, {
			shows: "another path than the request's", class: detect.ClassProtocol,
			attack: request("/", "", "X-Original-URL", "/admin/users?a=1"),
			twin:   request("/users?a=1", "", "X-Original-URL", "/v1/users?a=1"),
		}, {
			shows: "a rewritten path", class: detect.ClassProtocol,
			attack: request("/public", "", "X-Rewrite-Url", "/admin"),
			twin:   request("/public", "", "X-Rewrite-Url", "/public"),
		}, {
			shows: "the page's address as an authenticating proxy sends it", class: detect.ClassProtocol,
			attack: request("/public", "", "X-Original-URL", "/admin"),
			twin:   request("/public", "", "X-Original-URL", "https://shop.example.com/public"),
		}, {
			shows: "a caller that says it is the machine itself", class: detect.ClassProtocol,
			attack: request("/", "", "X-Originating-IP", "[127.0.0.1]"),
			twin:   request("/", "", "X-Originating-IP", "[203.0.113.7]"),
		}, {
			shows: "the same with a port", class: detect.ClassProtocol,
			attack: request("/", "", "X-Client-IP", "[::1]:8000"),
			twin:   request("/", "", "X-Client-IP", "[2001:db8::1]:8000"),
		}, {
			shows: "headers that proxies are told to drop", class: detect.ClassProtocol,
			attack: request("/", "", "Connection", "keep-alive, X-Auth-Token"),
			twin:   request("/", "", "Connection", "Keep-Alive, Upgrade, HTTP2-Settings"),
		}, {
			shows: "a known header that proxies are told to drop", class: detect.ClassProtocol,
			attack: request("/", "", "Connection", "close, Cookie"),
			twin:   request("/", "", "Connection", "close, TE"),
		}, {
			shows: "an expectation that nobody has", class: detect.ClassProtocol,
			attack: request("/", "", "Expect", "100-continue, x"),
			twin:   request("/", "", "Expect", "100-Continue"),
		}, {
			shows: "an environment variable of CGI", class: detect.ClassSSRF,
			attack: request("/", "", "Proxy", "http://evil.example:8080"),
			twin:   request("/", "", "Proxy", "no"),
		}, {
			shows: "a function to be run", class: detect.ClassRCE,
			attack: request("/f", "", "spring.cloud.function.routing-expression", "x"),
			twin:   request("/f", "", "spring-cloud-x", "x"),
		}, {
			shows: "options of the interpreter", class: detect.ClassRCE,
			attack: request("/index.php?-d+allow_url_include%3d1", ""),
			twin:   request("/index.php?-d+is+bigger", ""),
		}, {
			shows: "source of the page", class: detect.ClassRCE,
			attack: request("/index.php?-s", ""),
			twin:   request("/index.php?-size", ""),
		}, {
			shows: "a soft hyphen", class: detect.ClassRCE,
			attack: request("/index.php?%ADd+auto_prepend_file%3dphp://input", ""),
			twin:   request("/index.php?%ADdress", ""),
		}, {
			shows: "the environment of the application", class: detect.ClassRCE,
			attack: request("/?--env=local", ""),
			twin:   request("/?--=local", ""),
		}, {
			shows: "a proxy's way to a socket", class: detect.ClassSSRF,
			attack: request("/?unix:"+strings.Repeat("A", 4000)+"|http://x/", ""),
			twin:   request("/?unix=1", ""),
		}, {
			shows: "a host behind the path", class: detect.ClassSSRF,
			attack: request("/autodiscover/autodiscover.json?@evil.example/mapi/nspi/", ""),
			twin:   request("/users?@type=a.b/c", ""),
		}, {
			shows: "a matrix parameter that is an ending", class: detect.ClassPathTraversal,
			attack: request("/app/rest/users;.css", ""),
			twin:   request("/app/rest/users;v=1.css;a=.b", ""),
		}, {
			shows: "any function of a dispatcher", class: detect.ClassRCE,
			attack: request("/index.php?function=call_user_func_array&vars%5B0%5D=x", ""),
			twin:   request("/index.php?function=call_back&vars%5B0%5D=x", ""),
		}, {
			shows: "the function's first argument", class: detect.ClassRCE,
			attack: request("/index.php?s=index&vars[0]=system&vars[1][]=x", ""),
			twin:   request("/index.php?s=index&vars[0]=solar&vars[1][]=system", ""),
		}, {
			shows: "a constructor as the method", class: detect.ClassRCE,
			attack: request("/index.php", "_method=__construct&a=1"),
			twin:   request("/index.php", "_method=construct&a=1"),
		}, {
			shows: "a controller in a fragment", class: detect.ClassRCE,
			attack: request("/_fragment?_path=_controller%3Dphpinfo", ""),
			twin:   request("/_fragment?_path=controller", ""),
		},
	}
	for _, row := range rows {
		t.Run(row.shows, func(t *testing.T) {
			findings := Request(row.attack)
			if !slices.ContainsFunc(findings, func(f detect.Finding) bool { return f.Class == row.class && f.Confidence >= 0.7 }) {
				t.Errorf("attack: %+v", findings)
			}
			for _, f := range findings {
				if f.Place.Source() == detect.SourceUnknown || f.Evidence == "" || len(f.Evidence) > 120 {
					t.Errorf("finding %+v", f)
				}
			}
			if findings := Request(row.twin); len(findings) > 0 {
				t.Errorf("twin: %+v", findings)
			}
			if n := testing.AllocsPerRun(10, func() { Request(row.twin) }); n != 0 {
				t.Errorf("twin: %v allocations", n)
			}
		})
	}
}

func TestAProxysOwnAddressIsSuspiciousOnly(t *testing.T) {
	for _, header := range [][]string{{"X-Forwarded-For", "127.0.0.1"}, {"Forwarded", `for="[::1]:80";by=x`}} {
		findings := Request(request("/", "", header...))
		if len(findings) != 1 || findings[0].Confidence != suspicious {
			t.Errorf("%q: %+v", header, findings)
		}
	}
	if findings := Request(request("/", "", "X-Forwarded-For", "203.0.113.7, 127.0.0.1")); len(findings) > 0 {
		t.Errorf("a caller through a proxy: %+v", findings)
	}
}
