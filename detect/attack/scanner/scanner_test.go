package scanner

import (
	"strings"
	"testing"

	"kongwaf/detect"
	"kongwaf/detect/attack/languagetest"
	"kongwaf/detect/attack/path"
	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/words"
)

var language = languagetest.Language{Class: detect.ClassScanner, Possible: Possible, Judge: Judge, Rows: rows}

func TestLanguage(t *testing.T)   { language.Test(t) }
func FuzzJudge(f *testing.F)      { language.Fuzz(f) }
func BenchmarkJudge(b *testing.B) { language.Benchmark(b) }

// FuzzShortcuts compares what hops and filters see with what looking everywhere does.
func FuzzShortcuts(f *testing.F) {
	for _, r := range rows {
		f.Add(r.Attack)
		f.Add(r.Twin)
	}
	for _, w := range strings.Fields(services.Words) {
		f.Add("http://a." + strings.ToUpper(w) + "/")
	}
	for _, p := range phrases {
		f.Add("x" + p)
	}
	for _, s := range []string{".com", "a.", "a.b.c", "eyes.sh", "//.git//", "/a/actuator/env"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v := value.Of(text, detect.SourceQuery, "q")
		found := callouts(&v)
		if got, want := found.Shape == "out-of-band domain", namesService(text); got != want && found.Shape != "canary" {
			t.Errorf("%q: call-out %v, want %v", text, got, want)
		}
		for _, p := range phrases {
			if words.Index(text, p) >= 0 && !phraseMayBeIn(text) {
				t.Errorf("%q holds %q", text, p)
			}
		}
		if got, want := probes(text).Confidence > 0, hasProbe(text); got != want {
			t.Errorf("%q: probe %v, want %v", text, got, want)
		}
	})
}

// hasProbe looks at each element with all that follows.
func hasProbe(text string) bool {
	elements := strings.Split(text, "/")
	for i, e := range elements {
		kind := names.Of(e)
		first := i == 0 || i == 1 && elements[0] == ""
		rest := strings.Join(append([]string{""}, elements[i+1:]...), "/")
		told := path.InRepository(strings.Join(elements[:i+1], "/"))
		if kind&secret != 0 && !told || kind&secret == 0 && kind&probe != 0 && (toldBy(e, rest) || !isAsset(text) && (first || kind&ambient == 0)) {
			return true
		}
	}
	return false
}

// namesService looks at the two labels around each dot.
func namesService(text string) bool {
	for i := range len(text) {
		if text[i] != '.' {
			continue
		}
		start, end := i, i+1
		for start > 0 && i-start < 20 && hostByte[text[start-1]] {
			start--
		}
		for end < len(text) && end-i < 12 && hostByte[text[end]] {
			end++
		}
		more := end < len(text) && (hostByte[text[end]] || text[end] == '.' && end+1 < len(text) && hostByte[text[end+1]])
		if end-i >= 3 && !more && names.Of(text[start:end])&callout != 0 {
			return true
		}
	}
	return false
}

const browser = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"

var rows = []languagetest.Row{
	{Shows: "a file in a repository", Attack: "/app/.npmrc", Twin: "/repos/o/r/contents/.npmrc", Source: detect.SourcePath},
	{Shows: "an inbox of its own", Attack: "https://webhook.site/0a1b2c3d", Twin: "https://team.ngrok.io/hook"},
	{Shows: "a tunnel for webhooks", Attack: "https://x1y2z3.oastify.com/", Twin: "https://x1y2z3.m.pipedream.net/"},
	{Shows: "sqlmap", Attack: "sqlmap/1.7.4#stable (https://sqlmap.org)", Twin: "curl/8.5.0", Source: detect.SourceHeader, Name: "User-Agent"},
	{Shows: "Nikto", Attack: "Mozilla/5.00 (Nikto/2.1.6) (Evasions:None) (Test:Port Check)", Twin: browser, Source: detect.SourceHeader, Name: "User-Agent"},
	{Shows: "Nuclei", Attack: "Nuclei - Open-source project (github.com/projectdiscovery/nuclei)", Twin: "python-requests/2.31.0", Source: detect.SourceHeader, Name: "user-agent"},
	{Shows: "OpenVAS", Attack: "Mozilla/5.0 [en] (X11, U; OpenVAS-VT 22.4.1)", Twin: "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0", Source: detect.SourceHeader, Name: "User-Agent"},
	{Shows: "OpenVAS by another name", Attack: "Microsoft WinRM Client OpenVASVT", Twin: "Microsoft WinRM Client", Source: detect.SourceHeader, Name: "User-Agent"},
	{Shows: "a name of several words", Attack: "Fuzz Faster U Fool v2.0.0", Twin: "Go-http-client/2.0", Source: detect.SourceHeader, Name: "User-Agent"},
	{Shows: "a script of Nessus", Attack: "x_sql_injection.nasl", Twin: "Googlebot/2.1 (+http://www.google.com/bot.html)", Source: detect.SourceHeader, Name: "User-Agent"},
	{Shows: "a tool's name elsewhere is a word", Attack: "WPScan v3.8 (https://wpscan.com)", Twin: "zapper/1.0", Source: detect.SourceHeader, Name: "User-Agent"},
	{Shows: "header of a scanner", Attack: "X-Scanner", Twin: "X-Request-Id", Source: detect.SourceHeader, IsName: true},
	{Shows: "repository", Attack: "/.git/HEAD", Twin: "/git/head", Source: detect.SourcePath},
	{Shows: "environment", Attack: "/app/.env", Twin: "/app/env", Source: detect.SourcePath},
	{Shows: "heap dump", Attack: "/actuator/heapdump", Twin: "/actuator/health", Source: detect.SourcePath, Suspicious: true},
	{Shows: "backup of a configuration", Attack: "/wp-config.php.bak", Twin: "/wp-login.php", Source: detect.SourcePath, Suspicious: true},
	{Shows: "test suite of a dependency", Attack: "/app/vendor/phpunit/src/x.php", Twin: "/app/vendor/x.php", Source: detect.SourcePath},
	{Shows: "file of a dependency", Attack: "/.git/x.js", Twin: "/vendor/lodash.min.js", Source: detect.SourcePath},
	{Shows: "report about a page", Attack: "/.env", Twin: "/.well-known/attribution-reporting/debug/verbose", Source: detect.SourcePath},
	{Shows: "call-out domain", Attack: "http://lmb1ikpej3yys0gqft8lxewm2d89w5.burpcollaborator.net/", Twin: "https://portswigger.net/burp"},
	{Shows: "a tunnel to the own machine catches webhooks", Attack: "https://abc.oastify.com/hook", Twin: "https://abc.ngrok-free.app/hook"},
	{Shows: "call-out in a command", Attack: "nslookup w63gecoroprj5um8ypnd7r6in9t0.oast.me", Twin: "the oast house.me"},
	{Shows: "canary", Attack: "acunetix_wvs_security_test", Twin: "security_test"},
}
