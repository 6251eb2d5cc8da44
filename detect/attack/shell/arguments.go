package shell

import (
	"strings"

	"kongwaf/detect/attack/words"
)

// The arguments of a command: which kinds of words follow its name, and whether they fit.

// args is what was seen of a command's arguments.
type args struct {
	end       int  // after the last byte that was looked at
	count     int  // words
	option    bool // -x
	slash     bool // /x: an option of cmd.exe or a path
	path      bool // a path, a wildcard
	sensitive bool // a path into the system
	host      bool // an address, a URL, a name with dots
	address   bool // an address in numbers
	number    bool // the first word is a number
	sum       bool // ... and an operator follows
	verb      bool // the first word is a known sub-command
	command   bool // the first word is a command itself
	expansion bool // $x, $( ), backtick
	redirect  bool // > < >> 2>&1
	target    bool // the redirection leads to a file that is named with a dot or a slash
	code      bool // quoted text, or an option that takes code (-c, -e)
	prose     int  // words that are none of this
	ifs       bool // the name was ended by $IFS, a redirection or a comma: an evasion of blanks
	tight     bool // nothing follows: the end, an operator, a quote, a comment
	entity    bool // &name; of HTML
	called    bool // an opening bracket follows the name: a call of another language
}

const argWords, argBytes = 5, 160

// arguments looks at what follows the name: at most five words or 160 bytes.
func (s *lexer) arguments(w *word, kind uint32) args {
	text := s.text
	a := args{end: w.end}
	i := w.end
	if i < len(text) && text[i] == '$' || w.brace {
		a.ifs = true
		if w.brace {
			i++
		} else {
			i = s.skipExpansion(i, min(len(text), i+24))
		}
		if i < len(text) && text[i] == '$' { // ${IFS}$9
			if k := s.skipExpansion(i, min(len(text), i+8)); k-i <= 2 {
				i = k
			}
		}
	}
	if i < len(text) && text[i] == '(' {
		a.called = true
	}
	limit := min(len(text), i+argBytes)
	for a.count < argWords {
		i = s.blanks(i)
		if i >= limit {
			a.tight = a.tight || a.count == 0
			break
		}
		c := text[i]
		if a.count == 0 && i == w.end && !w.brace && !a.ifs && (c == '"' || c == '\'') {
			a.tight = true
			break // the end of somebody's string
		}
		if c == '<' && i > w.end-1 && closingTag(text[i:]) {
			a.tight = a.tight || a.count == 0
			break
		}
		if a.count == 0 && (c == ';' || c == '|' || c == '&' || c == '\n' || c == '\r' || c == '`' || c == ')' || c == '#' && i > w.end || c == 0 || c == '"' || c == '\'' && i+1 == len(text) || c == '%' && i == w.end || c == '}') {
			a.tight = true
			a.entity = c == ';'
		}
		if c == '#' && i > w.end || c == ';' || c == '|' || c == '&' && !strings.HasPrefix(text[i:], "&>") || c == '\n' || c == '\r' || c == '`' || c == ')' {
			if c == '`' && a.count > 0 {
				a.expansion = true
			}
			break
		}
		switch {
		case c == '>' || c == '<' && (i+1 >= limit || !isLetter(text[i+1]) || w.end == i) || c == '&' || isDigit(c) && i+1 < limit && (text[i+1] == '>' || text[i+1] == '<') && !closingTag(text[i+1:]):
			a.redirect = true
			if c == '<' && w.end == i {
				a.ifs = true
			}
			for i < limit && (text[i] == '>' || text[i] == '<' || text[i] == '&' || isDigit(text[i]) || text[i] == '-' && (i+1 == len(text) || text[i+1] == ' ')) {
				i++
			}
			a.end = i
			if i = s.blanks(i); i < limit && s.sensitive(i) {
				a.sensitive = true
			}
			// The target of the redirection is no argument.
			for i < limit && (wordish(text[i]) || text[i] == '.' || text[i] == '/') {
				a.target = a.target || text[i] == '.' || text[i] == '/'
				i++
			}
			continue
		case c == '{' && i+3 < limit && (text[i+2] == '}' || text[i+3] == '}'):
			// {a}> file
			i += strings.IndexByte(text[i:], '}') + 1
			if i < limit && (text[i] == '>' || text[i] == '<' || text[i] == '&') {
				continue
			}
		}
		if i >= limit {
			break
		}
		s.argument(i, &a, kind)
		a.count++
		// Over the word; an operator ends it, quotes may hold blanks.
		start := i
		if c := text[i]; c == '"' || c == '\'' {
			if k := strings.IndexByte(text[i+1:limit], c); k >= 0 {
				i += k + 2
			}
		}
		for i < limit && text[i] != ' ' && text[i] != '\t' && !(text[i] == '+' && s.plus) {
			if b := text[i]; b == ';' || b == '|' || b == '&' || b == '\n' || b == '\r' || b == '`' || b == '>' || b == '<' || b == ')' || w.brace && (b == ',' || b == '{' || b == '}') {
				break
			}
			if text[i] == '$' && i > start {
				if k := s.skipExpansion(i, limit); k > i && s.isIFS(i, k) {
					i = k
					break
				}
				if i+1 < limit && text[i+1] == '(' {
					break
				}
			}
			i++
		}
		a.end = i
		if i == start || w.brace {
			break
		}
		if i < limit && text[i] == '$' || text[start] == '\\' && a.count > 2 {
			a.expansion = true
			break
		}
	}
	return a
}

// argument notes what kind of word begins at i.
func (s *lexer) argument(i int, a *args, kind uint32) {
	text := s.text
	c := text[i]
	quoted := false
	if c == '"' || c == '\'' {
		quoted = true
		a.code = true
		if i++; i >= len(text) {
			return
		}
		c = text[i]
	}
	switch {
	case c == '-' && s.option(i):
		a.option = true
		if o := text[i+1] | 0x20; (o == 'c' || o == 'e' || o == 'r' || o == 'n' && i+2 < len(text) && isDigit(text[i+2])) && a.count < 3 {
			a.code = true
		}
		return
	case c == '/':
		a.path = true
		a.slash = i+1 < len(text) && isLetter(text[i+1])
	case c == '~' || c == '*' || c == '.' && i+1 < len(text) && (text[i+1] == '/' || text[i+1] == '.' || text[i+1] == '\\') || c == '%':
		a.path = a.path || c != '%' || s.sensitive(i)
	case c == '$':
		a.expansion = i+1 < len(text) && (text[i+1] == '(' || text[i+1] == '{' || isLetter(text[i+1]) || text[i+1] == '@')
	case isDigit(c):
		j := i
		dots := 0
		for j < len(text) && (isDigit(text[j]) || text[j] == '.') {
			if text[j] == '.' {
				dots++
			}
			j++
		}
		switch {
		case dots == 3:
			a.host, a.address = true, true
		case a.count == 0 && (j == len(text) || !wordish(text[j])):
			a.number = true
			a.sum = j+1 < len(text) && strings.IndexByte("+*/%", text[j]) >= 0 && isDigit(text[j+1])
		case a.count > 0:
		default:
			a.prose++
		}
	case isLetter(c):
		s.letters(i, a, kind)
	default:
		if c == ':' && i+1 < len(text) && text[i+1] == ':' {
			a.host = true
		} else if !quoted {
			a.prose++
		}
	}
	if !a.sensitive && s.sensitive(i) {
		a.sensitive, a.path = true, true
	}
}

// letters notes what kind of word begins with the letter at i: a name, a path, a URL, a
// drive, a host, a sub-command.
func (s *lexer) letters(i int, a *args, kind uint32) {
	text := s.text
	j := i
	dots, slashes := 0, 0
	for j < len(text) && j < i+64 {
		c := text[j]
		switch {
		case c == '.':
			if j+1 < len(text) && wordish(text[j+1]) {
				dots++
			}
		case c == '/' || c == '\\':
			if slashes == 0 && c == '/' && dots > 0 && kind&takesHost != 0 && j+1 < len(text) && wordish(text[j+1]) {
				a.host = true // host.example/file
			}
			slashes++
		case c == ':':
			if strings.HasPrefix(text[j:], "://") {
				a.host = true
				return
			}
			if strings.HasPrefix(text[j:], "::") {
				a.prose++ // a name of a program's: Module::name
				return
			}
			if j == i+1 && (j+1 >= len(text) || text[j+1] == '\\' || text[j+1] == '/' || text[j+1] == ' ' || text[j+1] == '"') {
				a.path = true
				return
			}
		case c == '?' || c == '*':
			a.path = true
		case !wordish(c):
			goto done
		}
		j++
	}
done:
	if a.count == 0 {
		if kind&takesVerb != 0 && s.verb(i) {
			a.verb = true
		}
	}
	if a.count == 0 && kind&takesCommand != 0 {
		var inner word
		s.lexWord(i, &inner)
		if k := commands.OfBytes(inner.name()); k != 0 {
			a.command = true
		}
	}
	switch {
	case dots > 0 && slashes == 0 && j-i > 3:
		a.host = true
		a.path = true
	case slashes > 0 || dots > 0:
		a.path = true
	case (!a.verb && !a.command) || a.count > 0:
		a.prose++
	}
}

// fits grades the arguments for a command: 0 they do not fit, 1 the name alone, 2 they
// fit, 3 they tell of an intruder.
func (a *args) fits(kind uint32) int {
	fit := 0
	if kind&alone != 0 && a.tight {
		fit = 1
	}
	if kind&takesVerb != 0 && a.verb && (kind&plain == 0 || a.slash || a.count <= 2 || a.code) {
		return 2
	}
	if a.prose > 1 && !a.sensitive && !a.option && !a.expansion && !(kind&takesSlash != 0 && a.slash) && !(kind&plain == 0 && a.host) {
		return 0
	}
	if kind&plain != 0 && a.prose > 0 && !a.sensitive && !a.option && !(kind&takesSlash != 0 && a.slash) &&
		!(kind&takesWords != 0 && (a.expansion || a.target)) && !(kind&takesSum != 0 && a.number) && !(kind&takesCommand != 0 && a.command && a.code) {
		return 0
	}
	two := kind&takesPath != 0 && (a.option || a.path || a.expansion) ||
		kind&takesHost != 0 && (a.host || a.option || a.expansion) ||
		kind&takesNumber != 0 && (a.number && a.prose == 0 || a.option) ||
		kind&takesSum != 0 && a.number && (a.count == 1 && a.sum || a.count == 3) ||
		kind&takesCode != 0 && (a.option || a.code) ||
		kind&takesCommand != 0 && (a.command || a.option || a.expansion && a.prose == 0) ||
		kind&takesWords != 0 && (a.expansion || a.code || a.option || a.redirect) ||
		kind&takesSlash != 0 && a.slash ||
		kind&takesVerb != 0 && a.verb ||
		kind&alone != 0 && (a.option || a.path && kind&plain == 0) ||
		a.redirect && kind&plain == 0
	if two {
		fit = 2
	}
	if a.sensitive && (fit == 2 || a.redirect) || fit == 2 && a.ifs ||
		kind&takesCode != 0 && a.code && a.sensitive || kind&takesHost != 0 && a.host && a.option {
		fit = 3
	}
	return fit
}

// closingTag reports whether a closing tag begins a text: </p>.
func closingTag(t string) bool {
	if len(t) < 4 || t[1] != '/' || !isLetter(t[2]) {
		return false
	}
	k := strings.IndexByte(t[:min(len(t), 16)], '>')
	return k > 0 && strings.IndexByte(t[2:k], '/') < 0
}

// asks reports whether the only argument, in what follows the name, asks a program about
// itself: perl -v.
func (a *args) asks(rest string) bool {
	if a.count != 1 || !a.option {
		return false
	}
	switch strings.TrimSpace(rest[:min(len(rest), 16)]) {
	case "-v", "-V", "-version", "--version", "-h", "--help", "-help":
		return true
	}
	return false
}

// verb reports whether the word at i is a known sub-command.
func (s *lexer) verb(i int) bool {
	j := i
	for j < len(s.text) && j < i+20 && (wordish(s.text[j])) {
		j++
	}
	return j > i && verbs.Of(s.text[i:j]) != 0
}

// option reports whether a dash option begins at i: -x, --long.
func (s *lexer) option(i int) bool {
	t := s.text
	if t[i] != '-' || i+1 >= len(t) {
		return false
	}
	if t[i+1] == '-' {
		return i+2 < len(t) && isLetter(t[i+2])
	}
	return isLetter(t[i+1]) || isDigit(t[i+1])
}

// sensitive reports whether the path that begins at i leads into the system.
func (s *lexer) sensitive(i int) bool {
	t := s.text[i:min(len(s.text), i+48)]
	if t == "" {
		return false
	}
	switch t[0] {
	case '/', '~', '%', '.', '$', 'c', 'C', 'd', 'D':
	default:
		return false
	}
	for _, p := range [...]string{"/etc/", "/proc/", "/var/", "/root", "/home/", "/bin/", "/usr/", "/tmp/", "/dev/", "~/.", "c:", "d:", "%systemroot%", "%windir%", "%comspec%", "../../", "$home"} {
		if words.HasPrefix(t, p) {
			return true
		}
	}
	return false
}
