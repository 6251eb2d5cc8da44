package shell

import (
	"strings"

	"kongwaf/detect/attack/document"
	"kongwaf/detect/attack/value"
)

// From what was seen of a command to a confidence.

// weigh turns what was seen into a confidence.
func (s *lexer) weigh(w *word, a *args, ctx context, mark int) value.Match {
	kind := commands.OfBytes(w.name())
	if kind == 0 {
		var ok bool
		if kind, ok = s.unknown(w, a); !ok {
			if w.dynamic && !w.assign && ctx == afterMark && s.assigned(w) {
				return found(likely, mark, w.end, "command made of variables")
			}
			return value.Match{}
		}
	}
	if kind&compound != 0 {
		if ctx == atStart || ctx == afterMark || ctx == inSubst {
			return s.compound(w, ctx)
		}
		return value.Match{}
	}
	if a.called {
		if kind&takesCommand == 0 || isPlainKind(kind) {
			return value.Match{}
		}
		return found(likely, mark, min(len(s.text), a.end+16), "evaluation in PowerShell")
	}
	if ctx == inBraces && !w.brace {
		return value.Match{}
	}
	fit := a.fits(kind)
	s.seen.fit, s.seen.plain, s.seen.loud = fit, kind&plain != 0, a.option || a.host || a.sensitive || a.redirect || a.slash
	switch {
	case fit > 0:
	case hyphened(w.name()) && a.tight:
		fit = 1
	case hyphened(w.name()) && ctx == inSubst && w.n > 0 && 'A' <= w.buf[0] && w.buf[0] <= 'Z':
		fit = 2 // $(Get-Content x)
	case ctx == inSubst && s.text[mark] == '$' && a.count > 0 && (a.code || a.prose == 0 && (a.redirect || a.expansion)),
		ctx == afterMark && kind&takesCode != 0 && a.path && a.prose == 0 && a.count == 1:
		fit = 2 // $(tr 'a' 'b'<<<c), ; sh ./x.sh
	}
	if w.dir && !w.bin && fit < 3 && !w.glob {
		return value.Match{} // a path to something that is no command's
	}
	odd := w.spliced && w.n > 0 || w.dir && w.bin || w.glob && w.dir
	isPlain := kind&plain != 0
	confidence := 0.0
	switch {
	case fit == 3:
		confidence = certain
		if isPlain && !odd && ctx == atStart {
			confidence = clear
		}
	case odd && (fit > 0 || ctx != atStart || a.count == 0 || a.option):
		confidence = telling
		if ctx == atStart && fit == 0 {
			confidence = blocks
		}
		if w.spliced && !w.bin && fit == 0 {
			confidence = doubtful
		}
		if w.dir && !w.bin {
			confidence = faint
		}
	case fit == 2:
		confidence = clear
		switch {
		case ctx == atStart && isPlain:
			confidence = barely
			if (a.prose > 0 || kind&(takesNumber|takesCommand) != 0) && !(kind&takesCode != 0 && a.code && a.option) && !(kind&takesVerb != 0 && a.verb && (a.slash || a.code)) {
				confidence = faint
			}
		case ctx == atStart:
			confidence = atPlace
			if a.prose > 0 && !a.option && !a.host && !(kind&takesSlash != 0 && a.slash) && !(kind&takesVerb != 0 && a.verb) {
				confidence = doubtful
			}
		case isPlain:
			confidence = atPlace
			if kind&takesCommand != 0 && a.prose > 0 && !(a.command && a.code) {
				confidence = faint
			}
		}
	case fit == 1:
		confidence = s.lonely(w, a, ctx, mark, isPlain)
	case ctx == inSubst && a.count > 0 && !isPlain:
		confidence = faint
	}
	if ctx == atStart && isPlain && a.prose > 1 && !(a.slash && kind&takesVerb != 0) {
		confidence = min(confidence, doubtful) // "Copy ~/x to the server"
	}
	if ctx == atStart && isPlain && fit < 3 && 'A' <= s.text[w.start] && s.text[w.start] <= 'Z' && w.end > w.start+1 && s.text[w.start+1] >= 'a' {
		confidence = min(confidence, faint) // "File Storage/Sharing": a title
	}
	if (fit < 3 || w.n < 4 && w.n > 0 && w.buf[0] >= 'a') && miscased(w.name()) && !hyphened(w.name()) ||
		ctx == atStart && a.redirect && a.count == 0 && !a.sensitive && !a.target && !s.traits.Any(value.White) && !s.plus {
		confidence = min(confidence, faint)
	}
	if isPlain && kind&takesWords != 0 && !a.redirect && !a.sensitive && (ctx == atStart || ctx == afterMark && (s.text[mark] == '\n' || s.text[mark] == '\r')) {
		confidence = min(confidence, faint) // echo $x shows something; what it shows is judged by itself
		if ctx == atStart && !a.code && !a.option && !strings.Contains(s.text, "$(") && strings.IndexByte(s.text, '`') < 0 {
			confidence = min(confidence, hint) // "Test ${id}": a template's place for a name
		}
	}
	if ctx == atStart && (kind&prelude != 0 && !a.sensitive || a.asks(s.text[w.end:])) ||
		ctx == inSubst && mark == 0 && s.text[0] == '`' && kind&prelude != 0 && !a.sensitive && s.ends(w.end+strings.IndexByte(s.text[w.end:], '`')) ||
		ctx == atStart && a.option && !a.code && !a.sensitive && !a.redirect && languages.OfBytes(w.name()) != 0 {
		confidence = min(confidence, faint)
	}
	if ctx == atStart && isPlain && kind&(takesHost|takesVerb) == takesHost && !a.address && !a.option && !a.expansion {
		confidence = min(confidence, doubtful) // "ping google.com" is also what people search for
	}
	if ctx == afterText && confidence < clear {
		confidence = min(confidence, barely)
		if a.count == 0 && isPlain && !(a.tight && mark == 0) {
			confidence = faint
		}
	}
	if confidence < blocks && ctx == afterMark && a.count > 0 && (!isPlain && a.prose < 3 || kind&takesPath != 0 && a.count == 1 && a.end == len(s.text)) && headless(s.text[:mark+1]) && !s.isList(mark) {
		confidence = blocks // nothing stands before the operator that a text could have begun with
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
			return faint
		case isPlain:
			return 0
		case ended:
			return blocks
		}
		return faint
	}
	if name := string(w.name()); (name == "true" || name == "false") && (ctx != inSubst || len(text) > 16) {
		return hint
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
		if miscased(w.name()) && !hyphened(w.name()) {
			return faint
		}
		return likely
	}
	if hyphened(w.name()) {
		return doubtful // also "; Sign-Up"
	}
	if a.entity && text[mark] == '&' && mark+1 == w.start {
		return 0 // &sub; of HTML
	}
	if s.isList(mark) {
		return hint
	}
	for k := w.start; k < w.end; k++ {
		if c := text[k]; 'A' <= c && c <= 'Z' {
			return faint // only cmd.exe ignores case
		}
	}
	if !isPlain {
		return likely
	}
	newline := text[mark] == '\n' || text[mark] == '\r'
	head := text[:mark]
	if !newline {
		line, _ := lineOf(text, mark)
		head = undressed(line)
	}
	bare := strings.Trim(head, " \t;|&$\"'+\r\n")
	switch {
	case !newline && bare != "" && s.broken(head) && s.ends(w.end):
		return blocks // "; [ 1 ] && id": all of the line is the shell's
	case bare == "" && newline:
		return barely
	case bare == "":
		return atPlace
	case s.looseHead(bare):
		return blocks
	case !newline && s.foreign(mark, head) && sentence(bare+" x") && s.ends(w.end):
		return blocks
	}
	return faint
}

// broken reports whether a line begins with an operator that no text and no table begins with.
func (s *lexer) broken(head string) bool {
	head = strings.TrimLeft(head, " \t")
	return head != "" && (head[0] == ';' || len(head) > 1 && isOperator(head[0]) && head[1] == head[0])
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
func (s *lexer) isList(mark int) bool {
	if s.text[mark] != '\n' && s.text[mark] != '\r' && s.traits.Any(value.Newline) {
		line, start := lineOf(s.text, mark)
		rest := s.text[start+len(line) : min(len(s.text), mark+200)]
		if k := strings.IndexByte(rest, '\n'); k >= 0 {
			rest = rest[:k]
		}
		whole := strings.TrimRight(s.text[start:start+len(line)+len(rest)], " \t\r")
		return listed(whole) || s.text[mark] == '|' && strings.HasSuffix(whole, "|") && strings.Count(whole, "|") > 2 // a table's row
	}
	if s.list == 0 {
		s.list = -1
		if listed(s.text[:min(len(s.text), 4096)]) {
			s.list = 1
		}
	}
	return s.list > 0
}

// listed is isList for one text.
func listed(text string) bool {
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
	return fields >= 3 && known*2 < fields+1
}

// miscased reports whether a name is written as no system has it: in upper and lower case, as
// random characters come. cmd.exe ignores case, but people write one.
func miscased(name []byte) bool {
	upper, lower := 0, 0
	for _, c := range name {
		switch {
		case 'A' <= c && c <= 'Z':
			upper++
		case 'a' <= c && c <= 'z':
			lower++
		}
	}
	return upper > 0 && (len(name) < 4 || lower > 0 && (upper > 1 || name[0] > 'Z'))
}
