package extract

import "strings"

// What reading XML in pieces needs.

// pass passes over s, the rest of something that is too long, up to its end mark, and hands
// out its last bytes there.
func (x *xmlReader) pass(s string, end pieceEnd) (used int) {
	used = strings.Index(s, x.mark)
	found := used >= 0
	switch {
	case !found && end == last:
		used = len(s)
	case !found:
		used = max(0, len(s)-len(x.mark)+1)
	}
	x.tail.w = x.w
	x.tail.add(s[:used])
	if !found && end != last {
		return used
	}
	x.value(named(""), x.tail.take())
	if found && x.mark != "<" {
		used += len(x.mark)
	}
	x.mark = ""
	return used
}

// incomplete returns the end mark of the markup that s begins with if it is not in s.
func incomplete(s string) (mark string) {
	switch {
	case strings.HasPrefix(s, "<!--"):
		mark = "-->"
	case strings.HasPrefix(s, "<![CDATA["):
		mark = "]]>"
	case strings.HasPrefix(s, "<?"):
		mark = "?>"
	case strings.HasPrefix(s, "</"):
		mark = ">"
	case strings.HasPrefix(s, "<!") && len(s) >= len("<![CDATA["):
		if doctypeEnd(s) == len(s) && s[len(s)-1] != '>' {
			return ">"
		}
		return ""
	default:
		if !tagEnds(s) {
			return ">"
		}
		return ""
	}
	if strings.Contains(s, mark) {
		return ""
	}
	return mark
}

// tagEnds reports whether the start tag at the start of s ends in s, where tag would see its
// end.
func tagEnds(s string) bool {
	value := false // begins here
	for i := 1; i < len(s); i++ {
		switch c := s[i]; c {
		case '"', '\'':
			if !value {
				break
			}
			n := strings.IndexByte(s[i+1:], c)
			if n < 0 {
				return false
			}
			i += n + 1
			value = false
		case '<', '>':
			return true
		case ' ', '\t', '\r', '\n':
		default:
			value = c == '='
		}
	}
	return false
}
