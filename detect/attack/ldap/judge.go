// Package ldap judges whether a value is an LDAP filter injection (CWE-90).
//
// A filter (RFC 4515) is a tree of (attribute=value), (&...), (|...), (!...). A value that
// is pasted into one attacks it by closing its own bracket and opening others: *)(uid=*.
// Judge reads the value as the rest of such a filter. Brackets in prose, mathematics and
// program text open before they close, so they are never read.
//
// Limit: a lone * matches everything without changing the filter's structure; it is a
// search term to everybody else, and not reported.
package ldap

import (
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack/value"
)

// Possible reports whether a value can hold a filter injection at all.
// It looks at the value's Traits, Pairs, Source and IsName only.
func Possible(v *value.Value) bool {
	t := v.Traits
	return t.Any(value.ParenClose|value.ParenOpen) && t.Any(value.Equals|value.Ampersand|value.Pipe|value.Star|value.Exclamation) ||
		v.Pairs.Any(value.ColonEquals) && t.Any(value.Digit)
}

// Confidences, by what they mean to the engine (value.Match).
const (
	certain = 0.95
	attack  = 0.85
	blocked = 0.72
	noise   = 0.3
)

// maxValue is how much text before the first bracket is no more than what was typed where a
// name was expected. Behind more of it, or behind program text, a filter must have more to
// show: any text may stand in an attribute's value.
const maxValue = 80

// Judge looks at one decoded value; the zero Match means nothing was seen. It allocates
// nothing, is linear in the text's length, and may be called from several goroutines at once.
func Judge(v *value.Value) value.Match {
	s := v.Text
	if !Possible(v) {
		return value.Match{}
	}
	i := strings.IndexAny(s[:min(len(s), maxValue)], "()")
	if i < 0 {
		if v.Traits.All(value.Colon | value.Equals) {
			return extensible(s)
		}
		return behind(s)
	}
	f := filter{s: s, pos: i}
	if s[i] == '(' {
		return f.opened().Better(behind(s))
	}
	return f.closed().Better(behind(s))
}

// behind judges a value that closes a bracket behind any text: the first that it did not open.
func behind(s string) value.Match {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth >= 0 {
				continue
			}
			f := filter{s: s, pos: i}
			if !f.leave() {
				return value.Match{}
			}
			if f.read(); f.known > 0 && (f.stars > 0 || f.sets > 0) {
				return f.match(attack, i, f.end, "filter closed, another opened")
			}
			return value.Match{}
		}
	}
	return value.Match{}
}

// leave passes over the brackets that are closed, and reports whether another one opens there.
func (f *filter) leave() bool {
	for f.pos < len(f.s) && (f.s[f.pos] == ')' || f.s[f.pos] == ' ') {
		f.pos++
	}
	if f.pos+1 < len(f.s) && (f.s[f.pos] == '|' || f.s[f.pos] == '&') {
		f.pos++
	}
	return f.pos < len(f.s) && f.s[f.pos] == '('
}

// filter reads what follows the first bracket.
type filter struct {
	s     string
	pos   int
	items int  // (attribute=value), complete or cut off
	known int  // ... with an attribute that directories have
	stars int  // ... with a * in the value
	sets  int  // (&, (|, (!
	end   int  // where the last of them ends
	swept bool // the whole text was read
}

// closed judges a value that closes a bracket it did not open.
func (f *filter) closed() value.Match {
	first := f.pos
	before := f.s[:first]
	star := strings.HasSuffix(strings.TrimRight(before, " "), "*")
	n := 0
	for f.pos < len(f.s) && (f.s[f.pos] == ')' || f.s[f.pos] == ' ') {
		if f.s[f.pos] == ')' {
			n++
		}
		f.pos++
	}
	if f.pos >= len(f.s) || f.s[f.pos] == 0 {
		// *))%00: the rest of the filter is cut off.
		if star && f.pos < len(f.s) {
			return f.match(attack, 0, f.pos, "filter closed")
		}
		if star && n > 1 {
			return f.match(noise, 0, f.pos, "filter closed")
		}
		return value.Match{}
	}
	if f.s[f.pos] != '(' {
		// *)|(uid=*, admin)|(!x
		if c := f.s[f.pos]; c != '|' && c != '&' || f.pos+1 >= len(f.s) || f.s[f.pos+1] != '(' {
			return value.Match{}
		}
		f.pos++
	}
	if strings.ContainsAny(before, "{}[]<>;\"=") {
		return value.Match{} // program text
	}
	f.read()
	switch {
	case f.items == 0 && f.sets == 0:
		return value.Match{}
	case f.known > 0 || f.sets > 0 && f.stars > 0:
		return f.match(certain, 0, f.end, "filter closed, another opened")
	case f.sets > 0 && (f.items > 0 || f.swept):
		return f.match(attack, 0, f.end, "filter closed, another opened")
	case star || f.stars > 0:
		return f.match(attack, 0, f.end, "filter closed, another opened")
	case f.items > 0 && f.swept:
		return f.match(blocked, 0, f.end, "filter closed, another opened")
	}
	return f.match(noise, 0, f.end, "filter closed")
}

// opened judges a value that opens a bracket first: a whole filter, or *(|(mail=*)).
func (f *filter) opened() value.Match {
	if f.pos+1 >= len(f.s) || f.s[f.pos+1] != '&' && f.s[f.pos+1] != '|' && f.s[f.pos+1] != '!' {
		return value.Match{}
	}
	start := f.pos
	before := strings.TrimSpace(f.s[:start])
	if before != "" && before != "*" && strings.ContainsAny(before, " ={}[];\"'") {
		return value.Match{}
	}
	f.read()
	switch {
	case f.items == 0:
		return value.Match{}
	case f.known > 0 && f.swept || before != "" && f.known > 0:
		return f.match(attack, start, f.end, "filter")
	case f.swept && f.stars > 0 || before == "*" && f.items > 0:
		return f.match(attack, start, f.end, "filter")
	case f.swept && f.sets > 0 && f.items > 1:
		return f.match(blocked, start, f.end, "filter")
	}
	return value.Match{}
}

// read reads filters from an opening bracket on, until something else stands there.
func (f *filter) read() {
	for f.pos < len(f.s) {
		switch c := f.s[f.pos]; {
		case c == ')' || c == ' ':
			f.pos++
			continue
		case c == 0:
			f.swept = true
			return
		case c != '(':
			return
		}
		f.pos++
		for f.pos < len(f.s) && (f.s[f.pos] == ' ' || f.s[f.pos] == '(') {
			f.pos++
		}
		if f.pos >= len(f.s) {
			break
		}
		switch f.s[f.pos] {
		case '&', '|', '!':
			f.pos++
			if f.pos < len(f.s) && f.s[f.pos] == f.s[f.pos-1] {
				return // (&&, (||: program text
			}
			f.sets++
			f.end = f.pos
			// (&(...), (&), (|uid=*): an item may follow without its bracket.
			if f.pos < len(f.s) && letter(f.s[f.pos]) && !f.item() {
				f.sets--
				return
			}
			continue
		}
		if !f.item() {
			return
		}
	}
	f.swept = f.pos >= len(f.s)
}

// item reads attribute=value. It reports whether one stands there.
func (f *filter) item() bool {
	s, i := f.s, f.pos
	for i < len(s) && (letter(s[i]) || digit(s[i]) || s[i] == '-' || s[i] == '.' || s[i] == ';' || s[i] == ':') {
		i++
	}
	name := s[f.pos:i]
	if name == "" || len(name) > 64 {
		return false
	}
	if attribute(name) { // lenient servers skip the space
		for i < len(s) && s[i] == ' ' {
			i++
		}
	}
	if i < len(s) && (s[i] == '~' || s[i] == '<' || s[i] == '>') {
		i++
	}
	if i >= len(s) || s[i] != '=' || i+1 < len(s) && (s[i+1] == '=' || s[i+1] == '>') {
		return false
	}
	i++
	f.items++
	if attribute(name) {
		f.known++
	}
	for i < len(s) && s[i] != '(' && s[i] != ')' && s[i] != 0 {
		switch s[i] {
		case '*':
			f.stars++
		case '"', '{', '}', '<', '\n':
			f.items--
			return false
		}
		i++
	}
	f.pos, f.end = i, i
	return true
}

// extensible judges an extensible match that the value brings along: userPassword:2.5.13.18:=123.
func extensible(s string) value.Match {
	i := 0
	for i < len(s) && i < 64 && (letter(s[i]) || s[i] == '-') {
		i++
	}
	if i == 0 || i >= len(s) || s[i] != ':' {
		return value.Match{}
	}
	j, dots := i+1, 0
	for j < len(s) && (digit(s[j]) || s[j] == '.') {
		if s[j] == '.' {
			dots++
		}
		j++
	}
	if dots >= 3 && strings.HasPrefix(s[j:], ":=") {
		return value.Match{Class: detect.ClassLDAPi, Confidence: attack, Start: 0, End: j + 2, Shape: "extensible match"}
	}
	return value.Match{}
}

func (f *filter) match(confidence float64, start, end int, shape string) value.Match {
	return value.Match{Class: detect.ClassLDAPi, Confidence: confidence, Start: start, End: max(end, start), Shape: shape}
}

// attribute reports whether directories have an attribute of that name (RFC 4519, RFC
// 2307, inetOrgPerson, Active Directory).
func attribute(name string) bool {
	if i := strings.IndexByte(name, ':'); i >= 0 {
		name = name[:i]
	}
	for _, a := range [...]string{"uid", "cn", "sn", "ou", "dc", "objectclass", "mail", "userpassword", "givenname", "member", "memberof", "uidnumber",
		"gidnumber", "samaccountname", "userprincipalname", "displayname", "telephonenumber", "objectcategory", "useraccountcontrol", "password", "department", "homedirectory", "loginshell", "dn", "employeenumber"} {
		if len(a) == len(name) && strings.EqualFold(a, name) {
			return true
		}
	}
	return false
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func digit(c byte) bool { return '0' <= c && c <= '9' }
