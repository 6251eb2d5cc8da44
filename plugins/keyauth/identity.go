package keyauth

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"kongwaf/detect"
	"kongwaf/plugins/internal/facts"
)

// The headers that tell the upstream who called. A client must not be able to send them, so
// those that do not apply are cleared, in the one call that sets the others. They are cleared
// also where the client sent none: an authentication that ran before may have set them for
// somebody else.
const (
	headerConsumerID       = "X-Consumer-ID"
	headerConsumerCustomID = "X-Consumer-Custom-ID"
	headerConsumerUsername = "X-Consumer-Username"
	headerCredential       = "X-Credential-Identifier"
	headerAnonymous        = "X-Anonymous-Consumer"
)

var identityHeaders = []string{headerConsumerID, headerConsumerCustomID, headerConsumerUsername, headerCredential, headerAnonymous}

// headers are the names of headers that are ours to set: the identity headers and those of tags.
type headers struct {
	names []string
	// tags are the headers made of tags, in the order of their names.
	tags []tagHeader
	// spellings are the names with underscores that a server may take for one of ours: nginx
	// drops headers with other characters than letters, digits, dashes and underscores.
	spellings []string
}

// tagHeader is a header made of tags: of the values of those with a prefix, or of all.
type tagHeader struct {
	name, prefix string
	all          bool
}

// newHeaders returns the headers with those of a config. The error begins with the entry's name
// in brackets.
func newHeaders(tags map[string]string) (headers, error) {
	h := headers{names: slices.Clone(identityHeaders)}
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		switch {
		case slices.ContainsFunc(h.names, func(n string) bool { return detect.EqualFold(n, name) }):
			return h, fmt.Errorf(".%s: is a header that says who called, or stands there twice: choose another one", name)
		case slices.ContainsFunc(reserved, func(n string) bool { return detect.EqualFold(n, name) }):
			return h, fmt.Errorf(".%s: is a header that HTTP itself needs: choose another one", name)
		}
		h.names = append(h.names, name)
		h.tags = append(h.tags, tagHeader{name: name, prefix: tags[name], all: tags[name] == "*"})
	}
	h.spellings = spellings(h.names)
	return h, nil
}

// reserved are headers without which a request is another one.
var reserved = []string{"Host", "Connection", "Content-Length", "Content-Type", "Transfer-Encoding", "TE", "Trailer", "Upgrade", "Expect", "Authorization", "Cookie", "X-Forwarded-For", "X-Real-IP"}

// value returns the header's value for a key and its consumer, "" for none.
func (t *tagHeader) value(key, consumer []string) string {
	var values []string
	for _, tag := range slices.Concat(key, consumer) {
		if !t.all {
			rest, ok := strings.CutPrefix(tag, t.prefix)
			if !ok || rest == "" || rest[0] != ':' && rest[0] != '=' {
				continue
			}
			tag = rest[1:]
		}
		if tag != "" && !slices.Contains(values, tag) {
			values = append(values, tag)
		}
	}
	return strings.Join(values, ",")
}

// identify says who the caller is, and clears what the caller may have said itself. Tags are those
// of the key.
func (h *headers) identify(f *facts.Facts, id *detect.Identity, tags []string) detect.HeaderEdits {
	anonymous := ""
	if id.Credential == "" {
		anonymous = "true"
	}
	edits := detect.HeaderEdits{Set: make([]detect.Header, 0, 4+len(h.tags)), Clear: make([]string, 0, 4)}
	set := func(name, value string) {
		if value == "" {
			edits.Clear = append(edits.Clear, name)
		} else {
			edits.Set = append(edits.Set, detect.Header{Name: name, Value: value})
		}
	}
	for i, value := range [...]string{id.Consumer.ID, id.Consumer.CustomID, id.Consumer.Username, id.Credential, anonymous} {
		set(identityHeaders[i], value)
	}
	for i := range h.tags {
		set(h.tags[i].name, h.tags[i].value(tags, id.Consumer.Tags))
	}
	edits.Clear = h.forged(f, edits.Clear)
	return edits
}

// forged appends the names of headers that are none of ours, but become one upstream:
// nginx lets X_Consumer_ID through, and CGI, WSGI and Rack name both HTTP_X_CONSUMER_ID
// (RFC 3875 section 4.1.18). Where not all headers are known, these are all such names that
// reach the upstream.
func (h *headers) forged(f *facts.Facts, names []string) []string {
	if !f.AllHeaders() {
		return append(names, h.spellings...)
	}
	for i := range f.Request.Headers {
		name := f.Request.Headers[i].Name
		if !h.imitates(name) || slices.ContainsFunc(names, func(n string) bool { return detect.EqualFold(n, name) }) {
			continue
		}
		names = append(names, name)
	}
	return names
}

// imitates reports whether a header is one of ours in another spelling: anything but letters and
// digits may stand for a dash.
func (h *headers) imitates(name string) bool {
	for _, header := range h.names {
		if len(name) == len(header) && !detect.EqualFold(name, header) && alike(name, header) {
			return true
		}
	}
	return false
}

// alike compares two names of one length.
func alike(name, header string) bool {
	for i := 0; i < len(name); i++ {
		if a, b := folded(name[i]), folded(header[i]); a != b {
			return false
		}
	}
	return true
}

func folded(c byte) byte {
	switch {
	case 'A' <= c && c <= 'Z':
		return c | 0x20
	case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		return c
	}
	return '-'
}

// maxDashes bounds the number of a name's spellings: behind so many dashes only the one with
// nothing but underscores is among them.
const maxDashes = 4

// spellings returns names in which underscores stand for some dashes.
func spellings(headers []string) (all []string) {
	for _, header := range headers {
		if strings.Count(header, "-") > maxDashes {
			all = append(all, strings.ReplaceAll(header, "-", "_"))
			continue
		}
		names := []string{""}
		for i, word := range strings.Split(header, "-") {
			var longer []string
			for _, name := range names {
				if i == 0 {
					longer = append(longer, word)
				} else {
					longer = append(longer, name+"-"+word, name+"_"+word)
				}
			}
			names = longer
		}
		all = append(all, names[1:]...) // the first has only dashes
	}
	return all
}
