package keyauth

import (
	"net/url"
	"slices"
	"strings"

	"kongwaf/detect"
	"kongwaf/plugins/internal/facts"
)

// presented is the key that a request came with.
type presented struct {
	key       string
	name      string // the key name under which it was found
	duplicate bool   // several keys under one name: nobody can say which one counts
}

// find looks for the key: name by name, and for each in the headers, the query, the body.
// The first name that has a value decides, also if the value is empty.
func (g *guard) find(f *facts.Facts, headers []detect.Header) presented {
	var body fields
	if g.config.KeyInBody {
		body = bodyFields(f)
	}
	for _, name := range g.config.KeyNames {
		var values []string
		if g.config.KeyInHeader {
			values = headerValues(headers, name)
		}
		if len(values) == 0 && g.config.KeyInQuery {
			values = queryValues(rawQuery(f), name)
		}
		if len(values) == 0 {
			values = body.values(name)
		}
		switch {
		case len(values) > 1:
			return presented{name: name, duplicate: true}
		case len(values) == 1 && values[0] != noValue:
			return presented{name: name, key: values[0]}
		}
	}
	return presented{}
}

// noValue stands for an argument without "=" and for a JSON value that is no string: it
// is no key, but two of them are a duplicate. A request that holds these very bytes is
// taken to have no key.
const noValue = "\x00no value\xff"

func headerValues(headers []detect.Header, name string) []string {
	var values []string
	for _, h := range headers {
		if detect.EqualFold(h.Name, name) {
			values = append(values, h.Value)
		}
	}
	return values
}

func rawQuery(f *facts.Facts) string {
	_, query, _ := strings.Cut(f.Request.Target, "?")
	query, _, _ = strings.Cut(query, "#")
	return query
}

// queryValues returns the values of an argument, decoded as nginx decodes them.
func queryValues(query, name string) []string {
	var values []string
	for pair := range strings.SplitSeq(query, "&") {
		key, value, ok := strings.Cut(pair, "=")
		if unescape(key) != name || pair == "" {
			continue
		}
		if !ok {
			values = append(values, noValue)
		} else {
			values = append(values, unescape(value))
		}
	}
	return values
}

// unescape decodes percent-encoding and plus; what is malformed stays as it is.
func unescape(s string) string {
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			b.WriteByte(' ')
		case s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			b.WriteByte(unhex(s[i+1])<<4 | unhex(s[i+2]))
			i += 2
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c >= 'a':
		return c - 'a' + 10
	}
	return c - 'A' + 10
}

// hide removes keys from what the upstream receives, under all key names, for a caller may send an
// old one beside the one that counts: every argument of such a name, whether keys may come there
// or not, for a query is logged in many places; headers and body fields only if keys may come
// there. Otherwise they are none of ours: the header may be the upstream's own.
func (g *guard) hide(f *facts.Facts, found presented, effects *detect.Effects) {
	if !g.config.HideCredentials || found.name == "" {
		return
	}
	names := g.config.KeyNames
	if g.config.KeyInHeader {
		effects.Upstream.Clear = append(effects.Upstream.Clear, names...)
	}
	query := rawQuery(f)
	pairs := strings.Split(query, "&")
	rest := slices.DeleteFunc(pairs, func(pair string) bool {
		key, _, _ := strings.Cut(pair, "=")
		return pair != "" && slices.Contains(names, unescape(key))
	})
	if without := strings.Join(rest, "&"); len(without) != len(query) {
		effects.Query = &without
	}
	if !g.config.KeyInBody {
		return
	}
	body := bodyFields(f)
	if slices.ContainsFunc(names, func(name string) bool { return len(body.values(name)) > 0 }) {
		effects.UpstreamBody = body.without(names...)
	}
}
