package prototype

import (
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack/value"
)

// split reports whether what stands around a prototype's name makes another one when that is
// taken out, as filters do: __pro__proto__to__.
func split(before, after string) bool {
	for k := 1; k < len(proto); k++ {
		if strings.HasSuffix(before, proto[:k]) && strings.HasPrefix(after, proto[k:]) {
			return true
		}
	}
	return false
}

// pointer reports whether a value is a JSON pointer (RFC 6901), as patches have them, whose
// step at i is its first; the path of a request is none.
func pointer(v *value.Value, i int) bool {
	if v.Source == detect.SourcePath || len(v.Text) > 256 {
		return false
	}
	for k := 0; k < len(v.Text); k++ {
		if c := v.Text[k]; !wordByte(c) && c != '/' && c != '-' && c != '.' && c != '~' {
			return false
		}
	}
	return v.Text[0] == '/' && i >= 0
}

// flight judges a reference of React's Flight protocol that leaves the object it begins at:
// $1:__proto__:then, $2:constructor:constructor (CVE-2025-55182).
func flight(s string) value.Match {
	if s[0] != '$' || len(s) > 256 {
		return value.Match{}
	}
	i := 1
	for i < len(s) && i < 12 && wordByte(s[i]) && s[i] != '_' {
		i++
	}
	if i == len(s) || s[i] != ':' {
		return value.Match{}
	}
	for _, step := range [...]string{":" + proto, ":constructor"} {
		if k := strings.Index(s[i:], step); k >= 0 {
			if end := i + k + len(step); end == len(s) || s[end] == ':' {
				return found(certain, 0, end, "reference to a prototype")
			}
		}
	}
	return value.Match{}
}

// attributes judges a name, or a path of them, by which Python's objects lead to the globals
// of their modules: attribute (class) pollution of servers that merge what they are sent.
func attributes(v *value.Value) value.Match {
	if !v.IsName && (v.Traits.Any(value.White|value.ParenOpen) || len(v.Text) > 256 || !strings.Contains(v.Text, "__.__")) {
		return value.Match{} // a value: a path of two such attributes and nothing else
	}
	for _, name := range [...]string{"__globals__", "__builtins__", "__subclasses__", "__mro__", "__bases__", "__base__", "__code__", "__kwdefaults__", "__defaults__"} {
		i := strings.Index(v.Text, name)
		if i < 0 {
			continue
		}
		end := i + len(name)
		if (i == 0 || !wordByte(v.Text[i-1])) && (end == len(v.Text) || !wordByte(v.Text[end])) {
			return found(likely, i, end, "attribute of Python's own as a name")
		}
	}
	return value.Match{}
}
