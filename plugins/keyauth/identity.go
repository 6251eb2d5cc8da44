package keyauth

import (
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

// identify says who the caller is, and clears what the caller may have said itself.
func identify(f *facts.Facts, id *detect.Identity) detect.HeaderEdits {
	anonymous := ""
	if id.Credential == "" {
		anonymous = "true"
	}
	edits := detect.HeaderEdits{Set: make([]detect.Header, 0, 4), Clear: make([]string, 0, 4)}
	for i, value := range [...]string{id.Consumer.ID, id.Consumer.CustomID, id.Consumer.Username, id.Credential, anonymous} {
		if value == "" {
			edits.Clear = append(edits.Clear, identityHeaders[i])
		} else {
			edits.Set = append(edits.Set, detect.Header{Name: identityHeaders[i], Value: value})
		}
	}
	edits.Clear = forged(f, edits.Clear)
	return edits
}

// forged appends the names of headers that are no identity header, but become one upstream:
// nginx lets X_Consumer_ID through, and CGI, WSGI and Rack name both HTTP_X_CONSUMER_ID
// (RFC 3875 section 4.1.18). Where not all headers are known, these are all such names that
// reach the upstream.
func forged(f *facts.Facts, names []string) []string {
	if !f.AllHeaders() {
		return append(names, spellings...)
	}
	for i := range f.Request.Headers {
		name := f.Request.Headers[i].Name
		if !imitates(name) || slices.ContainsFunc(names, func(n string) bool { return detect.EqualFold(n, name) }) {
			continue
		}
		names = append(names, name)
	}
	return names
}

// imitates reports whether a header is an identity header in another spelling: anything but
// letters and digits may stand for a dash.
func imitates(name string) bool {
	for _, header := range identityHeaders {
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

// spellings are the names that imitate with underscores: nginx drops headers with other
// characters than letters, digits, dashes and underscores.
var spellings = func() (all []string) {
	for _, header := range identityHeaders {
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
}()
