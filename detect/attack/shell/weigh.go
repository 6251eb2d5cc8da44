package shell

import (
	"strings"

	"kongwaf/detect/attack/document"
	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/words"
)

// args is what was seen of a command's arguments.
type args struct {
	end       int  // after the last byte that was looked at
	count     int  // words
	option    bool // -x
	slash     bool // /x: an option of cmd.exe or a path
	path      bool // a path, a wildcard
	sensitive bool // a path into the system
	host      bool // an address, a URL, a name with dots
	number    bool // the first word is a number
	verb      bool // the first word is a known sub-command
	command   bool // the first word is a command itself
	expansion bool // $x, $( ), backtick
	redirect  bool // > < >> 2>&1
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
		if a.count == 0 && (c == ';' || c == '|' || c == '&' || c == '\n' || c == '\r' || c == '`' || c == ')' || c == '#' && i > w.end || c == 0 || c == '"' || c == '\'' && i+1 == len(text) || c == '%' && i == w.end || c == '}') {
			a.tight = true
			a.entity = c == ';'
		}
		if c == ';' || c == '|' || c == '&' && !strings.HasPrefix(text[i:], "&>") || c == '\n' || c == '\r' || c == '`' || c == ')' {
			if c == '`' && a.count > 0 {
				a.expansion = true
			}
			break
		}
		switch {
		case c == '>' || c == '<' && (i+1 >= limit || !isLetter(text[i+1]) || w.end == i) || c == '&' || isDigit(c) && i+1 < limit && (text[i+1] == '>' || text[i+1] == '<'):
			a.redirect = true
			if c == '<' && w.end == i {
				a.ifs = true
			}
			for i < limit && (text[i] == '>' || text[i] == '<' || text[i] == '&' || isDigit(text[i])) {
				i++
			}
			a.end = i
			if i = s.blanks(i); i < limit && s.sensitive(i) {
				a.sensitive = true
			}
			// The target of the redirection is no argument.
			for i < limit && (wordish(text[i]) || text[i] == '.' || text[i] == '/') {
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
			a.host = true
		case a.count == 0 && (j == len(text) || !wordish(text[j])):
			a.number = true
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
			slashes++
		case c == ':':
			if strings.HasPrefix(text[j:], "://") {
				a.host = true
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
	case !a.verb || a.count > 0:
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
	if kind&plain != 0 && a.prose > 0 && !a.sensitive && !a.option {
		return 0
	}
	two := kind&takesPath != 0 && (a.option || a.path || a.expansion) ||
		kind&takesHost != 0 && (a.host || a.option || a.expansion) ||
		kind&takesNumber != 0 && a.number && a.count == 1 ||
		kind&takesCode != 0 && (a.option || a.code) ||
		kind&takesCommand != 0 && (a.command || a.option) ||
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

// weigh turns what was seen into a confidence.
func (s *lexer) weigh(w *word, a *args, ctx context, mark int) value.Match {
	kind := commands.OfBytes(w.name())
	if kind == 0 {
		var ok bool
		if kind, ok = s.unknown(w, a); !ok {
			if w.dynamic && ctx == afterMark && s.assigned(w) {
				return found(0.85, mark, w.end, "command made of variables")
			}
			return value.Match{}
		}
	}
	if kind&compound != 0 {
		if ctx == atStart {
			return s.compound(w)
		}
		return value.Match{}
	}
	if a.called {
		if kind&takesCommand == 0 || isPlainKind(kind) {
			return value.Match{}
		}
		return found(0.85, mark, min(len(s.text), a.end+16), "evaluation in PowerShell")
	}
	if ctx == inBraces && !w.brace {
		return value.Match{}
	}
	fit := a.fits(kind)
	if w.dir && !w.bin && fit < 3 && !w.glob {
		return value.Match{} // a path to something that is no command's
	}
	telling := w.spliced && w.n > 0 || w.dir && w.bin || w.glob && w.dir
	isPlain := kind&plain != 0
	confidence := 0.0
	switch {
	case fit == 3:
		confidence = 0.96
		if isPlain && !telling && ctx == atStart {
			confidence = 0.9
		}
	case telling && (fit > 0 || ctx != atStart || a.count == 0 || a.option):
		confidence = 0.88
		if ctx == atStart && fit == 0 {
			confidence = 0.75
		}
		if w.spliced && !w.bin && fit == 0 {
			confidence = 0.6
		}
		if w.dir && !w.bin {
			confidence = 0.5
		}
	case fit == 2:
		confidence = 0.9
		switch {
		case ctx == atStart && isPlain:
			confidence = 0.72
			if (a.prose > 0 || kind&(takesNumber|takesCommand) != 0) && !(kind&takesCode != 0 && a.code && a.option) && !(kind&takesVerb != 0 && a.verb && (a.slash || a.code)) {
				confidence = 0.5
			}
		case ctx == atStart:
			confidence = 0.8
			if a.prose > 0 && !a.option && !a.host && !(kind&takesSlash != 0 && a.slash) && !(kind&takesVerb != 0 && a.verb) {
				confidence = 0.6
			}
		case isPlain:
			confidence = 0.8
			if kind&takesCommand != 0 && a.prose > 0 {
				confidence = 0.5
			}
		}
	case fit == 1:
		confidence = s.lonely(w, a, ctx, mark, isPlain)
	case ctx == inSubst && a.count > 0 && !isPlain:
		confidence = 0.5
	}
	if ctx == afterText && confidence < 0.9 {
		confidence = min(confidence, 0.72)
		if a.count == 0 && isPlain && !(a.tight && mark == 0) {
			confidence = 0.5
		}
	}
	if confidence == 0 {
		return value.Match{}
	}
	return found(confidence, mark, max(a.end, w.end), shapes[ctx])
}

func isPlainKind(kind uint32) bool { return kind&plain != 0 }

var shapes = [...]string{
	atStart:   "command as value",
	afterMark: "command after operator",
	inSubst:   "command substitution",
	inBraces:  "command in brace list",
	afterText: "command after escaped newline",
}

// lonely weighs a command without arguments, where the place says nearly everything:
// ";id", "|id|", "127.0.0.1;id" and "$(id)" against "name;id;type", "a=1&id" and "| id | name |".
func (s *lexer) lonely(w *word, a *args, ctx context, mark int, isPlain bool) float64 {
	text := s.text
	if ctx == atStart {
		// id; or ls|: an operator after it says that more was to come.
		rest := strings.TrimLeft(text[w.end:], " \t")
		ended := rest != "" && len(rest) <= 2 && (rest[0] == ';' || rest[0] == '|' || rest[0] == '&')
		switch {
		case isPlain && ended:
			return 0.5
		case isPlain:
			return 0
		case ended:
			return 0.75
		}
		return 0.5
	}
	if ctx == inSubst {
		if isPlain && (w.end >= len(text) || text[w.end] != ')' && text[w.end] != '`') {
			return 0
		}
		if w.end < len(text) && text[w.end] == ')' && w.end+1 < len(text) && text[w.end+1] == '.' {
			k := w.end + 2
			for k < len(text) && isLetter(text[k]) {
				k++
			}
			if k == len(text) || text[k] == '(' || document.Of(text) != document.Line {
				return 0 // $(id).show()
			}
		}
		return 0.85
	}
	if a.entity && text[mark] == '&' && mark+1 == w.start {
		return 0 // &sub; of HTML
	}
	if s.isList() {
		return 0.3
	}
	for k := w.start; k < w.end; k++ {
		if c := text[k]; 'A' <= c && c <= 'Z' {
			return 0.5 // only cmd.exe ignores case
		}
	}
	if name := string(w.name()); name == "true" || name == "false" {
		return 0.3
	}
	if !isPlain {
		return 0.86
	}
	head := strings.TrimRight(text[:mark], " \t;|&+$\"'\r\n")
	head = strings.TrimLeft(head, " \t\"'+")
	switch {
	case head == "":
		if text[mark] == '\n' || text[mark] == '\r' {
			return 0.72
		}
		return 0.8
	case s.looseHead(head):
		return 0.76
	}
	return 0.5
}

// looseHead reports whether the text before an operator is what a program expects in the
// place of an argument (an address, a file, a number, one letter) rather than a word of a list.
func (s *lexer) looseHead(head string) bool {
	if len(head) <= 1 {
		return true
	}
	last := head[len(head)-1]
	if last == ')' || last == '\'' || last == '"' {
		return true
	}
	dots, others, digits := 0, 0, 0
	for i := 0; i < len(head) && i < 64; i++ {
		switch c := head[i]; {
		case c == '.' || c == '/' || c == '@':
			dots++
		case isDigit(c):
			digits++
		case isLetter(c) || c == '-' || c == '_' || c == '=':
		default:
			others++
		}
	}
	return others == 0 && (dots > 0 || digits == len(head) || commands.Of(head) != 0)
}

// isList reports whether the text is a list of plain words between separators, such as a
// CSV header or a table's row: three or more, most of them no commands.
func (s *lexer) isList() bool {
	if s.list != 0 {
		return s.list > 0
	}
	s.list = -1
	text := s.text
	if len(text) > 4096 {
		text = text[:4096]
	}
	fields, known, start := 0, 0, 0
	for i := 0; i <= len(text); i++ {
		if i < len(text) && text[i] != ';' && text[i] != '|' && text[i] != '&' && text[i] != '\n' {
			continue
		}
		f := strings.Trim(text[start:i], " \t\r\"'")
		start = i + 1
		if f == "" {
			continue
		}
		fields++
		if commands.Of(f) != 0 || len(f) == 1 || strings.ContainsAny(f, "./ ") {
			known++
		}
	}
	if fields >= 3 && known*2 < fields+1 {
		s.list = 1
	}
	return s.list > 0
}

// compound recognises a compound command: for .. do .. done, if .. then .. fi, case .. esac.
func (s *lexer) compound(w *word) value.Match {
	text := s.text[w.start:min(len(s.text), w.start+256)]
	name := w.name()
	has := func(word string) bool {
		i := words.Index(text, word)
		return i > 0 && !wordish(text[i-1]) && (i+len(word) == len(text) || !wordish(text[i+len(word)]))
	}
	marked := strings.IndexByte(text, ';') > 0 || strings.IndexByte(text, '\n') > 0
	ok := false
	switch {
	case !marked:
	case words.HasPrefix(string(name), "if"):
		ok = has("then") && has("fi")
	case words.HasPrefix(string(name), "case"):
		ok = has("in") && has("esac")
	case words.HasPrefix(string(name), "function"):
		ok = strings.Contains(text, "()") && has("echo")
	default:
		ok = has("do") && has("done") || strings.Contains(text, "; {") && has("echo")
	}
	if !ok {
		return value.Match{}
	}
	return found(0.8, w.start, w.start+len(text), "compound command")
}
