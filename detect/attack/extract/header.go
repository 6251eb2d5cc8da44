package extract

import (
	"strings"

	"kongwaf/detect"
)

// headers hands out all header names and values. Cookies, credentials and the URLs that
// browsers send (Referer, Origin) are taken apart further.
func (w *Walker) headers(headers []detect.Header) {
	for i := range headers {
		if w.stopped {
			return
		}
		h := &headers[i]
		if w.source != detect.SourceHeader || i == 0 {
			w.at(detect.SourceHeader, "header")
		}
		w.emit(h.Name, h.Name, byName, true)
		switch {
		case detect.EqualFold(h.Name, "cookie"):
			w.at(detect.SourceCookie, "cookie")
			w.cookies(h.Value)
		case detect.EqualFold(h.Name, "referer"):
			w.urlValue(named(h.Name), h.Value)
		case detect.EqualFold(h.Name, "authorization"), detect.EqualFold(h.Name, "proxy-authorization"):
			w.authorization(named(h.Name), h.Value)
		default:
			w.value(named(h.Name), h.Value)
		}
	}
}

// cookies takes a Cookie header apart (RFC 6265 section 5.4, and RFC 2109's quoted values
// and $Version, which old servers still read).
func (w *Walker) cookies(s string) {
	for s != "" && !w.stopped {
		for s != "" && (s[0] == ' ' || s[0] == '\t') {
			s = s[1:]
		}
		p, rest := s, ""
		end := strings.IndexByte(s, ';')
		if end >= 0 {
			p, rest = s[:end], s[end+1:]
		}
		eq := strings.IndexByte(p, '=')
		if eq < 0 {
			w.name(p)
			s = rest
			continue
		}
		name, value := p[:eq], p[eq+1:]
		w.name(name)
		if !ordinaryName(name) {
			w.name(p)
		}
		if len(value) > 0 && value[0] == '"' {
			if len(value) > 1 && value[len(value)-1] == '"' {
				value = value[1 : len(value)-1]
			} else if quote := strings.IndexByte(rest, '"'); quote >= 0 {
				// A quoted value with a semicolon in it: one value for some servers.
				w.value(named(name), s[eq+2:end+1+quote])
			}
		}
		w.value(named(name), value)
		s = rest
	}
}

// urlValue hands out a URL: what stands before the query as one value, and the query's
// parameters below it.
func (w *Walker) urlValue(label segment, s string) {
	q := strings.IndexByte(s, '?')
	if q < 0 {
		w.value(label, s)
		return
	}
	w.value(label, s[:q])
	w.push(label)
	w.push(named("query"))
	w.pairs(s[q+1:])
	w.pop()
	w.pop()
}

// authorization hands out credentials: user and password of Basic (RFC 7617), the content
// of a JWT, everything else as sent.
func (w *Walker) authorization(label segment, s string) {
	scheme, token, ok := strings.Cut(s, " ")
	if ok {
		token = strings.Trim(token, " \t")
		switch {
		case detect.EqualFold(scheme, "basic"):
			if text, ok := w.decodeBase64(token); ok {
				mark := w.step("base64")
				w.push(label)
				user, password, _ := strings.Cut(text, ":")
				w.value(named("user"), user)
				w.value(named("password"), password)
				w.pop()
				if strings.IndexByte(password, ':') >= 0 {
					w.value(label, text) // the colon may be a payload's
				}
				w.back(mark)
				return
			}
		case isJWT(token):
			w.push(label)
			w.push(named("jwt"))
			ok := w.jwt(token)
			w.pop()
			w.pop()
			if ok {
				return
			}
		}
	}
	w.value(label, s)
}
