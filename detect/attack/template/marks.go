package template

import (
	"strings"

	"kongwaf/detect/attack/value"
)

// Forms that have no delimiter of their own, or several at once.

// marks judges texts by how their delimiters stand: those of several engines in a row, which
// only a probe has (${{<%[%'"}}%\); a product in single braces and nothing else ({7*7});
// a dollar sign that is parted from its brace ($\A{2*2}).
func (r *reader) marks(v *value.Value) {
	s := r.src
	for _, row := range [...]string{"{{<%", "<%[%", "{{${", "${{<", "#{<%", "{%<%"} {
		if i := strings.Index(s, row); i >= 0 {
			r.see(likely, i, i+len(row), "delimiters of several engines")
		}
	}
	if v.Traits.All(bracedSum) && len(s) >= 5 && len(s) <= 24 && s[0] == '{' && s[len(s)-1] == '}' && product(s[1:len(s)-1]) {
		r.see(probing, 0, len(s), "sum of constants")
	}
	if !v.Traits.All(spelt) {
		return
	}
	for i := 0; i+4 < len(s); i++ {
		if s[i] != '$' || s[i+1] != '\\' || !letter(s[i+2]) || s[i+3] != '{' {
			continue
		}
		d := delimiter{open: "${", close: "}", probe: clear}
		var p reading
		r.read(&p, i+4, &d)
		if p.closed && p.valid && (p.constant || p.confidence > 0) {
			r.see(max(p.confidence, likely), i, p.stop, "delimiter in two pieces")
		}
		if r.work -= p.stop - i; r.work < 0 {
			return
		}
	}
}

// product reports whether a text is numbers with stars between them.
func product(s string) bool {
	stars := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
		case c == '*' && i > 0 && i+1 < len(s) && s[i-1] != '*':
			stars++
		default:
			return false
		}
	}
	return stars > 0
}

// included returns where the name of a file ends that a statement includes which no template
// of an application is: an absolute path, one that climbs, a URL. It returns 0 if there is none.
func included(s string) int {
	rest := strings.TrimLeft(s, " -+")
	for _, word := range [...]string{"include", "extends", "import", "source", "embed", "from", "ssi", "use"} {
		name, ok := strings.CutPrefix(rest, word)
		if !ok {
			continue
		}
		name = strings.TrimLeft(name, " (")
		if name == "" || name[0] != '"' && name[0] != '\'' {
			return 0
		}
		end := strings.IndexByte(name[1:], name[0])
		if end < 0 {
			return 0
		}
		file := name[1 : 1+end]
		if strings.HasPrefix(file, "/") && strings.Count(file, "/") > 1 || strings.HasPrefix(file, "..") || strings.Contains(file, "://") {
			return len(s) - len(name) + end + 2
		}
		return 0
	}
	return 0
}

// lookup reports whether an expression is a lookup of Log4j or Commons Configuration that
// tells of the system, the process or the container: sys:os.name, java:version, env:DB_PASSWORD.
// Other variables of the environment are what configurations are made of.
func lookup(s string) bool {
	name, key, ok := strings.Cut(strings.TrimSuffix(s, "}"), ":")
	if !ok || key == "" || strings.ContainsAny(key, " /\"'(),;{}") {
		return false
	}
	switch name {
	case "sys", "java", "docker", "k8s", "main", "jvmrunargs", "bundle", "const", "spring":
		return key[0] != '-'
	case "env":
		for _, word := range [...]string{"PASSWORD", "SECRET", "_KEY", "TOKEN", "CREDENTIAL"} {
			if strings.Contains(key, word) {
				return true
			}
		}
	}
	return false
}
