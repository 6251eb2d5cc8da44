package extract

import (
	"encoding/base64"
	"strings"
)

// encodings.go undoes base64 and percent-encoding where a container is made of them. The
// encodings of values are the engine's business.

// unescapePercent undoes one round of percent-encoding; what is invalid stays.
func (w *Walker) unescapePercent(s string) string {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s
	}
	b := w.scratch.room(len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '+':
			c = ' '
		case c == '%' && i+2 < len(s) && hexDigit[s[i+1]] < 16 && hexDigit[s[i+2]] < 16:
			c = hexDigit[s[i+1]]<<4 | hexDigit[s[i+2]]
			i += 2
		}
		b = append(b, c)
	}
	return w.scratch.keep(b)
}

// decodeBase64 decodes standard or URL-safe base64, padded or not, white space allowed.
func (w *Walker) decodeBase64(s string) (string, bool) {
	s = strings.TrimRight(s, "= \t\r\n")
	if len(s) == 0 {
		return "", false
	}
	enc := base64.RawStdEncoding
	if strings.ContainsAny(s, "-_") {
		enc = base64.RawURLEncoding
	}
	n := enc.DecodedLen(len(s))
	room := w.scratch.room(n)[:n]
	n, err := enc.Decode(room, unsafeBytes(s))
	if err != nil || n == 0 {
		return "", false
	}
	return w.scratch.keep(room[:n]), true
}

// unquote takes the backslashes off escaped quotes in a parameter.
func unquote(w *Walker, s string) string {
	if !strings.Contains(s, `\"`) {
		return s
	}
	b := w.scratch.room(len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && s[i+1] == '"' {
			continue
		}
		b = append(b, s[i])
	}
	return w.scratch.keep(b)
}

// unquotePrintable undoes quoted-printable (RFC 2045 section 6.7); what is invalid stays.
func (w *Walker) unquotePrintable(s string) string {
	b := w.scratch.room(len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '=' {
			rest := s[i+1:]
			switch {
			case len(rest) >= 2 && hexDigit[rest[0]] < 16 && hexDigit[rest[1]] < 16:
				b = append(b, hexDigit[rest[0]]<<4|hexDigit[rest[1]])
				i += 2
				continue
			case strings.HasPrefix(rest, "\r\n"):
				i += 2
				continue
			case strings.HasPrefix(rest, "\n"):
				i++
				continue
			}
		}
		b = append(b, s[i])
	}
	return w.scratch.keep(b)
}
