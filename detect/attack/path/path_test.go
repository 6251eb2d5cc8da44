package path

import "kongwaf/detect"

type row struct {
	name         string
	attack, twin string
	source       detect.Source
	field        string
	isName       bool
}

var rows = []row{
	{name: "climbs to a password file", attack: "../../../../etc/passwd", twin: "../img/a.png"},
	{name: "one climb to a known file", attack: "../etc/passwd", twin: "../style/main.css"},
	{name: "backslashes", attack: "..\\..\\..\\windows\\win.ini", twin: "..\\readme.txt"},
	{name: "path parameters (Tomcat)", attack: "..;/..;/manager/html", twin: "a..;b"},
	{name: "doubled marks that a filter makes one", attack: "....//....//etc/passwd", twin: "wait..../ok"},
	{name: "mixed separators", attack: "..\\/..\\/etc/hosts", twin: "and\\/or"},
	{name: "NUL before an extension", attack: "../../secret\x00.png", twin: "../secret.png"},
	{name: "NUL inside the climb", attack: ".\x00./.\x00./etc/passwd", twin: "./a/./b"},
	{name: "inside a path", attack: "/static/img/../../../../etc/shadow", twin: "/static/img/../css/a.css"},
	{name: "absolute path", attack: "/etc/passwd", twin: "/usr/share/doc/readme"},
	{name: "process environment", attack: "/proc/self/environ", twin: "/process/self/start"},
	{name: "process by number", attack: "/proc/1234/cmdline", twin: "/proceedings/1234"},
	{name: "drive", attack: "C:\\Windows\\System32\\drivers\\etc\\hosts", twin: "C:\\Users\\me\\Documents\\report (final).docx"},
	{name: "drive with slashes", attack: "c:/boot.ini", twin: "c:/projects/site/index.html"},
	{name: "blank in a directory's name", attack: "c:\\Program Files\\Apache Group\\Apache\\logs\\access.log", twin: "c:\\Program Files\\Acme\\app.exe"},
	{name: "Java's own directory", attack: "/WEB-INF/web.xml", twin: "/webinfo/web.html"},
	{name: "repository", attack: "/.git/config", twin: "/.well-known/security.txt", source: detect.SourcePath},
	{name: "environment file", attack: "/.env", twin: "/.envoy-docs", source: detect.SourcePath},
	{name: "keys", attack: "/home/deploy/.ssh/id_rsa", twin: "/home/me/file.txt"},
	{name: "cloud credentials", attack: "/root/.aws/credentials", twin: "/credentials/new"},
	{name: "configuration of a server", attack: "/usr/local/apache2/conf/httpd.conf", twin: "/usr/local/share/man/httpd.8"},
	{name: "log to poison", attack: "/var/log/apache2/access.log", twin: "/blog/access"},
	{name: "PHP filter", attack: "php://filter/convert.base64-encode/resource=index", twin: "php://"[:3] + " filter"},
	{name: "PHP input", attack: "php://input", twin: "https://php.net/input"},
	{name: "archive wrapper", attack: "phar://upload.jpg/x", twin: "pharmacy://x"},
	{name: "command wrapper", attack: "expect://id", twin: "expect: id"},
	{name: "file URL", attack: "file:///etc/passwd", twin: "profile:/etc"},
	{name: "code in a data URL", attack: "data:text/plain;base64,PD9waHAgcGhwaW5mbygpOz8+", twin: "data:image/png;base64,iVBORw0KGgo="},
	{name: "assignment in a text", attack: "page=../../../etc/passwd", twin: "page=../../lib/a.js"},
	{name: "separators that only a faulty decoder reads", attack: "..%c0%9v..%c0%9v..%c0%9vetc%c0%9vpasswd", twin: "100%..50%..25%"},
	{name: "separators whose percent signs were lost", attack: "..2f..2f..2fetc2fpasswd", twin: "1..2..3..4"},
	{name: "separators that were lost", attack: "....etcpasswd", twin: "....etcetera"},
	{name: "path filled up", attack: "/" + filled + "/../x", twin: "/aaaa/bbbb"},
	{name: "administrative share", attack: "\\\\192.0.2.1\\c$\\x", twin: "\\\\d+\\\\w+"},
	{name: "link in a text", attack: "../../../../x", twin: "See the section in [routing](../../../../reference/other.md) for more."},
	{name: "import", attack: "../../../app", twin: "import x from '../../../lib/a'"},
	{name: "spread", attack: "../../x", twin: "f(...args) / 2"},
	{name: "file name in prose", attack: "/etc/shadow", twin: "/etc/hosts needs editing, says wiki"},
	{name: "ellipsis", attack: "/../../x", twin: "wait.../then"},
	{name: "version and date", attack: "/etc/issue", twin: "1.2.3/2026/11/21"},
	{name: "climbs without a target", attack: "../../../", twin: "../.."},
	{name: "raw path of a request", attack: "/a/..%2f/../b", twin: "/a/b..c/d", source: detect.SourcePath},
}

const filled = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
