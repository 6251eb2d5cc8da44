package shell

import (
	"strings"
)

// What may stand for a command without being its name: wildcards, variables, PowerShell.

// hyphened reports whether a name has the form of PowerShell's commands.
func hyphened(name []byte) bool {
	for i := 1; i+1 < len(name); i++ {
		if name[i] == '-' {
			return true
		}
	}
	return false
}

// unknown judges a name that is not in the table: a path with wildcards, a PowerShell
// command, a name made by an expansion.
func (s *lexer) unknown(w *word, a *args) (kind uint32, ok bool) {
	switch {
	case w.glob && w.dir && (w.bin && !w.quoted || globs(s.text[w.start:w.end]) >= 2 && startsLikeBin(s.text[w.start:w.end])):
		w.bin = true
		return takesPath | takesCode | alone, true
	}
	name := w.name()
	for i := 1; i+2 < len(name); i++ {
		if name[i] == '-' {
			if !w.dir && powershell.OfBytes(name[:i]) != 0 && isLetter(name[i+1]) && 'A' <= name[i+1] && name[i+1] <= 'Z' {
				return takesCode, true
			}
			break
		}
	}
	return 0, false
}

// assigned reports whether a variable of the dynamic word w was set just before, in the
// value itself, not far before: a=c;b=at;$a$b.
func (s *lexer) assigned(w *word) bool {
	if !s.work.Spend(aroundCost) {
		return false
	}
	t := s.text[w.start:w.end]
	k := strings.IndexByte(t, '$')
	if k < 0 || k+1 >= len(t) {
		return false
	}
	name := strings.TrimLeft(t[k+1:], "{")
	n := 0
	for n < len(name) && (isLetter(name[n]) || name[n] == '_') {
		n++
	}
	if n == 0 {
		return false
	}
	before := s.text[max(0, w.start-256):w.start]
	for i := 0; ; {
		k := strings.Index(before[i:], name[:n])
		if k < 0 {
			return false
		}
		i += k + n
		if i < len(before) && before[i] == '=' && (i == n || !wordish(before[i-n-1]) && before[i-n-1] != '.' && before[i-n-1] != '$') {
			return true
		}
	}
}

// globs counts the wildcards of a path.
func globs(path string) int {
	n := 0
	for i := 0; i < len(path); i++ {
		if path[i] == '?' || path[i] == '*' || path[i] == '[' {
			n++
		}
	}
	return n
}

// startsLikeBin reports whether a wildcard path can lead to /bin, /usr/bin or /sbin.
func startsLikeBin(path string) bool {
	if !strings.HasPrefix(path, "/") {
		return false
	}
	end := strings.IndexByte(path[1:], '/')
	if end < 1 || end > 6 {
		return false
	}
	dir := path[1 : 1+end]
	for _, bin := range [...]string{"bin", "usr", "sbin", "etc", "opt"} {
		if globMatch(dir, bin) {
			return true
		}
	}
	return false
}

// globMatch reports whether the pattern of ?, * and letters can mean name. Sets count as ?.
func globMatch(pattern, name string) bool {
	p, n := 0, 0
	for p < len(pattern) {
		switch c := pattern[p]; {
		case c == '*':
			return true
		case n >= len(name):
			return false
		case c == '[':
			k := strings.IndexByte(pattern[p:], ']')
			if k < 0 {
				return false
			}
			p += k
		case c != '?' && c != name[n]:
			return false
		}
		p++
		n++
	}
	return n == len(name)
}
