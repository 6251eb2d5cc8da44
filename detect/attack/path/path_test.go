package path

import (
	"strings"
	"testing"

	"kongwaf/detect"
	"kongwaf/detect/attack/languagetest"
	"kongwaf/detect/attack/value"
)

var language = languagetest.Language{Class: detect.ClassPathTraversal, Possible: Possible, Judge: Judge, Rows: rows}

func TestLanguage(t *testing.T)   { language.Test(t) }
func FuzzJudge(f *testing.F)      { language.Fuzz(f) }
func BenchmarkJudge(b *testing.B) { language.Benchmark(b) }

var rows = []languagetest.Row{
	{Shows: "a log that is asked for by its name", Attack: "/var/log/apache2/access.log", Twin: "/srv/log/a.log", Source: detect.SourceBody, Name: "file"},
	{Shows: "links of a page", Attack: "../../../../lib/x", Twin: `<a href="../../../../core/x.html">../../../../core/x.html</a>`, Suspicious: true},
	{Shows: "a request in a log", Attack: "GET /../../etc/passwd", Twin: `192.0.2.7 - - "GET /../../etc/passwd HTTP/1.0" 400`, Suspicious: true},
	{Shows: "request path: settings that pages are about", Attack: "/usr/local/apache2/conf/httpd.conf", Twin: "/docs/web.config", Source: detect.SourcePath},
	{Shows: "settings of a project above", Attack: "../../x.conf", Twin: "../../.gitignore", Suspicious: true},
	{Shows: "logs below a directory above", Attack: "../storage/app.log", Twin: "../storage/app.js", Suspicious: true},
	{Shows: "file of the same name as its field", Attack: "/etc/shadow", Twin: "/etc/hosts", Source: detect.SourceBody, Name: "hosts", Suspicious: true},
	{Shows: "an option and its file", Attack: "-F /etc/passwd", Twin: "see -F and /etc/passwd there", Suspicious: true},
	{Shows: "a path that a question is about", Attack: "/etc/hosts", Twin: "what is /etc/hosts", Suspicious: true},
	{Shows: "a comment that names a file", Attack: "../../etc/nsswitch.conf", Twin: "# /etc/nsswitch.conf", Suspicious: true},
	{Shows: "climbs to a password file", Attack: "../../../../etc/passwd", Twin: "../img/a.png", Suspicious: true},
	{Shows: "one climb to a known file", Attack: "../etc/passwd", Twin: "../style/main.css", Suspicious: true},
	{Shows: "backslashes", Attack: "..\\..\\..\\windows\\win.ini", Twin: "..\\readme.txt", Suspicious: true},
	{Shows: "path parameters (Tomcat)", Attack: "..;/..;/manager/html", Twin: "a..;b"},
	{Shows: "doubled marks that a filter makes one", Attack: "....//....//etc/passwd", Twin: "wait..../ok"},
	{Shows: "mixed separators", Attack: "..\\/..\\/etc/hosts", Twin: "and\\/or"},
	{Shows: "NUL before an extension", Attack: "../../secret\x00.png", Twin: "../secret.png", Suspicious: true},
	{Shows: "NUL inside the climb", Attack: ".\x00./.\x00./etc/passwd", Twin: "./a/./b"},
	{Shows: "inside a path", Attack: "/static/img/../../../../etc/shadow", Twin: "/static/img/../css/a.css"},
	{Shows: "absolute path", Attack: "/etc/passwd", Twin: "/usr/share/doc/readme"},
	{Shows: "process environment", Attack: "/proc/self/environ", Twin: "/process/self/start"},
	{Shows: "process by number", Attack: "/proc/1234/cmdline", Twin: "/proceedings/1234"},
	{Shows: "drive", Attack: "C:\\Windows\\System32\\drivers\\etc\\hosts", Twin: "C:\\Users\\me\\Documents\\report (final).docx"},
	{Shows: "drive with slashes", Attack: "c:/boot.ini", Twin: "c:/projects/site/index.html"},
	{Shows: "blank in a directory's name, without a drive", Attack: `/Program Files\Apache Group\Apache\conf\httpd.conf`, Twin: `/Program Files\Acme\app.exe`},
	{Shows: "blank in a directory's name", Attack: "c:\\Program Files\\Apache Group\\Apache\\logs\\access.log", Twin: "c:\\Program Files\\Acme\\app.exe"},
	{Shows: "Java's own directory", Attack: "/WEB-INF/web.xml", Twin: "/webinfo/web.html"},
	{Shows: "repository", Attack: "/.git/config", Twin: "/.well-known/security.txt", Source: detect.SourcePath},
	{Shows: "environment file", Attack: "/.env", Twin: "/.envoy-docs", Source: detect.SourcePath},
	{Shows: "keys", Attack: "/home/deploy/.ssh/id_rsa", Twin: "/home/me/file.txt"},
	{Shows: "cloud credentials", Attack: "/root/.aws/credentials", Twin: "/credentials/new"},
	{Shows: "configuration of a server", Attack: "/usr/local/apache2/conf/httpd.conf", Twin: "/usr/local/share/man/httpd.8"},
	{Shows: "log to poison", Attack: "/var/log/apache2/access.log", Twin: "/blog/access"},
	{Shows: "PHP filter", Attack: "php://filter/convert.base64-encode/resource=index", Twin: "php://"[:3] + " filter"},
	{Shows: "PHP input", Attack: "php://input", Twin: "https://php.net/input"},
	{Shows: "archive wrapper", Attack: "phar://upload.jpg/x", Twin: "pharmacy://x"},
	{Shows: "command wrapper", Attack: "expect://id", Twin: "expect: id"},
	{Shows: "file URL", Attack: "file:///etc/passwd", Twin: "profile:/etc"},
	{Shows: "code in a data URL", Attack: "data:text/plain;base64,PD9waHAgcGhwaW5mbygpOz8+", Twin: "data:image/png;base64,iVBORw0KGgo="},
	{Shows: "assignment in a text", Attack: "page=../../../etc/passwd", Twin: "page=../../lib/a.js", Suspicious: true},
	{Shows: "separators that only a faulty decoder reads", Attack: "..%c0%9v..%c0%9v..%c0%9vetc%c0%9vpasswd", Twin: "100%..50%..25%"},
	{Shows: "separators whose percent signs were lost", Attack: "..2f..2f..2fetc2fpasswd", Twin: "1..2..3..4"},
	{Shows: "separators that were lost", Attack: "....etcpasswd", Twin: "....etcetera"},
	{Shows: "path filled up", Attack: "/" + filled + "/../x", Twin: "/aaaa/bbbb"},
	{Shows: "administrative share", Attack: "\\\\192.0.2.1\\c$\\x", Twin: "\\\\d+\\\\w+", Suspicious: true},
	{Shows: "link in a text", Attack: "../../../../x", Twin: "See the section in [routing](../../../../reference/other.md) for more.", Suspicious: true},
	{Shows: "import", Attack: "../../../app", Twin: "import x from '../../../lib/a'", Suspicious: true},
	{Shows: "spread", Attack: "../../x", Twin: "f(...args) / 2"},
	{Shows: "file name in prose", Attack: "/etc/shadow", Twin: "/etc/hosts needs editing, says wiki", Suspicious: true},
	{Shows: "ellipsis", Attack: "/../../x", Twin: "wait.../then"},
	{Shows: "version and date", Attack: "/etc/issue", Twin: "1.2.3/2026/11/21"},
	{Shows: "request path: a word of a file's name", Attack: "/etc/shadow", Twin: "/devices/desk/shadow", Source: detect.SourcePath},
	{Shows: "request path: a word of a key's name", Attack: "/.ssh/identity", Twin: "/v2/identity", Source: detect.SourcePath},
	{Shows: "request path: a word of an account file", Attack: "/x/%2e%2e/../sam", Twin: "/people/sam", Source: detect.SourcePath},
	{Shows: "request path: a directory called like one of a system", Attack: "/proc/self/environ", Twin: "/proc/12", Source: detect.SourcePath},
	{Shows: "request path: resources below /etc", Attack: "/etc/passwd", Twin: "/etc/designs/site/main.css", Source: detect.SourcePath},
	{Shows: "request path: a socket in front of a resource", Attack: "/var/log/auth.log", Twin: "/var/run/app.sock/v1/info", Source: detect.SourcePath},
	{Shows: "request path: a file in a repository", Attack: "/repos/o/r/contents/../../.npmrc", Twin: "/repos/o/r/contents/.npmrc", Source: detect.SourcePath},
	{Shows: "request path: a build file", Attack: "/a/../../docker-compose.yml", Twin: "/projects/7/repository/files/docker-compose.yml", Source: detect.SourcePath},
	{Shows: "settings of an editor", Attack: "/home/me/.config/hosts.yml", Twin: ".vscode/launch.json"},
	{Shows: "settings of a framework", Attack: "../../config/parameters.yml", Twin: "../../shared/parameters.yml", Suspicious: true},
	{Shows: "pictures of a project", Attack: "../../../../notes", Twin: "../../../../img/logo.svg", Suspicious: true},
	{Shows: "one climb to settings", Attack: "../config.inc", Twin: "../index.php", Suspicious: true},
	{Shows: "one climb to logs", Attack: "../logs/web.log", Twin: "../logo/web.svg", Suspicious: true},
	{Shows: "one climb into the system", Attack: "../var/lib", Twin: "../lib/var", Suspicious: true},
	{Shows: "one climb to what is kept aside", Attack: `..\private\list.txt`, Twin: `..\public\list.txt`, Suspicious: true},
	{Shows: "altered dots", Attack: ".?/.?/etc/hosts", Twin: ".?/x"},
	{Shows: "other altered dots", Attack: `+./+./windows/win.ini`, Twin: "+./x"},
	{Shows: "name of an uploaded file", Attack: "../a.png", Twin: "img/a.png", Source: detect.SourceBody, Name: "uploadFileName"},
	{Shows: "files of a commit", Attack: "../../etc/passwd", Twin: "etc/passwd", Source: detect.SourceBody, Name: "added", Suspicious: true},
	{Shows: "certificates in a configuration", Attack: "/etc/passwd", Twin: "/etc/ssl/certs/root.pem", Source: detect.SourceBody, Name: "ca_file"},
	{Shows: "time zone in a configuration", Attack: "/etc/shadow", Twin: "/etc/localtime", Source: detect.SourceBody, Name: "tz"},
	{Shows: "own log in a configuration", Attack: "/root/.bash_history", Twin: "/var/log/shop.log", Source: detect.SourceBody, Name: "path", Suspicious: true},
	{Shows: "file of the system in a configuration", Attack: "/etc/passwd", Twin: "/etc/hosts", Source: detect.SourceBody, Name: "hosts_file", Suspicious: true},
	{Shows: "mount in a configuration", Attack: "/etc/passwd", Twin: "/var/run/docker.sock:/var/run/docker.sock", Source: detect.SourceBody, Name: "Binds", Suspicious: true},
	{Shows: "device in a configuration", Attack: "/proc/self/mem", Twin: "/dev/root", Source: detect.SourceBody, Name: "device"},
	{Shows: "file URL in a configuration", Attack: "file:///etc/passwd", Twin: "file:///var/lib/app/data", Source: detect.SourceBody, Name: "storage", Suspicious: true},
	{Shows: "inline code of a text", Attack: "`/etc/fstab`", Twin: "Add it to `/etc/fstab`.", Suspicious: true},
	{Shows: "quoted in a text", Attack: `"/etc/hosts"`, Twin: `Look into "/etc/hosts".`, Suspicious: true},
	{Shows: "beginning of a sentence", Attack: "/etc/passwd", Twin: "`/etc/passwd` lists the users", Suspicious: true},
	{Shows: "item of a page", Attack: "/etc/nginx/nginx.conf", Twin: "<li>/etc/nginx/nginx.conf</li>", Suspicious: true},
	{Shows: "a list of files", Attack: "/etc/group", Twin: "/etc/group, /etc/hosts and more", Suspicious: true},
	{Shows: "line of a log", Attack: "/etc/httpd/conf/httpd.conf", Twin: "[error] no such file: /etc/httpd/conf/httpd.conf", Suspicious: true},
	{Shows: "names inside an archive", Attack: "/META-INF/context.xml", Twin: "META-INF/MANIFEST.MF"},
	{Shows: "a file that a command line reads", Attack: "@/etc/passwd", Twin: "@/components/Button"},
	{Shows: "climbs without a target", Attack: "../../../", Twin: "../..", Suspicious: true},
	{Shows: "raw path of a request", Attack: "/a/..%2f/../b", Twin: "/a/b..c/d", Source: detect.SourcePath},
}

const filled = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

// FuzzTells compares the fast routine with the obvious one.
func FuzzTells(f *testing.F) {
	for _, r := range rows {
		f.Add(r.Attack)
		f.Add(r.Twin)
	}
	for _, g := range append(elements, reading...) {
		f.Add(strings.Join(strings.Fields(g.Words), "/"))
		f.Add(strings.Join(strings.Fields(g.Words), ":a, /"))
	}
	for _, s := range []string{"etc:", ":etc", "/ETC", "etc/", "a.log/", " .env/b", "php:", "a:PHP:b", "/.hg", "\x00/sys"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v := value.Of(text, detect.SourceQuery, "q")
		if got, want := tells(&v), tellsSlowly(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	})
}

// tellsSlowly looks at every element.
func tellsSlowly(text string) bool {
	for start, before := 0, byte(0); start < len(text); {
		e := elementAt(text, start)
		end := start + len(e)
		after := byte(0)
		if end < len(text) {
			after = text[end]
		}
		if (before == '/' || before == ':' || after == '/') && names.Of(e)&leads != 0 ||
			after == ':' && schemes.Of(e)&(wrapper|local|inline) != 0 {
			return true
		}
		start, before = end+1, after
	}
	return false
}
