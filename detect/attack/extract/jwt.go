package extract

import "strings"

// isJWT reports whether s has the shape of a JSON web token (RFC 7519): a header that is a
// JSON object, a payload and perhaps a signature, in base64url, joined by dots.
func isJWT(s string) bool {
	if len(s) < 8 || s[0] != 'e' || s[1] != 'y' {
		return false
	}
	dots := 0
	for i := 0; i < len(s); i++ {
		if c := s[i]; !plainByte[c] && c != '=' && c != '+' && c != '/' {
			return false
		} else if c == '.' {
			dots++
		}
	}
	return 1 <= dots && dots <= 4
}

// jwt hands out the header and the payload of a token. Signatures and encrypted payloads
// hold no text; a header alone that does not decode means it is no token.
func (w *Walker) jwt(s string) (ok bool) {
	header, rest, _ := strings.Cut(s, ".")
	payload, _, _ := strings.Cut(rest, ".")
	text, ok := w.decodeBase64(header)
	if !ok || !looksJSON(text) {
		return false
	}
	mark := w.step("jwt")
	w.push(named("header"))
	w.json(text)
	w.pop()
	if text, ok = w.decodeBase64(payload); ok {
		w.push(named("payload"))
		if !looksJSON(text) || !w.json(text) {
			w.plain(segment{index: -1}, text)
		}
		w.pop()
	}
	w.back(mark)
	return ok
}
