package nosql

import (
	"strings"

	"kongwaf/detect/attack/value"
)

// script judges a value that ends a literal in a query and goes on as JavaScript
// ($where, mapReduce, CouchDB views) or Cypher.
func script(v *value.Value) value.Match {
	s := v.Text
	best := breakout(v, s, 0, false)
	for _, quote := range [...]byte{'\'', '"'} {
		// A backslash before a quote keeps it from ending the literal, or it does not.
		i := strings.IndexByte(s, quote)
		if i >= 0 {
			best = best.Better(breakout(v, s, i+1, true))
		}
		if first := i; i > 0 && s[i-1] == '\\' {
			for i > 0 && s[i-1] == '\\' {
				if k := strings.IndexByte(s[i+1:], quote); k >= 0 {
					i += k + 1
				} else {
					i = -1
				}
			}
			if i > first {
				best = best.Better(breakout(v, s, i+1, true))
			}
		}
	}
	if best.Confidence < 0.7 && v.Pairs.Any(value.BlankAfterH) {
		for _, d := range [...]string{"DETACH DELETE", "detach delete"} {
			if i := strings.Index(s, d); i >= 0 {
				conf := 0.5
				if j := skip(s, i+len(d)); ident(s, j) > j && i < 200 {
					conf = 0.8
				}
				best = best.Better(match(conf, i, i+len(d), "cypher delete"))
			}
		}
	}
	return best
}

// readCost is what the look at one break-out or one statement costs, as bytes read.
const readCost = 64

// breakout judges what stands at s[i:] as a continuation of the query. quoted says that
// a quote was closed before.
func breakout(v *value.Value, s string, i int, quoted bool) value.Match {
	start := i
	if !quoted && hasWord(s, skip(s, 0), "db") {
		return cypher(v, s, 0, skip(s, 0), false)
	}
	if !quoted {
		for i < len(s) && (digit(s[i]) || letter(s[i]) && i < 24) { // the value that was expected
			i++
		}
	}
	i = skip(s, i)
	closed := quoted
	for i < len(s) && (s[i] == ')' || s[i] == '}' || s[i] == ']') {
		closed = true
		i = skip(s, i+1)
	}
	if strings.IndexByte(s[start:i], '\n') >= 0 {
		return value.Match{} // program text
	}
	if i >= len(s) {
		return value.Match{}
	}
	switch s[i] {
	case ';':
		if !quoted {
			if i > 0 && letter(s[skip(s, 0)]) {
				return value.Match{}
			}
			if n := strings.IndexByte(s, '\n'); n >= 0 {
				s = s[:n]
			}
		}
		return statements(v, s, start, i)
	case '|', '&':
		if i+1 < len(s) && s[i+1] == s[i] {
			return condition(s, start, skip(s, i+2), quoted)
		}
	}
	if quoted && strings.IndexByte("+-*/(,", s[i]) >= 0 && busy(s[i:]) {
		return match(attack, start, len(s), "busy loop in a query's script")
	}
	if letter(s[i]) {
		return cypher(v, s, start, i, closed || i > start)
	}
	return value.Match{}
}

// statements judges what follows a semicolon: return true, sleep(5000), a busy loop, db.x.drop().
func statements(v *value.Value, s string, start, i int) value.Match {
	for i < len(s) && v.Work.Spend(readCost) {
		i = skip(s, i+1)
		switch end := ident(s, i); {
		case hasWord(s, i, "return"):
			j := skip(s, end)
			for j < len(s) && (s[j] == '(' || s[j] == '!') {
				j = skip(s, j+1)
			}
			if hasWord(s, j, "true") || hasWord(s, j, "this") || hasWord(s, j, "false") || hasWord(s, j, "db") && j+2 < len(s) && s[j+2] == '.' || j < len(s) && (s[j] == '\'' || s[j] == '"' || digit(s[j])) {
				return match(0.85, start, j, "return in a query's script")
			}
		case hasWord(s, i, "sleep"):
			if j := skip(s, end); j+1 < len(s) && s[j] == '(' && digit(s[j+1]) {
				return match(0.85, start, j, "delay in a query's script")
			}
		case hasWord(s, i, "do"), hasWord(s, i, "while"), hasWord(s, i, "for"):
			if j := skip(s, end); hasWord(s, i, "while") && j < len(s) && s[j] == '(' {
				if j = skip(s, j+1); hasWord(s, j, "true") || hasWord(s, j, "1") {
					if k := skip(s, ident(s, j)); k < len(s) && (s[k] == ')' || s[k] == '1') {
						return match(0.85, start, k, "endless loop in a query's script")
					}
				}
			}
			if v.Work.Spend(busyCost) && busy(s[i:]) {
				return match(attack, start, end, "busy loop in a query's script")
			}
		case hasWord(s, i, "db") && end < len(s) && s[end] == '.':
			if m := collection(s, i); m.Confidence > 0 {
				return match(0.9, start, m.End, "database call")
			}
		}
		next := strings.IndexByte(s[i:], ';')
		if next < 0 {
			break
		}
		i += next
	}
	return value.Match{}
}

// busyCost is what looking for one costs: a search for a word passes over eight bytes in the
// time in which another pass reads one.
const busyCost = 128

// busy reports whether a loop waits for a time to come.
func busy(s string) bool {
	s = s[:min(len(s), 8*busyCost)]
	return (strings.Contains(s, "new Date(") || strings.Contains(s, "new Date;")) && strings.Contains(s, "while")
}

// collection judges db.users.drop( at s[i:].
func collection(s string, i int) value.Match {
	j := ident(s, i)
	if j < len(s) && s[j] == '.' {
		j = ident(s, j+1)
		if j < len(s) && s[j] == '.' {
			k := ident(s, j+1)
			if k < len(s) && s[k] == '(' {
				switch s[j+1 : k] {
				case "insert", "insertOne", "find", "findOne", "remove", "drop", "update", "mapReduce", "aggregate", "deleteMany", "deleteOne", "save", "insertMany", "updateOne", "updateMany", "findOneAndUpdate", "renameCollection", "dropDatabase":
					c := 0.6
					if i == 0 && strings.IndexByte(s, '\n') < 0 && strings.IndexByte(";)", s[len(s)-1]) >= 0 {
						c = 0.75 // nothing but the call
					}
					return match(c, i, k, "database call")
				}
			}
		}
	}
	return value.Match{}
}

// condition judges what follows || or &&: this.password.match(/.*/), 1==1, 'a'=='a.
func condition(s string, start, i int, quoted bool) value.Match {
	for i < len(s) && (s[i] == '(' || s[i] == '!') {
		i = skip(s, i+1)
	}
	if hasWord(s, i, "this") && i+5 < len(s) && s[i+4] == '.' && letter(s[i+5]) {
		j := ident(s, i+5)
		if j = skip(s, j); j >= len(s) || strings.IndexByte(".([=<>!)", s[j]) < 0 {
			return value.Match{}
		}
		if quoted || start == 0 && i < 8 {
			return match(0.9, start, ident(s, i+5), "condition on the document")
		}
		return match(0.5, start, ident(s, i+5), "condition on the document")
	}
	left, j := literal(s, i)
	if j == i {
		return value.Match{}
	}
	j = skip(s, j)
	if !strings.HasPrefix(s[j:], "==") {
		return value.Match{}
	}
	k := j + 2
	if k < len(s) && s[k] == '=' {
		k++
	}
	k = skip(s, k)
	right, end := literal(s, k)
	if end == k {
		return value.Match{}
	}
	rest := skip(s, end)
	if left == right && (rest >= len(s) || strings.HasPrefix(s[rest:], "//") || s[rest] == '|' || s[rest] == '&' || s[rest] == ';' || s[rest] == 0) {
		return match(0.85, start, end, "tautology in a query's script")
	}
	return value.Match{}
}

// literal reads a number or a literal at s[i:] and returns its inside. A literal may lack its end.
func literal(s string, i int) (string, int) {
	if i >= len(s) {
		return "", i
	}
	if q := s[i]; q == '\'' || q == '"' {
		n := strings.IndexByte(s[i+1:], q)
		if n < 0 {
			return s[i+1:], len(s)
		}
		return s[i+1 : i+1+n], i + n + 2
	}
	j := i
	for j < len(s) && digit(s[j]) {
		j++
	}
	return s[i:j], j
}

// cypher judges Cypher clauses at s[i:]; after says that something of the query was closed before.
func cypher(v *value.Value, s string, start, i int, after bool) value.Match {
	end := ident(s, i)
	switch {
	case hasWord(s, i, "db") && end < len(s) && s[end] == '.' && !after:
		m := collection(s, i)
		if m.Confidence > 0 {
			// A second statement shows that the value is a script.
			if n := strings.IndexByte(s[m.End:], ';'); n >= 0 {
				if w := statements(v, s, start, m.End+n); w.Confidence > 0 {
					return w
				}
			}
		}
		return m
	case hasWord(s, i, "match"), hasWord(s, i, "merge"), hasWord(s, i, "create"):
		j := skip(s, end)
		if j >= len(s) || s[j] != '(' {
			return value.Match{}
		}
		rest := s[j:min(len(s), j+200)]
		n := strings.IndexByte(rest, ')')
		if n < 0 {
			return value.Match{}
		}
		conf := 0.0
		k := skip(rest, n+1)
		if k < len(rest) && (rest[k] == '-' || rest[k] == '<') {
			conf = 0.7 // (a)-[r]->(b)
		}
		for _, w := range [...]string{"return", "detach", "delete", "set", "where", "with", "remove"} {
			if hasWord(rest, k, w) && k > n+1 {
				conf = 0.8
			}
		}
		if conf > 0 && after {
			conf = 0.9
		}
		return match(conf, start, j+n, "cypher clause")
	case hasWord(s, i, "load"):
		if j := skip(s, end); hasWord(s, j, "csv") {
			return match(0.9, start, j+3, "cypher load csv")
		}
	case hasWord(s, i, "call"):
		j := skip(s, end)
		if hasWord(s, j, "db") || hasWord(s, j, "apoc") || hasWord(s, j, "dbms") {
			if k := ident(s, j); k < len(s) && s[k] == '.' {
				return match(0.85, start, k, "cypher procedure")
			}
		}
	case after && (hasWord(s, i, "return") || hasWord(s, i, "with") || hasWord(s, i, "or") || hasWord(s, i, "union") || hasWord(s, i, "and")):
		// ' OR 1=1 WITH n MATCH (m) DETACH DELETE m
		rest := s[i:min(len(s), i+300)]
		if end := strings.TrimRight(s, " "); hasWord(s, i, "return") && strings.HasSuffix(end, "//") && i-start < 16 && i > start {
			return match(0.8, start, len(end), "cypher return")
		}
		for _, w := range [...]string{"MATCH (", "match (", "CALL db.", "CALL apoc.", "LOAD CSV", "call db."} {
			if n := strings.Index(rest, w); n > 0 {
				return match(0.85, start, i+n+len(w), "cypher clause")
			}
		}
	}
	return value.Match{}
}
