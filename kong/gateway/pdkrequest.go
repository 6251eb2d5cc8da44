package gateway

import (
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// Kong's bounds for lists that a plugin asks for.
const (
	defaultListed = 100
	maxListed     = 1000
)

func listBound(args []byte, what string) (int, error) {
	n, err := intArg(args)
	switch {
	case err != nil:
		return 0, err
	case n < 1:
		return 0, luaErrorf("%s must be >= 1", what)
	case n > maxListed:
		return 0, luaErrorf("%s must be <= %d", what, maxListed)
	}
	return n, nil
}

func pdkForwardedScheme(ex *exchange, _ []byte) ([]byte, error) {
	if v, ok := ex.req.headers.get("X-Forwarded-Proto"); ok && ex.trusted {
		return textMessage(strings.ToLower(v)), nil
	}
	return textMessage("http"), nil
}

func pdkForwardedHost(ex *exchange, _ []byte) ([]byte, error) {
	if v, ok := ex.req.headers.get("X-Forwarded-Host"); ok && ex.trusted {
		if i := strings.IndexByte(v, '@'); i >= 0 {
			v = v[i+1:]
		}
		v, _, _ = strings.Cut(v, ":")
		return textMessage(strings.ToLower(v)), nil
	}
	return textMessage(ex.req.host), nil
}

func pdkForwardedPort(ex *exchange, _ []byte) ([]byte, error) {
	if ex.trusted {
		port, _ := ex.req.headers.get("X-Forwarded-Port")
		host, _ := ex.req.headers.get("X-Forwarded-Host")
		_, hostPort, _ := strings.Cut(host, ":")
		for _, v := range []string{port, hostPort} {
			if p, err := strconv.Atoi(v); err == nil && p >= 1 && p <= 65535 {
				return intMessage(p), nil
			}
		}
	}
	return intMessage(int(ex.req.local.Port())), nil
}

// value is an argument as Lua has it: true if it was written without "=".
func (a argument) luaValue() any {
	if a.bare {
		return true
	}
	return a.value
}

func pdkQueryArg(ex *exchange, args []byte) ([]byte, error) {
	name, err := textArg(args)
	if err != nil {
		return nil, err
	}
	for _, a := range arguments(ex.req.query, defaultListed) {
		if a.name != name {
			continue
		}
		if a.bare {
			return nil, luaErrorf("bad argument: string expected for field 'v', got boolean")
		}
		return textMessage(a.value), nil
	}
	return nil, nil
}

func pdkQuery(ex *exchange, args []byte) ([]byte, error) {
	bound, err := listBound(args, "max_args")
	if err != nil {
		return nil, err
	}
	var out []byte
	list := arguments(ex.req.query, bound)
	for i, a := range list {
		if slices.ContainsFunc(list[:i], func(b argument) bool { return b.name == a.name }) {
			continue
		}
		var values []any
		for _, b := range list[i:] {
			if b.name == a.name {
				values = append(values, b.luaValue())
			}
		}
		if len(values) == 1 {
			out = appendEntry(out, a.name, values[0])
		} else {
			out = appendEntry(out, a.name, values)
		}
	}
	return out, nil
}

func pdkRequestHeader(ex *exchange, args []byte) ([]byte, error) {
	return headerReply(ex.req.headers, args)
}

// headerReply finds the first header of a name in which "_" stands for "-", too.
func headerReply(in fields, args []byte) ([]byte, error) {
	name, err := textArg(args)
	if err != nil {
		return nil, err
	}
	name = strings.ReplaceAll(name, "-", "_")
	for _, h := range in {
		if strings.EqualFold(strings.ReplaceAll(h.name, "-", "_"), name) {
			return textMessage(h.value), nil
		}
	}
	return nil, nil
}

func pdkRequestHeaders(ex *exchange, args []byte) ([]byte, error) {
	bound, err := listBound(args, "max_headers")
	if err != nil {
		return nil, err
	}
	if ex.phase == "log" {
		bound = defaultListed
	}
	return headersReply(ex.req.headers, bound), nil
}

// headersReply is a Struct of the first bound header lines: names in lower case, a repeated
// header as a list, every byte of a value kept.
func headersReply(in fields, bound int) []byte {
	if len(in) > bound {
		in = in[:bound]
	}
	at := make(map[string]int, len(in))
	type entry struct {
		name   string
		values []any
	}
	var entries []entry
	for _, h := range in {
		name := strings.ToLower(h.name)
		i, seen := at[name]
		if !seen {
			i = len(entries)
			at[name] = i
			entries = append(entries, entry{name: name})
		}
		entries[i].values = append(entries[i].values, h.value)
	}
	var out []byte
	for _, e := range entries {
		if len(e.values) == 1 {
			out = appendEntry(out, e.name, e.values[0])
		} else {
			out = appendEntry(out, e.name, e.values)
		}
	}
	return out
}

// pdkRawBody answers with the body itself, or with the path of the file that it went to.
func pdkRawBody(ex *exchange, _ []byte) ([]byte, error) {
	b := ex.req.body
	if err := b.load(); err != nil {
		return nil, &bodyError{err}
	}
	if b.file != nil {
		return appendBytes(nil, 2, b.file.Name()), nil
	}
	return appendBytes(nil, 1, string(b.mem)), nil
}

func pdkCaptures(ex *exchange, _ []byte) ([]byte, error) {
	var out []byte
	if ex.match == nil {
		return nil, nil
	}
	for _, v := range ex.match.unnamed {
		out = appendBytes(out, 1, v)
	}
	for _, f := range ex.match.named {
		entry := appendBytes(nil, 1, f.name)
		entry = appendBytes(entry, 2, f.value)
		out = appendBytes(out, 2, string(entry))
	}
	return out, nil
}

func pdkRoute(ex *exchange, _ []byte) ([]byte, error) {
	if ex.match == nil {
		return nil, nil
	}
	r := ex.match.route
	b := textMessage(r.ID)
	b = appendInt(b, 2, ex.g.created)
	b = appendInt(b, 3, ex.g.created)
	b = appendText(b, 4, r.Name)
	for num, list := range map[protowire.Number][]string{5: r.Protocols, 6: r.Methods, 7: r.Hosts, 8: r.Paths, 14: r.SNIs, 17: r.Tags} {
		for _, v := range list {
			b = appendBytes(b, num, v)
		}
	}
	b = appendInt(b, 10, int64(r.HTTPSRedirectStatusCode))
	b = appendInt(b, 11, int64(r.RegexPriority))
	b = appendBool(b, 12, r.StripPath)
	b = appendBool(b, 13, r.PreserveHost)
	if r.Service != nil {
		b = appendBytes(b, 18, string(textMessage(r.Service.ID)))
	}
	return b, nil
}

func pdkService(ex *exchange, _ []byte) ([]byte, error) {
	s := ex.service()
	if s == nil {
		return nil, nil
	}
	b := textMessage(s.ID)
	b = appendInt(b, 2, ex.g.created)
	b = appendInt(b, 3, ex.g.created)
	b = appendText(b, 4, s.Name)
	b = appendInt(b, 5, int64(s.Retries))
	b = appendText(b, 6, s.Protocol)
	b = appendText(b, 7, s.Host)
	b = appendInt(b, 8, int64(s.Port))
	b = appendText(b, 9, s.Path)
	b = appendInt(b, 10, int64(s.ConnectTimeout))
	b = appendInt(b, 11, int64(s.WriteTimeout))
	b = appendInt(b, 12, int64(s.ReadTimeout))
	for _, t := range s.Tags {
		b = appendBytes(b, 13, t)
	}
	return b, nil
}
