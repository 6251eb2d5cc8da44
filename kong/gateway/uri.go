package gateway

import "strings"

// reserved are the characters that keep their percent-encoding when Kong normalises a path.
const reserved = "!*'();:@&=+$,/?%#[]"

// normalize is Kong's normal form of a path: percent-encoded characters that mean nothing
// special are decoded, dot segments resolved, slashes merged (RFC 3986 section 6.2.2).
func normalize(path string) string {
	if path == "" || path == "/" {
		return path
	}
	if strings.Contains(path, "%") {
		path = decodeUnreserved(path)
	}
	if !strings.Contains(path, ".") && !strings.Contains(path, "//") {
		return path
	}
	var out []string
	for path != "" {
		switch {
		case path == "/.":
			path = "/"
		case path == "/..":
			path = "/"
			out = dropLast(out)
		case path == "." || path == "..":
			path = ""
		case strings.HasPrefix(path, "../"):
			path = path[3:]
		case strings.HasPrefix(path, "./"):
			path = path[2:]
		case strings.HasPrefix(path, "/./"):
			path = path[2:]
		case strings.HasPrefix(path, "/../"):
			path = path[3:]
			out = dropLast(out)
		case strings.HasPrefix(path, "//"):
			path = path[1:]
		default:
			end := strings.IndexByte(path[1:], '/') + 1
			if end == 0 {
				end = len(path)
			}
			out = append(out, path[:end])
			path = path[end:]
		}
	}
	return strings.Join(out, "")
}

func dropLast(s []string) []string {
	if len(s) > 0 {
		return s[:len(s)-1]
	}
	return s
}

func decodeUnreserved(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		c, ok := percent(s, i)
		switch {
		case !ok:
			b.WriteByte(s[i])
		case strings.IndexByte(reserved, c) >= 0:
			b.WriteString(strings.ToUpper(s[i : i+3]))
			i += 2
		default:
			b.WriteByte(c)
			i += 2
		}
	}
	return b.String()
}

// percent decodes a "%41" at s[i].
func percent(s string, i int) (byte, bool) {
	if s[i] != '%' || i+2 >= len(s) {
		return 0, false
	}
	hi, lo := hexDigit(s[i+1]), hexDigit(s[i+2])
	return hi<<4 | lo, hi|lo < 16
}

// hexDigit returns 255 for what is none.
func hexDigit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 255
}

// escape makes a normalised path fit for a request line, as Kong does before proxying.
func escape(path string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(path) {
		c := path[i]
		if 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("!#$&'()*+,/:;=?@[]-_.~%", c) >= 0 {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}

// argument is one argument of a query string. Kong tells "a" (true) from "a=" ("").
type argument struct {
	name, value string
	bare        bool // written without "="
}

// arguments decodes a query string as ngx.decode_args does, at most max of them.
func arguments(query string, max int) []argument {
	var out []argument
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		if len(out) == max {
			break
		}
		name, value, has := strings.Cut(part, "=")
		a := argument{name: unescapeArg(name), value: unescapeArg(value), bare: !has}
		if a.name != "" {
			out = append(out, a)
		}
	}
	return out
}

func unescapeArg(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if c, ok := percent(s, i); ok {
			b.WriteByte(c)
			i += 2
		} else if s[i] == '+' {
			b.WriteByte(' ')
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// escapeArg is nginx's escaping of a query component.
func escapeArg(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("-_.~!'()*", c) >= 0 {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}

// badPath reports whether nginx answers 400 to this path: a broken or zero percent-escape,
// or dot segments that lead above the root.
func badPath(path string) bool {
	for i := range len(path) {
		if path[i] != '%' {
			continue
		}
		if c, ok := percent(path, i); !ok || c == 0 {
			return true
		}
	}
	depth := 0
	for segment := range strings.SplitSeq(decodeAll(path), "/") {
		switch segment {
		case "", ".":
		case "..":
			if depth--; depth < 0 {
				return true
			}
		default:
			depth++
		}
	}
	return false
}

func decodeAll(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if c, ok := percent(s, i); ok {
			b.WriteByte(c)
			i += 2
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}
