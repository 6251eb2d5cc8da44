package expect

import (
	"strings"

	"kongwaf/detect/attack/nosql"
	"kongwaf/detect/attack/shell"
	"kongwaf/detect/attack/sql"
)

// statement reports whether the text is SQL from its first word, and leaves no literal open.
func statement(s *Sight) bool { return sql.Statement(s.Text) }

// script reports whether the text begins with a command, behind the comments of a script, and
// closes every quote that it opens. "8.8.8.8; id" and "'; id" are no scripts.
func script(s *Sight) bool {
	text := uncommented(s.Text)
	n := 0
	for n < len(text) && (letter(text[n]) || strings.IndexByte("0123456789./-+", text[n]) >= 0) {
		n++
	}
	if n == 0 || n < len(text) && strings.IndexByte(" \t\r\n;|&", text[n]) < 0 {
		return false
	}
	return shell.Names(text) && balanced(s.Text, "'\"`", s.Start)
}

// program reports whether the text is a program's source, or a line of it: it begins as one
// does, and what it opens it closes. "'); f('" and "{{f()}}" are none.
func program(s *Sight) bool {
	text := uncommented(s.Text)
	if text == "" || !letter(text[0]) && text[0] != '@' && text[0] != '%' && text[0] != '!' {
		return false
	}
	return balanced(s.Text, "'\"`", s.Start)
}

// uncommented returns the text without the lines of comments and the blanks that it begins with.
func uncommented(text string) string {
	for {
		text = strings.TrimLeft(text, " \t\r\n")
		if !strings.HasPrefix(text, "#") && !strings.HasPrefix(text, "//") {
			return text
		}
		end := strings.IndexByte(text, '\n')
		if end < 0 {
			return ""
		}
		text = text[end:]
	}
}

// balanced reports whether every bracket and every quote is closed that is opened, and none
// that is not, and what stands at a position is in no literal: "a'; f(); '" has two literals,
// and the call is in the first. Brackets in literals are none, nor are the apostrophes of words.
func balanced(text, quotes string, at int) bool {
	var open []byte
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\':
			i++
		case c == '\'' && i > 1 && letter(text[i-1]) && letter(text[i-2]) && i+1 < len(text) && letter(text[i+1]):
			// don't
		case strings.IndexByte(quotes, c) >= 0:
			n := 1
			for i+n < len(text) && text[i+n] != c {
				if text[i+n] == '\\' {
					n++
				}
				n++
			}
			if i+n >= len(text) || i < at && at < i+n {
				return false
			}
			i += n
		case c == '(' || c == '[' || c == '{':
			if len(open) == deepest {
				return false
			}
			open = append(open, c)
		case c == ')' || c == ']' || c == '}':
			want := byte('(')
			if c != ')' {
				want = c - 2 // as ASCII has them
			}
			if len(open) == 0 || open[len(open)-1] != want {
				return false
			}
			open = open[:len(open)-1]
		}
	}
	return len(open) == 0
}

// deepest is how deep brackets may nest.
const deepest = 64

// markup reports whether the first angle bracket of a text opens an element, and the text
// before it ends no literal: `"><img>` and `</textarea><script>` end somebody else's.
func markup(s *Sight) bool {
	i := strings.IndexAny(s.Text, "<>\"'`")
	return i >= 0 && i+1 < len(s.Text) && s.Text[i] == '<' && (letter(s.Text[i+1]) || s.Text[i+1] == '!' || s.Text[i+1] == '?')
}

// path reports whether the text is the name of a file, without climbs, encodings and disguises.
func path(s *Sight) bool {
	return !strings.Contains(s.Text, "..") && strings.IndexFunc(s.Text, func(r rune) bool {
		return r < ' ' || r == 0x7f || r == '%' || r == '\\' || r == ';' || r == '\'' || r == '"' || r == '<' || r == '|' || r == '`' || r == '$'
	}) < 0 && !strings.Contains(s.Text, "//")
}

// address reports whether the text is one HTTP address, whose host is what it seems.
func address(s *Sight) bool {
	_, rest, ok := strings.Cut(s.Text, "://")
	if !ok || !strings.HasPrefix(s.Text, "http://") && !strings.HasPrefix(s.Text, "https://") {
		return false
	}
	return !strings.ContainsAny(rest, " \t\r\n@\\\x00'\"<>`") && !strings.Contains(rest, "://")
}

// query reports whether an operator is a condition that a filter may set: it runs nothing, and
// asks for no secret.
func query(s *Sight) bool {
	if nosql.Runs(s.Text) {
		return false
	}
	for rest := string(s.Place); rest != ""; {
		var step string
		if i := strings.IndexAny(rest, ".[]"); i >= 0 {
			step, rest = rest[:i], rest[i+1:]
		} else {
			step, rest = rest, ""
		}
		if nosql.Secret(step) {
			return false
		}
	}
	return true
}

// selector reports whether the evidence stands in a string of a PromQL or LogQL expression that
// closes whatever it opens.
func selector(s *Sight) bool {
	text := strings.TrimLeft(s.Text, " \t\r\n(")
	if text == "" || !letter(text[0]) && text[0] != '{' || !balanced(s.Text, "\"`", -1) {
		return false
	}
	before := s.Text[:min(s.Start+1, len(s.Text))]
	return (strings.Count(before, `"`)+strings.Count(before, "`"))%2 == 1
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' }
