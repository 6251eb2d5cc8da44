package declarative

import (
	"slices"
	"strconv"
	"strings"
)

const annotation = "konghq.com/"

// Annotations that the Kong Ingress Controller reads and that are read here.
var (
	ingressAnnotations = strings.Fields(`plugins strip-path preserve-host methods protocols https-redirect-status-code
		regex-priority path-handling snis request-buffering response-buffering`)
	serviceAnnotations = strings.Fields(`plugins protocol path retries connect-timeout read-timeout write-timeout`)
	// unreadAnnotations are Kong's, too.
	unreadAnnotations = strings.Fields(`override tags host-header host-aliases client-cert ca-certificates-secret
		ca-certificates-configmap tls-verify tls-verify-depth upstream-policy rewrite regex-prefix user-tag`)
)

// checkAnnotations reports konghq.com annotations that nobody would read.
func (o *object) checkAnnotations(known []string) {
	for _, key := range sortedKeys(o.annotations) {
		short, ours := strings.CutPrefix(key, annotation)
		if !ours || slices.Contains(known, short) || strings.HasPrefix(short, "headers.") && (o.kind == "Ingress" || o.kind == "HTTPRoute") {
			continue
		}
		at, field := o.annotated.line(key), o.annotated.sub(key)
		hint := DidYouMean(short, known)
		if slices.Contains(unreadAnnotations, short) {
			o.m.d.warnf(at, field, "not read here: neither checked nor used by the stand-in")
		} else if hint != "" {
			o.m.d.errorf(at, field, "unknown annotation%s", strings.Replace(hint, `"`, `"`+annotation, 1))
		} else {
			o.m.d.warnf(at, field, "unknown annotation on a %s", o.kind)
		}
	}
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// word, number, truth and words read one konghq.com annotation.
func (o *object) word(key string) string { return o.annotations[annotation+key] }

func (o *object) number(key string, fallback, low, high int) int {
	v := o.word(key)
	if v == "" {
		return fallback
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < low || n > high {
		o.bad(key, "expected a whole number between %d and %d, in quotes", low, high)
		return fallback
	}
	return n
}

func (o *object) truth(key string, fallback bool) bool {
	switch strings.ToLower(o.word(key)) {
	case "":
		return fallback
	case "true":
		return true
	case "false":
		return false
	}
	o.bad(key, `expected "true" or "false"`)
	return fallback
}

func (o *object) words(key string) []string {
	var out []string
	for w := range strings.SplitSeq(o.word(key), ",") {
		if w = strings.TrimSpace(w); w != "" {
			out = append(out, w)
		}
	}
	return out
}

func (o *object) bad(key, format string, args ...any) {
	key = annotation + key
	o.m.d.errorf(o.annotated.line(key), o.annotated.sub(key), format, args...)
}
