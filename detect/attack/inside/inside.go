// Package inside finds callers that speak as only the inside of a system does: they send
// headers that proxies and frameworks set for each other, name parameters after what a
// framework keeps to itself, or write a query that the program behind the page takes for its
// own options.
//
// There is no language in such a request and often no odd character; what is wrong is who
// says it. So the package looks at the request as a whole (Request) and at names (Judge). The
// names are few: they belong to widely used servers and frameworks and mean nothing else.
//
// Kong may itself stand behind proxies that set some of these headers. What such a proxy
// sends for an ordinary request (an address of a client, the page's own URL) is no attack
// here; a proxy in front that sends more must be trusted by an exception.
package inside

import (
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/words"
)

// What a finding is worth.
const (
	certain    = 0.95 // no caller has any business with it
	attack     = 0.85 // an attack, unless something very odd stands in front
	suspicious = 0.5  // seen from the outside now and then
)

// Possible reports whether a value can be a name that Judge knows.
// It looks at the value's Traits, Pairs, Source and IsName only.
func Possible(v *value.Value) bool {
	return v.IsName && v.Traits.Any(value.Letter) && (v.Source == detect.SourceQuery || v.Source == detect.SourceBody) &&
		v.Traits.Any(value.Hash|value.Dot)
}

// Judge looks at a decoded name of a parameter or a field; the zero Match means that nothing
// was seen.
func Judge(v *value.Value) value.Match {
	if !Possible(v) || len(v.Text) > longestName {
		return value.Match{}
	}
	if m := renderKey(v.Text); m.Confidence > 0 {
		return m
	}
	return beanPath(v.Text)
}

// longestName is the length of names that are looked at, in bytes.
const longestName = 256

func found(class detect.Class, confidence float64, start, end int, shape string) value.Match {
	return value.Match{Class: class, Confidence: confidence, Start: start, End: end, Shape: shape}
}

// renderKey recognises the keys of Drupal's render arrays, which begin with a hash:
// mail[#post_render][].
func renderKey(name string) value.Match {
	for i := 0; i < len(name); {
		j := strings.IndexByte(name[i:], '#')
		if j < 0 {
			break
		}
		i += j + 1
		end := i
		for end < len(name) && (name[end] == '_' || 'a' <= name[end] && name[end] <= 'z') {
			end++
		}
		if i > 1 && name[i-2] != '[' && name[i-2] != '/' {
			continue
		}
		switch renders.Of(name[i:end]) {
		case runs:
			return found(detect.ClassRCE, certain, i-1, end, "callback of a render array")
		case shows:
			if i > 1 {
				return found(detect.ClassRCE, attack, i-1, end, "key of a render array")
			}
		}
	}
	return value.Match{}
}

const (
	runs uint32 = 1 << iota
	shows
)

var renders = words.New(
	words.Group{Kind: runs, Words: "post_render pre_render lazy_builder access_callback after_build value_callback element_validate process submit_callback"},
	words.Group{Kind: shows, Words: "markup type theme theme_wrappers prefix suffix attached value"},
)

// beanPath recognises property paths that lead from a parameter's name to what a framework
// keeps to itself: bootstrapStatusProvider.applicationConfig.setupComplete.
func beanPath(name string) value.Match {
	steps, known, last := 0, 0, ""
	for rest := name; rest != ""; {
		step := rest
		if i := strings.IndexAny(rest, ".["); i >= 0 {
			step, rest = rest[:i], rest[i+1:]
		} else {
			rest = ""
		}
		step = strings.TrimRight(step, "]")
		steps++
		last = step
		if kept.Of(step) != 0 {
			known++
		}
	}
	switch {
	case steps >= 2 && known > 0:
		return found(detect.ClassRCE, attack, 0, len(name), "property of the framework")
	case steps == 2 && strings.HasPrefix(name, "top.") && (words.Index(last, "filename") >= 0 || words.Index(last, "contenttype") >= 0):
		return found(detect.ClassUpload, attack, 0, len(name), "property of an upload")
	}
	return value.Match{}
}

// kept are properties of frameworks that no application offers as a parameter.
var kept = words.New(words.Group{Kind: 1, Words: `bootstrapstatusprovider applicationconfig setupcomplete _memberaccess memberaccess
	securitymemberaccess actioncontext valuestack ognlutil excludedclasses excludedpackagenames protectiondomain codesource
	servletcontext webapplicationcontext springmacrorequestcontext allowstaticmethodaccess`})
