package extract

import (
	"strings"

	"kongwaf/detect"
)

// sniff returns the format that a body looks like, formatNone for plain text and for binary
// data that is none of ours.
func sniff(s string) format {
	i := skipSpace(s, 0)
	if i == len(s) {
		return formatNone
	}
	switch c := s[i]; {
	case looksJSON(s[i:]), jsonStart(s) > i:
		return formatJSON
	case (c == '{' || c == 'q' || c == 'm' || c == 's' || c == 'f' || c == '#') && looksGraphQL(s[i:]):
		return formatGraphQL
	case c == '<' && i+1 < len(s) && (s[i+1] == '?' || s[i+1] == '!' || letterByte(s[i+1])):
		return formatXML
	case c == '-' && sniffBoundary(s[i:]) != "":
		return formatMultipart
	case c == 'e' && isJWT(strings.TrimSpace(s)):
		return formatJWT
	}
	// Small binary messages have so few control characters that they pass for text, but no
	// text begins like them.
	if text := looksText(s); !text || s[0] < ' ' || s[0] >= 0x80 && s[0] < 0xc0 || s[0] >= 0xdc && s[0] <= 0xdf {
		switch {
		case looksGRPC(s):
			return formatGRPC
		case looksProtobuf(s):
			return formatProtobuf
		case looksItems(s, msgpackItem):
			return formatMsgpack
		case looksItems(s, cborItem):
			return formatCBOR
		case !text:
			return formatNone
		}
	}
	if looksForm(s[i:]) {
		return formatForm
	}
	return formatNone
}

func skipSpace(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\t' || s[i] == '\r' || s[i] == '\n') {
		i++
	}
	return i
}

func letterByte(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' }

// looksJSON reports whether s begins like a JSON object, array or string with escapes.
func looksJSON(s string) bool {
	i := skipSpace(s, 1)
	if i >= len(s) {
		return false
	}
	switch s[0] {
	case '{':
		switch s[i] {
		case '"', '\'', '}', '`', '/':
			return true
		}
		// {name: 1} as JavaScript writes it; GraphQL's {alias: field} has a name there.
		end := i
		for end < len(s) && plainByte[s[end]] {
			end++
		}
		if end == i || !isKey(s, end) {
			return false
		}
		v := skipSpace(s, strings.IndexByte(s[end:], ':')+end+1)
		return v >= len(s) || !letterByte(s[v]) || numberEnd(s, v) > v
	case '[':
		switch c := s[i]; {
		case c == '"' || c == '{' || c == '[' || c == ']' || c == '\'' || c == '-' || '0' <= c && c <= '9':
			return true
		case c == 't' || c == 'f' || c == 'n':
			return numberEnd(s, i) > i
		}
	case '"':
		t := strings.TrimRight(s, " \r\n\t")
		return len(t) > 2 && t[len(t)-1] == '"' && strings.IndexByte(t, '\\') > 0
	}
	return false
}

// jsonStart returns where JSON begins behind a guard against script inclusion, or in a JSONP
// call; 0 if there is neither.
func jsonStart(s string) int {
	i := skipSpace(s, 0)
	for _, guard := range [...]string{")]}'", "while(1);", "for(;;);", "/**/"} {
		if strings.HasPrefix(s[i:], guard) {
			i += len(guard)
			for i < len(s) && s[i] == ',' {
				i++
			}
			return skipSpace(s, i)
		}
	}
	j := i
	for j < len(s) && j < i+64 && (plainByte[s[j]] || s[j] == '$') {
		j++
	}
	if j > i && j < len(s) && s[j] == '(' {
		if k := skipSpace(s, j+1); k < len(s) && (s[k] == '{' || s[k] == '[') && looksJSON(s[k:]) {
			return k
		}
	}
	return 0
}

// looksForm reports whether s begins with an ordinary name, '=' and something. A single
// parameter must have a plain name.
func looksForm(s string) bool {
	eq := strings.IndexByte(s[:min(len(s), 128)], '=')
	if eq <= 0 || !ordinaryName(s[:eq]) || !fieldName(s[:eq]) && strings.IndexByte(s, '&') < 0 {
		return false
	}
	return strings.TrimLeft(s[eq:], "= \r\n") != "" || len(s) < 16
}

// nestedFormat returns the container that a decoded value looks like. It is stricter than
// sniff: most values are none, and must leave fast.
func nestedFormat(name, s string) format {
	if len(s) < 3 {
		return formatNone
	}
	i := 0
	if s[0] <= ' ' {
		i = skipSpace(s, 0)
	}
	if i+3 > len(s) {
		return formatNone
	}
	switch c := s[i]; c {
	case '{', '[', '"':
		if looksJSON(s[i:]) {
			return formatJSON
		}
		if c == '{' && detect.EqualFold(name, "query") && looksGraphQL(s[i:]) {
			return formatGraphQL
		}
		return formatNone
	case '<':
		if looksXMLDocument(s[i:]) {
			return formatXML
		}
		return formatNone
	case '-':
		if sniffBoundary(s[i:]) != "" {
			return formatMultipart
		}
	case 0x1f, 0x28, 0x78:
		if sniffCoding(s) != codingNone {
			return formatCompressed
		}
	case 'e':
		if s[i+1] == 'y' && isJWT(s[i:]) {
			return formatJWT
		}
	case 'd':
		if strings.HasPrefix(s, "data:") {
			if comma := strings.IndexByte(s[:min(len(s), 128)], ','); comma > 7 && strings.HasSuffix(s[:comma], ";base64") {
				return formatDataURL
			}
		}
	case 'B':
		if strings.HasPrefix(s[i:], "Bearer ") && isJWT(s[i+7:]) {
			return formatJWT
		}
	case 'm', 'q', 's', 'f', '#':
		if detect.EqualFold(name, "query") && looksGraphQL(s[i:]) {
			return formatGraphQL
		}
	}
	if s[0] == '/' || schemeEnd(s) > 0 {
		if q := strings.IndexByte(s, '?'); q > 0 && strings.IndexByte(s[q:], '=') > 0 && strings.IndexByte(s[:q], ' ') < 0 {
			return formatURL
		}
		return formatNone
	}
	if s[i] == 'c' || s[i] == 'j' || s[i] == ')' {
		if jsonStart(s) > 0 {
			return formatJSON
		}
	}
	// A form: an ordinary name, no line breaks, and more than the padding of base64.
	eq := strings.IndexByte(s[:min(len(s), 64)], '=')
	if eq > 0 && letterByte(s[0]) && fieldName(s[:eq]) {
		v := s[eq+1:]
		if strings.TrimLeft(v, "=") != "" && strings.IndexByte(s, '\n') < 0 {
			return formatForm
		}
	}
	return formatNone
}

// fieldName reports whether s is a plain field name, brackets allowed.
func fieldName(s string) bool {
	for i := 0; i < len(s); i++ {
		if !plainByte[s[i]] && s[i] != '[' && s[i] != ']' {
			return false
		}
	}
	return true
}
