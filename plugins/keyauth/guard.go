package keyauth

import (
	"fmt"
	"net/http"
	"slices"

	"kongwaf/detect"
	"kongwaf/detect/apikey"
	"kongwaf/plugins/internal/check"
	"kongwaf/plugins/internal/facts"
)

// The texts of refusals, as Kong's key-auth has them.
const (
	messageNoKey        = "No API key found in request"
	messageDuplicateKey = "Duplicate API key found"
	messageUnauthorized = "Unauthorized"
)

// guard is the compiled config.
type guard struct {
	config    Config
	keys      *apikey.Set
	consumers *check.Consumers
	challenge string
}

func (g *guard) need() facts.Need {
	kinds := facts.Kind(0)
	if g.config.KeyInHeader {
		kinds |= facts.Headers
	}
	if g.config.KeyInQuery || g.config.HideCredentials || !g.config.RunOnPreflight {
		kinds |= facts.RequestLine
	}
	if g.config.KeyInBody {
		kinds |= facts.Body
	}
	if g.config.Anonymous != "" || g.config.Monitors() {
		kinds |= facts.Credential
	}
	return facts.Need{Kinds: kinds}
}

func (g *guard) judge(f *facts.Facts) detect.Verdict {
	if !g.config.RunOnPreflight && f.Request.Method == http.MethodOptions {
		return detect.Verdict{}
	}
	if g.config.Anonymous != "" && f.Credential != "" {
		// Another authentication let the caller in already: with an anonymous consumer
		// the plugins are alternatives. The headers that it has set stay.
		var v detect.Verdict
		v.Upstream.Clear = forged(f, nil)
		return v
	}
	found, v := g.present(f)
	switch {
	case v.Denied && g.config.Anonymous != "":
		return g.anonymous(f, found)
	case v.Denied && g.config.Monitors():
		v.Upstream.Clear = g.nobody(f)
	}
	return v
}

// present looks for a key and judges it: the client's own, which costs no call to learn, but
// nobody is refused for that. A plugin that ran before may have put a key where the client
// had none, or another one.
func (g *guard) present(f *facts.Facts) (presented, detect.Verdict) {
	if f.AsSent() || !g.config.KeyInHeader {
		found := g.find(f, f.Request.Headers)
		if v := g.authenticate(f, found); !v.Denied || !g.config.KeyInHeader {
			return found, v
		}
	}
	headers, err := f.Current()
	if err != nil {
		return presented{}, detect.Verdict{Failed: true, Reason: err.Error()}
	}
	found := g.find(f, headers)
	return found, g.authenticate(f, found)
}

func (g *guard) authenticate(f *facts.Facts, found presented) detect.Verdict {
	switch {
	case found.duplicate:
		return g.refuse("duplicate_key", messageDuplicateKey)
	case found.key == "":
		return g.refuse("no_key", messageNoKey)
	}
	entry, ok := g.keys.Lookup(found.key)
	if !ok {
		return g.refuse("unknown_key", messageUnauthorized)
	}
	consumer, ok, err := g.consumers.Load(f, entry.Consumer)
	if err != nil {
		return detect.Verdict{Failed: true, Reason: err.Error()}
	}
	if !ok {
		return g.refuse("unknown_consumer", messageUnauthorized)
	}
	var v detect.Verdict
	v.Identity = &detect.Identity{Consumer: consumer, Credential: entry.ID}
	v.Upstream = identify(f, v.Identity)
	g.hide(f, found, &v.Effects)
	return v
}

func (g *guard) anonymous(f *facts.Facts, found presented) detect.Verdict {
	consumer, ok, err := g.consumers.Load(f, g.config.Anonymous)
	if err != nil {
		return detect.Verdict{Failed: true, Reason: err.Error()}
	}
	if !ok {
		return detect.Verdict{Failed: true, Reason: fmt.Sprintf("config.anonymous: Kong knows no consumer %q", g.config.Anonymous)}
	}
	var v detect.Verdict
	v.Identity = &detect.Identity{Consumer: consumer}
	v.Upstream = identify(f, v.Identity)
	g.hide(f, found, &v.Effects)
	return v
}

// nobody lists the headers that a request which goes on without a valid key must not bring
// to the upstream: what it says of itself. Another authentication, that let the caller in
// before, has spoken the truth.
func (g *guard) nobody(f *facts.Facts) []string {
	if f.Credential != "" {
		return forged(f, nil)
	}
	return forged(f, slices.Clone(identityHeaders))
}

func (g *guard) refuse(reason, message string) detect.Verdict {
	v := detect.Verdict{Denied: true, Reason: reason, Status: http.StatusUnauthorized, Message: message}
	v.Response.Set = []detect.Header{{Name: "WWW-Authenticate", Value: g.challenge}}
	return v
}
