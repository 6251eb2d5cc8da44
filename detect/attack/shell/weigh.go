package shell

import (
	"strings"

	"kongwaf/detect/attack/document"
	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/words"
)

// From what was seen of a command to a confidence.

// weigh turns what was seen into a confidence.
func (s *lexer) weigh(w *word, a *args, ctx context, mark int) value.Match {
	kind := commands.OfBytes(w.name())
	if kind == 0 {
		var ok bool
		if kind, ok = s.unknown(w, a); !ok {
			if w.dynamic && !w.assign && ctx == afterMark && s.assigned(w) {
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
	if isPlain && kind&takesWords != 0 && !a.redirect && !a.sensitive && (ctx == atStart || ctx == afterMark && (s.text[mark] == '\n' || s.text[mark] == '\r')) {
		confidence = min(confidence, 0.5) // echo $x shows something; what it shows is judged by itself
	}
	if ctx == atStart && (kind&prelude != 0 && !a.sensitive || a.asks(s.text[w.end:])) {
		confidence = min(confidence, 0.5)
	}
	if ctx == atStart && isPlain && kind&(takesHost|takesVerb) == takesHost && !a.address && !a.option && !a.expansion {
		confidence = min(confidence, 0.6) // "ping google.com" is also what people search for
	}
	if ctx == afterText && confidence < 0.9 {
		confidence = min(confidence, 0.72)
		if a.count == 0 && isPlain && !(a.tight && mark == 0) {
			confidence = 0.5
		}
	}
	if confidence < 0.75 && !isPlain && ctx == afterMark && a.count > 0 && a.prose < 3 && headless(s.text[:mark+1]) && !s.isList() {
		confidence = 0.75 // nothing stands before the operator that a text could have begun with
	}
	if confidence == 0 {
		return value.Match{}
	}
	return found(confidence, mark, max(a.end, w.end), shapes[ctx])
}

// headless reports whether the text up to an operator is nothing but that operator and marks
// of the same kind, or a quote: what leaves a word at once.
func headless(head string) bool {
	if c := head[len(head)-1]; !isOperator(c) {
		return false
	}
	for i := 0; i < len(head); i++ {
		if c := head[i]; !isOperator(c) && c != ' ' && c != '\'' && c != '"' || i == 8 {
			return false
		}
	}
	return true
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
	if strings.IndexByte(text, '\n') >= 0 {
		return found(0.5, w.start, w.start+len(text), "compound command") // lines of a script
	}
	return found(0.8, w.start, w.start+len(text), "compound command")
}
