package extract

import (
	"strings"

	"kongwaf/detect"
)

// looksGraphQL reports whether s begins like an executable GraphQL document: an operation
// keyword or a selection set, and a brace.
func looksGraphQL(s string) bool {
	i := skipIgnored(s, 0)
	if i >= len(s) {
		return false
	}
	if s[i] == '{' {
		j := skipIgnored(s, i+1)
		if j >= len(s) || !letterByte(s[j]) {
			return strings.HasPrefix(s[j:], "...")
		}
		for j < len(s) && plainByte[s[j]] {
			j++
		}
		// {job="x"} selects streams and series, in the languages of Loki and Prometheus.
		j = skipSpace(s, j)
		return j == len(s) || s[j] != '=' && s[j] != '!' && s[j] != '~'
	}
	end := i
	for end < len(s) && letterByte(s[end]) {
		end++
	}
	switch s[i:end] {
	case "query", "mutation", "subscription", "fragment":
	default:
		// Sloppy servers and probes leave the keyword out: Name{__schema{...}}.
		return end > i && (strings.HasPrefix(s[end:], "{__schema") || strings.HasPrefix(s[end:], "{ __schema") || strings.HasPrefix(s[end:], " {__schema"))
	}
	j := skipIgnored(s, end)
	if j >= len(s) || j == end && s[j] != '{' && s[j] != '(' && s[j] != '@' {
		return false
	}
	return (s[j] == '{' || s[j] == '(' || s[j] == '@' || letterByte(s[j])) && strings.IndexByte(s[j:], '{') >= 0
}

// skipIgnored skips what GraphQL ignores: white space, commas, comments, byte order marks.
func skipIgnored(s string, i int) int {
	for i < len(s) {
		switch c := s[i]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',':
			i++
		case c == '#':
			n := strings.IndexByte(s[i:], '\n')
			if n < 0 {
				return len(s)
			}
			i += n
		case strings.HasPrefix(s[i:], "\xef\xbb\xbf"):
			i += 3
		default:
			return i
		}
	}
	return i
}

// graphqlParameter reads the parameter "query" of a URL or form. It reports whether it was a
// GraphQL document through and through, so that its text need not be judged as a value.
func (w *Walker) graphqlParameter(value string) bool {
	declared := w.lim.GraphQL.Declared && w.collects()
	if !declared && (len(value) < 3 || strings.IndexByte(value, '{') < 0 && !contains(value, "%7b")) {
		return false
	}
	text := w.unescapePercent(value)
	if !looksGraphQL(text) {
		if declared && text != "" {
			w.push(named("graphql"))
			w.collect(text, outsideJSON, true)
			w.pop()
		}
		return false
	}
	mark := len(w.steps)
	if len(text) != len(value) {
		w.step("percent")
	}
	w.push(named("graphql"))
	clean := w.graphql(text, outsideJSON)
	w.pop()
	w.back(mark)
	return clean
}

// graphqlValue reads the JSON field "query" at the top of a request or in a batch; base is
// the length of the path at the top of the JSON text.
func (w *Walker) graphqlValue(base int, label segment, text string) bool {
	if !detect.EqualFold(label.name, "query") || len(w.path)-base > 2 || label.index >= 0 {
		return false
	}
	looks := looksGraphQL(text)
	if !looks && !(w.lim.GraphQL.Declared && w.collects()) {
		return false
	}
	element := -1
	if len(w.path)-base == 2 {
		element = int(w.path[base+1].index)
	}
	// body.json becomes body.graphql, query.x.json becomes query.x.graphql.
	start, depth := w.pathStart, len(w.path)
	w.path = append(w.path, w.path[start:base]...)
	w.pathStart, w.placed = depth, false
	last := &w.path[len(w.path)-1]
	if prefix, ok := strings.CutSuffix(last.name, "json"); ok && prefix == "body." {
		*last = named(formatNames[formatGraphQL].root)
	} else {
		*last = named(formatNames[formatGraphQL].word)
	}
	clean := false
	if looks {
		clean = w.graphql(text, element)
	} else {
		w.collect(text, element, true)
	}
	w.path, w.pathStart, w.placed = w.path[:depth], start, false
	return clean
}

// graphql hands out the literals of a GraphQL document: strings and block strings under the
// name of their argument ("graphql.args.id"), with escapes undone, the argument names, and
// comments. Keywords, field names, numbers and punctuation cannot hold anything else. It
// also counts what makes documents abusive. It reports whether every character was
// GraphQL's. element is as in collect.
func (w *Walker) graphql(s string, element int) (clean bool) {
	clean = true
	w.collect(s, element, false)
	q := &w.graphqls
	q.begin()
	w.push(named("args"))
	argument := ""
	for i := 0; i < len(s) && !w.stopped; {
		switch c := s[i]; {
		case c == '#':
			end := skipComment(s, i)
			w.value(named("comment"), strings.TrimSpace(s[i+1:end]))
			i = end
		case c == '"':
			var text string
			escaped := false
			if strings.HasPrefix(s[i:], `"""`) {
				n := strings.Index(s[i+3:], `"""`)
				if n < 0 {
					clean = false
					n = len(s) - i - 3
				}
				text = s[i+3 : i+3+n]
				i = min(len(s), i+n+6)
			} else {
				end, esc, closed := scanString(s, i+1, '"')
				clean = clean && closed
				escaped = esc
				end = min(end, len(s))
				text = s[i+1 : end]
				i = min(len(s), end+1)
			}
			mark := len(w.steps)
			if escaped {
				text = w.unescapeJSON(text)
				w.step("json")
			}
			w.value(named(argument), text)
			w.back(mark)
			q.last = ""
		case letterByte(c):
			end := i
			for end < len(s) && plainByte[s[end]] && s[end] != '-' && s[end] != '.' {
				end++
			}
			word := s[i:end]
			i = end
			colon := skipIgnored(s, i)
			isLabel := colon < len(s) && s[colon] == ':'
			if isLabel && q.parens > 0 {
				argument = word
				w.name(word)
			}
			q.word(word, isLabel)
		case strings.IndexByte("{}()[]:$@!=", c) >= 0:
			// Outside of arguments there is little that GraphQL allows, and a text that only
			// resembles it must not escape being judged as a whole.
			if c == '(' && !argumentFollows(s, i+1) || q.parens == 0 && strings.IndexByte("[]$!=", c) >= 0 {
				clean = false
			}
			q.mark(c)
			i++
		case strings.HasPrefix(s[i:], "..."):
			q.spread()
			i += 3
		case c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',':
			i++
		case ('0' <= c && c <= '9' || c == '-') && q.parens > 0:
			for i++; i < len(s) && (plainByte[s[i]] || s[i] == '+'); i++ {
			}
		default:
			clean = clean && strings.HasPrefix(s[i:], "\xef\xbb\xbf")
			i++
		}
	}
	w.pop()
	if q.braces != 0 || q.parens != 0 || q.stray {
		clean = false
	}
	w.graphqlFindings(s)
	return clean && !w.stopped
}

// argumentFollows reports whether "name:" or "$name:" stands at i.
func argumentFollows(s string, i int) bool {
	i = skipIgnored(s, i)
	if i < len(s) && s[i] == '$' {
		i++
	}
	start := i
	for i < len(s) && (letterByte(s[i]) || '0' <= s[i] && s[i] <= '9') {
		i++
	}
	end := skipIgnored(s, i)
	return i > start && end < len(s) && s[end] == ':'
}

func skipComment(s string, i int) int {
	if n := strings.IndexByte(s[i:], '\n'); n >= 0 {
		return i + n
	}
	return len(s)
}
