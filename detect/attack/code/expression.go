package code

import (
	"strings"

	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/words"
)

// expression judges what stands at an expression mark, and returns where to look on.
func (s *lexer) expression(i int) (value.Match, int) {
	text := s.text
	if i+1 >= len(text) {
		return value.Match{}, i
	}
	if text[i] == '#' && text[i+1] != '{' {
		return s.ognlMark(i), i
	}
	if text[i] == '@' && text[i+1] != '{' {
		return s.staticCall(i), i
	}
	if text[i] == '%' && i+2 < len(text) && text[i+1] == 'x' && (text[i+2] == '(' || text[i+2] == '{' || text[i+2] == '[') {
		s.block = true
		m := s.backtick(i + 2)
		s.block = false
		return m, i
	}
	if text[i+1] != '{' {
		return value.Match{}, i
	}
	s.expr = i
	if text[i] == '$' {
		if end, next := jndi(text, i); end > 0 {
			return found(beyond, i, end, "JNDI lookup"), i
		} else if next > i && !unresolved(text, i) {
			return value.Match{}, next
		}
	}
	if text[i] == '$' && unresolved(text, i) {
		return found(certain, i, min(len(text), i+40), "JNDI lookup"), i
	}
	if text[i] == '$' && lookup(text[i+2:]) {
		return found(likely, i, min(len(text), i+24), "lookup that reaches out"), i
	}
	if t := strings.TrimLeft(text[i+2:min(len(text), i+24)], " "); words.HasPrefix(t, "new java.") || words.HasPrefix(t, "java.lang.") || words.HasPrefix(t, "javax.") {
		return found(clear, i, min(len(text), i+24), "Java class in an expression"), i
	}
	if text[i] == '%' && i+2 < len(text) && text[i+2] == '(' {
		return found(doubtful, i, i+3, "OGNL expression"), i
	}
	return value.Match{}, i
}

// lookup reports whether an interpolation of Apache's Commons Text or Configuration begins
// that runs a script or reads what it names (CVE-2022-42889).
func lookup(t string) bool {
	return words.HasPrefix(t, "script:") && strings.IndexByte(t[7:min(len(t), 24)], ':') > 0 ||
		words.HasPrefix(t, "url:") && !strings.HasPrefix(t[4:], "-") && strings.Contains(t[:min(len(t), 64)], "://") ||
		words.HasPrefix(t, "dns:") && strings.IndexByte(t[:min(len(t), 64)], '|') > 0 ||
		words.HasPrefix(t, "file:utf-8:")
}

// jndi follows a Log4j lookup with its nested lookups resolved: ${${lower:j}ndi:...,
// ${${::-j}${::-n}..., ${jn${env:X:-d}i:. It returns where the lookup's name ends, or 0,
// and where the last nested lookup began, for the caller to go on from.
func jndi(text string, i int) (end, next int) {
	const want = "jndi:"
	n := 0
	next = i
	limit := min(len(text), i+512)
	for i += 2; i < limit && n < len(want); {
		c := text[i]
		switch {
		case c == '$' && i+1 < limit && text[i+1] == '{':
			next = i
			i = defaultOf(text, i+2, limit)
		case c == '}' || c == ' ' && n == 0 || c == '\\' || c == '\'':
			i++
		case words.Lower(c) == want[n]:
			n++
			i++
		case c == 0xC4 && i+1 < limit && text[i+1] == 0xB1 && want[n] == 'i': // dotless i, which upper-cases to I
			n++
			i += 2
		default:
			return 0, max(next-1, 0)
		}
	}
	if n == len(want) {
		return i, 0
	}
	return 0, max(next-1, 0)
}

// defaultOf returns where the text of a nested lookup begins: after ":-" or after the
// last colon before its end.
func defaultOf(text string, i, limit int) int {
	at := i
	for k := i; k < limit && k < i+48; k++ {
		switch text[k] {
		case '}':
			return at
		case ':':
			if k+1 < limit && text[k+1] == '-' {
				at = k + 2
				return at
			}
			if k+1 < limit && text[k+1] != '}' && (k+2 >= limit || text[k+1] != ':') || k+2 < limit && text[k+1] == ':' && text[k+2] == '}' {
				at = k + 1
			}
		case '$':
			if k+1 < limit && text[k+1] == '{' {
				return at
			}
		}
	}
	return at
}

// ognlMark counts what only OGNL writes: (#a=..., #context[, #_memberAccess.
func (s *lexer) ognlMark(i int) value.Match {
	text := s.text
	before := byte('(')
	if i > 0 {
		before = text[i-1]
	}
	switch before {
	case '(', '{', ',', '.', ';', '+', '=', ' ', '\'', '"', '[', ':', '!':
	default:
		return value.Match{}
	}
	j := i + 1
	for j < len(text) && j < i+32 && wordByte(text[j]) {
		j++
	}
	if j == i+1 || j >= len(text) {
		return value.Match{}
	}
	name := text[i+1 : j]
	switch {
	case s.expr >= 0 && s.text[s.expr] == '%' && i == s.expr+2 && (text[j] == '}' || text[j] == '.' || text[j] == '[') && names.Of(name)&ognlVar != 0 && len(name) > 3:
		return found(likely, i, j, "OGNL context")
	case words.HasPrefix(name, "_memberaccess"), words.HasPrefix(name, "context") && (text[j] == '[' || text[j] == '.'):
		return found(enough, i, j, "OGNL context")
	case text[j] == '=' && (i > 0 && (text[i-1] == '(' || text[i-1] == '{') || s.expr >= 0) && (j+1 >= len(text) || text[j+1] != '"'):
		s.ognl++
		if s.ognl > 1 || s.expr >= 0 {
			return found(enough, i, j, "OGNL assignment")
		}
		return found(barely, i, j, "OGNL assignment")
	}
	return value.Match{}
}

// staticCall recognises @java.lang.Runtime@getRuntime().
func (s *lexer) staticCall(i int) value.Match {
	t := s.text[i+1 : min(len(s.text), i+96)]
	for _, p := range [...]string{"java.", "javax.", "ognl.", "org.", "com.opensymphony"} {
		if !words.HasPrefix(t, p) {
			continue
		}
		k := 0
		for k < len(t) && (wordByte(t[k]) || t[k] == '.' || t[k] == '$') {
			k++
		}
		if k < len(t) && t[k] == '@' {
			return found(certain, i, i+1+k, "static call of OGNL")
		}
	}
	return value.Match{}
}

// tag recognises the opening of a code block.
func (s *lexer) tag(i int) value.Match {
	t := s.text[i+1:]
	if t == "" || t[0] != '?' && t[0] != '%' && t[0]|0x20 != 's' && t[0]|0x20 != 'c' && t[0]|0x20 != 'j' {
		return value.Match{}
	}
	switch {
	case words.HasPrefix(t, "?php") && (len(t) == 4 || !wordByte(t[4])), strings.HasPrefix(t, "?="):
		s.block = true
		return found(clear, i, min(len(s.text), i+24), "PHP block")
	case strings.HasPrefix(t, "? ") || strings.HasPrefix(t, "?\n"):
		s.block = true
		return found(doubtful, i, i+2, "PHP block")
	case strings.HasPrefix(t, "%"):
		s.block = true
		if strings.HasPrefix(t, "%@") && words.Index(t[:min(len(t), 40)], "page") > 0 {
			return found(clear, i, min(len(s.text), i+24), "JSP directive")
		}
		if words.HasPrefix(t, "%eval") || words.HasPrefix(t, "%execute") || words.HasPrefix(t, "% eval") || words.HasPrefix(t, "% execute") {
			return found(enough, i, i+8, "ASP block")
		}
		return value.Match{}
	case words.HasPrefix(t, "script language=\"php\""), words.HasPrefix(t, "script language='php'"), words.HasPrefix(t, "script language=php"),
		words.HasPrefix(t, "cfexecute"), words.HasPrefix(t, "jsp:scriptlet"), words.HasPrefix(t, "jsp:expression"):
		s.block = true
		return found(enough, i, min(len(s.text), i+20), "code element")
	}
	return value.Match{}
}

// latex recognises the commands by which TeX reads files and runs commands.
func (s *lexer) latex(i int) value.Match {
	t := s.text[i+1:]
	if len(t) < 5 || t[0] != 'w' && t[0] != 'i' && t[0] != 'S' && t[0] != 'n' && t[0] != 'o' && t[0] != 'l' && t[0] != 'v' || !wordByte(t[1]) {
		return value.Match{}
	}
	switch {
	case strings.HasPrefix(t, "write18"), strings.HasPrefix(t, "immediate\\write"), strings.HasPrefix(t, "ShellEscape"):
		return found(certain, i, min(len(s.text), i+16), "TeX shell escape")
	case strings.HasPrefix(t, "newread\\"), strings.HasPrefix(t, "openin\\"), strings.HasPrefix(t, "openout\\"), strings.HasPrefix(t, "newwrite\\"):
		return found(likely, i, i+8, "TeX file access")
	}
	for _, name := range [...]string{"input", "include", "lstinputlisting", "verbatiminput", "verbatimtabinput", "includegraphics"} {
		if strings.HasPrefix(t, name) {
			k := len(name)
			for k < len(t) && k < len(name)+40 && t[k] != '{' {
				if t[k] == '|' {
					return found(clear, i, i+1+k, "TeX shell escape")
				}
				k++
			}
			if k+1 < len(t) && t[k] == '{' && (t[k+1] == '/' || t[k+1] == '|' || strings.HasPrefix(t[k+1:], "..") || t[k+1] == '~') {
				return found(likely, i, min(len(s.text), i+k+12), "TeX file access")
			}
			return value.Match{}
		}
	}
	return value.Match{}
}

// formula recognises spreadsheet cells that start programs or reach out: =cmd|'/C calc'!A0.
func (s *lexer) formula() value.Match {
	text := strings.TrimLeft(s.text, " \t\r\n\"';,")
	if text == "" {
		return value.Match{}
	}
	switch text[0] {
	case '=', '+', '-', '@', '|':
	default:
		return value.Match{}
	}
	at := len(s.text) - len(text)
	t := text[:min(len(text), 160)]
	if k := strings.IndexByte(t, '|'); k > 0 {
		rest := t[k+1:]
		if q := strings.IndexByte(rest, '!'); q > 0 && (rest[q-1] == '\'' || rest[q-1] == '"') && (strings.HasPrefix(strings.TrimLeft(rest, " "), "'") || strings.HasPrefix(rest, "\"")) {
			return found(certain, at, at+k+1+q, "DDE formula")
		}
	}
	i := 0
	for i < len(t) && !wordByte(t[i]) {
		i++
	}
	j := i
	for j < len(t) && wordByte(t[j]) {
		j++
	}
	if j < len(t) && t[j] == '(' && names.Of(t[i:j])&fetches != 0 && text[0] != '-' {
		if words.HasPrefix(t[i:], "hyperlink") || words.HasPrefix(t[i:], "image") {
			return found(inText, at, at+j, "formula that links")
		}
		return found(blocked, at, at+j, "formula that reaches out")
	}
	return value.Match{}
}
