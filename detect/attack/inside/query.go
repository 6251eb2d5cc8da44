package inside

import (
	"strings"
	"unsafe"

	"kongwaf/detect"
	"kongwaf/detect/attack/words"
)

// Request looks at a request as a whole. It allocates nothing if nothing is found.
func Request(r *detect.Request) (findings []detect.Finding) {
	see := report{findings: &findings}
	headers(r, see)
	if len(r.Body) > 0 && isForm(r) {
		body := r.Body[:min(len(r.Body), longestForm)]
		invoked(unsafe.String(unsafe.SliceData(body), len(body)), "body.form.", see)
	}
	path, query, ok := strings.Cut(r.Target, "?")
	if i := strings.IndexByte(path, ';'); i >= 0 && hidesEnding(path[i:]) {
		see.add(detect.ClassPathTraversal, attack, "path", path[i:])
	}
	if !ok || query == "" {
		return findings
	}
	if class, confidence := wholeQuery(query); confidence > 0 {
		see.add(class, confidence, "query", query)
	}
	invoked(query, "query.", see)
	return findings
}

// longestForm is how much of a form is looked at, in bytes.
const longestForm = 4 << 10

func isForm(r *detect.Request) bool {
	contentType, ok := r.Header("content-type")
	return ok && words.HasPrefix(contentType, "application/x-www-form-urlencoded")
}

// report collects findings.
type report struct{ findings *[]detect.Finding }

func (r report) add(class detect.Class, confidence float64, place detect.Place, evidence string) {
	const most = 8 // an abusive request must not make a long report
	if len(*r.findings) < most {
		*r.findings = append(*r.findings, detect.Finding{Class: class, Place: place, Confidence: confidence, Evidence: shown(evidence)})
	}
}

// shown is an evidence of bounded length; a copy, since the request's bytes may be used again.
func shown(s string) string {
	const longest = 120
	return strings.Clone(strings.ToValidUTF8(s[:min(len(s), longest)], "?"))
}

// hidesEnding reports whether a path from a semicolon on is a matrix parameter that is
// nothing but the ending of a harmless file: "/app/users;.css" is the users' page to the
// application and a style sheet to the filter before it.
func hidesEnding(rest string) bool {
	for rest != "" {
		rest = rest[1:]
		if strings.HasPrefix(rest, ".") {
			end := strings.IndexAny(rest, ";/")
			if end < 0 {
				end = len(rest)
			}
			if end > 2 && endings.Of(rest[1:end]) != 0 {
				return true
			}
		}
		i := strings.IndexByte(rest, ';')
		if i < 0 {
			return false
		}
		rest = rest[i:]
	}
	return false
}

var endings = words.New(words.Group{Kind: 1, Words: "jsp js css png jpg gif ico svg html json woff txt map"})

// wholeQuery judges a query that is no list of parameters.
func wholeQuery(query string) (class detect.Class, confidence float64) {
	switch {
	case query[0] == '-' || strings.HasPrefix(query, "%AD") || strings.HasPrefix(query, "%ad"):
		if isOption(strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(query, "-"), "%AD"), "%ad")) {
			return detect.ClassRCE, attack
		}
	case strings.HasPrefix(query, "unix:"):
		return detect.ClassSSRF, attack
	case query[0] == '@':
		// page?@host/...: the path of the page to one parser, the user before a host to another.
		host, _, slash := strings.Cut(query[1:], "/")
		if slash && strings.IndexByte(host, '.') > 0 && !strings.ContainsAny(host, "=& ") {
			return detect.ClassSSRF, attack
		}
	}
	return detect.ClassNone, 0
}

// isOption reports whether a query, behind its first hyphen, is an option on the command line
// of the program that runs the page, as CGI hands queries without "=" to it (RFC 3875 section
// 4.4): "s", "d+allow_url_include%3d1", "-env=local".
func isOption(s string) bool {
	if s == "" {
		return false
	}
	letter := s[0] | 0x20
	switch {
	case s[0] == '-':
		name, _, ok := strings.Cut(s[1:], "=")
		return ok && (name == "env" || name == "no-debug")
	case letter < 'a' || letter > 'z':
		return false
	case len(s) == 1:
		return strings.IndexByte("sinbctdzfe", letter) >= 0
	}
	return (s[1] == '+' || strings.HasPrefix(s[1:], "%20")) && (strings.Contains(s, "%3d") || strings.Contains(s, "%3D") || strings.IndexByte(s, '=') > 0)
}

// invoked looks for parameters by which a framework's dispatcher calls any function:
// function=call_user_func_array&vars[0]=system, _method=__construct, _path=_controller=system.
func invoked(query string, place detect.Place, see report) {
	for rest := query; rest != ""; {
		var p string
		p, rest, _ = strings.Cut(rest, "&")
		name, value, ok := strings.Cut(p, "=")
		if !ok || name == "" || len(name) > 24 || len(value) < 4 {
			continue
		}
		switch name[0] {
		case 'v', 'f', '_', 'm': // as the names below
		default:
			continue
		}
		calls := false
		switch base := baseName(name); {
		case base == "vars" && strings.IndexByte(name, '0') > 0, base == "function":
			calls = functions.Of(value) != 0
		case base == "_method", base == "method":
			calls = value == "__construct"
		case base == "_path":
			calls = strings.HasPrefix(value, "_controller")
		}
		if calls {
			see.add(detect.ClassRCE, attack, place+detect.Place(strings.Clone(name)), p)
		}
	}
}

// baseName returns the name before its brackets, as sent or percent-encoded.
func baseName(name string) string {
	if i := strings.IndexAny(name, "[%"); i > 0 {
		return name[:i]
	}
	return name
}

// functions are PHP's by which everything else can be run.
var functions = words.New(words.Group{Kind: 1, Words: "system exec shell_exec passthru popen proc_open pcntl_exec assert eval phpinfo call_user_func call_user_func_array create_function file_put_contents"})
