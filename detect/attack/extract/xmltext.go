package extract

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// xmltext.go undoes XML's entities, and tells XML from HTML.

// appendUnescapedXML appends s with the five predefined and all numeric entities undone.
func appendUnescapedXML(b []byte, s string) []byte {
	for i := 0; i < len(s); {
		if s[i] != '&' {
			b = append(b, s[i])
			i++
			continue
		}
		end := strings.IndexByte(s[i:min(len(s), i+12)], ';')
		if end < 2 {
			b = append(b, '&')
			i++
			continue
		}
		r, ok := xmlEntity(s[i+1 : i+end])
		if !ok {
			b = append(b, '&')
			i++
			continue
		}
		b = utf8.AppendRune(b, r)
		i += end + 1
	}
	return b
}

func xmlEntity(name string) (rune, bool) {
	switch name {
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "amp":
		return '&', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	if len(name) < 2 || name[0] != '#' {
		return 0, false
	}
	base, digits := 10, name[1:]
	if digits[0] == 'x' || digits[0] == 'X' {
		base, digits = 16, digits[1:]
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || n > utf8.MaxRune {
		return 0, false
	}
	return rune(n), true
}

// looksXMLDocument reports whether a value is XML rather than HTML or text with a '<' in it:
// it begins with a declaration, or its first element is none of HTML's and closed at the end.
func looksXMLDocument(s string) bool {
	s = strings.Trim(s, " \r\n\t")
	if len(s) < 7 || s[len(s)-1] != '>' {
		return false
	}
	if strings.HasPrefix(s, "<?xml") {
		return true
	}
	if strings.HasPrefix(s, "<!DOCTYPE") {
		return strings.IndexByte(s, '[') > 0
	}
	end := 1
	for end < len(s) && !tagBreak(s[end]) {
		end++
	}
	name := s[1:end]
	if name == "" || !letterByte(name[0]) || !xmlName(name) || htmlElement(name) {
		return false
	}
	close := strings.LastIndex(s, "</")
	return close > 0 && strings.TrimSpace(s[close+2:len(s)-1]) == name
}

// htmlElement reports whether name is an element of HTML that rich text begins with.
func htmlElement(name string) bool {
	switch strings.ToLower(name) {
	case "a", "b", "i", "u", "p", "s", "q", "em", "h1", "h2", "h3", "h4", "h5", "h6", "li", "ol", "ul", "dl",
		"tr", "td", "th", "br", "hr", "div", "pre", "img", "svg", "html", "body", "head", "span", "code", "font",
		"form", "table", "tbody", "small", "strong", "script", "style", "iframe", "object", "button", "select",
		"option", "textarea", "label", "nav", "main", "section", "article", "header", "footer", "blockquote",
		"figure", "video", "audio", "math", "details", "summary", "center", "marquee", "title", "noscript":
		return true
	}
	return false
}
