package code

import (
	"strings"

	"kongwaf/detect/attack/shell"
	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/words"
)

// Calls whose function is no plain name, and lookups that are spelt so that no filter reads them.

// dynamic judges a call at i of what stands in brackets or quotes before it, as PHP has them:
// (system)('id'), ("sys"."tem")('id'), (sy.(st).em)(whoami).
func (s *lexer) dynamic(i int) value.Match {
	text := s.text
	start, depth := i, 0
	var name [32]byte
	n := 0
walk:
	for ; start > 0 && start > i-48; start-- {
		switch c := text[start-1]; {
		case c == ')' || c == ']':
			depth++
		case c == '(' || c == '[':
			depth--
		case c == '"' || c == '\'':
		case wordByte(c) && n < len(name):
			if depth > 0 && '0' <= c && c <= '9' {
				continue // an index
			}
			n++
			name[len(name)-n] = c
		case c == '.' || c == ' ' || c == '\\':
		default:
			break walk
		}
	}
	if start > 0 && text[i-1] == ']' && strings.Contains(text[max(0, i-24):i], "$_") && i+1 < len(text) && text[i+1] == '$' {
		return found(certain, max(0, i-24), i+1, "call of what a request names")
	}
	if depth != 0 || n < 4 {
		return value.Match{}
	}
	kind := names.OfBytes(name[len(name)-n:])
	for _, decoder := range [...]string{"strrev", "base64_decode", "hex2bin", "str_rot13", "chr", "base64decode"} {
		if strings.HasPrefix(string(name[len(name)-n:]), decoder) && n > len(decoder)+2 {
			kind |= runs | unique
		}
	}
	arg := s.argument(i + 1)
	body, quoted := literalOf(arg)
	switch {
	case kind&(runs|evaluates) != 0 && (kind&unique != 0 || quoted || superglobal(arg) || strings.HasPrefix(arg, "$")),
		kind&runs != 0 && shell.Begins(arg),
		kind&informs != 0 && strings.HasPrefix(arg, ")"):
		return found(certain, start, min(len(text), i+1+len(body)), "call of a name that is put together")
	}
	return value.Match{}
}

// variable judges a call of a variable text[start:end] that was given the name of a function
// before: $f="system";$f("id").
func (s *lexer) variable(start, end, i int) value.Match {
	before := s.text[max(0, start-128) : start-1]
	k := strings.LastIndex(before, s.text[start-1:end]+"=")
	if k < 0 {
		return value.Match{}
	}
	given := strings.TrimLeft(before[k+end-start+2:], "\"' ")
	n := 0
	for n < len(given) && wordByte(given[n]) {
		n++
	}
	if names.Of(given[:n])&(runs|evaluates) == 0 {
		return value.Match{}
	}
	return found(certain, start-1, i+1, "call of a name that is put together")
}

// callback reports whether an argument of a call is the name of a function that runs commands
// or code: usort($a,"system").
func callback(arg string) bool {
	for i := 0; i < len(arg); i++ {
		if arg[i] != '"' && arg[i] != '\'' {
			continue
		}
		end := strings.IndexByte(arg[i+1:], arg[i])
		if end < 0 {
			return false
		}
		if names.Of(arg[i+1:i+1+end])&(runs|evaluates|informs) != 0 {
			return true
		}
		i += end + 1
	}
	return false
}

// probe reports whether the call whose bracket stands at i prints what a call of constants
// returns, as a statement of its own or between two pieces of a string: print(md5(1));
func (s *lexer) probe(i int, name, arg string) bool {
	inner := innerCall(arg)
	if inner&php == 0 || !printing(name) {
		return false
	}
	k := strings.IndexByte(arg, '(') + 1
	for ; k < len(arg) && arg[k] != ')'; k++ {
		if c := arg[k]; (c < '0' || c > '9') && c != '"' && c != '\'' && c != ',' && c != ' ' {
			return false
		}
	}
	rest := strings.TrimLeft(arg[min(k, len(arg)):], ") ")
	return strings.HasPrefix(rest, ";") || len(rest) > 1 && rest[0] == '.' && (rest[1] == '\'' || rest[1] == '"')
}

func printing(name string) bool {
	switch name {
	case "print", "echo", "die", "exit", "print_r", "var_dump", "printf":
		return true
	}
	return false
}

// cell recognises a formula that starts a program in any cell of a sheet: =cmd|'/C calc'!A0.
func (s *lexer) cell() value.Match {
	text := s.text
	for i := 0; i < len(text); i++ {
		k := strings.IndexByte(text[i:], '|')
		if k < 0 {
			break
		}
		i += k
		if i+1 >= len(text) || text[i+1] != '\'' {
			continue
		}
		start := i
		for start > 0 && start > i-24 && wordByte(text[start-1]) {
			start--
		}
		if start == i || start == 0 || strings.IndexByte("=+-@", text[start-1]) < 0 {
			continue
		}
		rest := text[i+2 : min(len(text), i+160)]
		if q := strings.IndexByte(rest, '\''); q >= 0 && strings.HasPrefix(rest[q:], "'!") {
			return found(certain, start-1, i+2+q, "DDE formula")
		}
	}
	return value.Match{}
}

// unresolved reports whether the lookup at i holds other lookups, whatever they come to, and
// an address of a directory behind a colon: ${j${${:-l}o}di:ldap://x}. In a default value
// (${A:-ldap://x}) it is configuration.
func unresolved(text string, i int) bool {
	t := text[i+2 : min(len(text), i+256)]
	if !strings.Contains(t, "://") && !strings.Contains(t, ":corba:") {
		return false
	}
	nested := strings.Index(t, "${")
	if nested < 0 {
		return false
	}
	for _, scheme := range [...]string{":ldap://", ":ldaps://", ":rmi://", ":dns://", ":iiop://", ":corba:", ":nis://"} {
		if k := words.Index(t, scheme); k > nested && t[k-1] != '}' || k > nested && strings.HasSuffix(t[:k], "}") && nested > 0 {
			return true
		}
	}
	return false
}

// bare reports whether a lookup of JNDI stands at a dollar sign whose brace is spelt so that
// only another reader sees one: $&lcub;jndi:ldap://x}.
func bare(text string, i int) bool {
	t := text[i:min(len(text), i+24)]
	k := words.Index(t, "jndi:")
	return k > 1 && k < 16 && strings.IndexByte(t[:k], ' ') < 0 && strings.Contains(text[i+k:min(len(text), i+k+16)], ":") && strings.IndexByte(text[i+k:], '}') > 0
}
