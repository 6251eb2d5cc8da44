package keyauth

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"time"

	"kongwaf/detect"
	"kongwaf/detect/apikey"
	"kongwaf/plugins/internal/check"
	"kongwaf/plugins/internal/facts"
	"kongwaf/plugins/internal/keyring"
)

// The texts of refusals, as Kong's key-auth has them.
const (
	messageNoKey        = "No API key found in request"
	messageDuplicateKey = "Duplicate API key found"
	messageUnauthorized = "Unauthorized"
	messageOutOfScope   = "This API key may not be used for this request"
)

// Why a request is refused, for events and whoever watches failures. What the client reads does
// not tell an expired key from an unknown one.
const (
	reasonNoKey           = "no_key"
	reasonDuplicateKey    = "duplicate_key"
	reasonUnknownKey      = "unknown_key"
	reasonExpiredKey      = "expired_key"
	reasonEarlyKey        = "early_key" // not valid yet
	reasonOutOfScope      = "key_out_of_scope"
	reasonUnknownConsumer = "unknown_consumer"
)

// guard is the compiled config.
type guard struct {
	config    Config
	rings     []*keyring.Ring
	headers   headers
	now       func() time.Time
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
		v.Upstream.Clear = g.headers.forged(f, slices.Clone(g.headers.names[len(identityHeaders):]))
		return v
	}
	found, v := g.present(f)
	switch {
	case v.Denied && g.config.Anonymous != "":
		return g.anonymous(f, found)
	case v.Denied && g.config.Monitors():
		v.Upstream.Clear = g.nobody(f)
		g.hide(f, found, &v.Effects)
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
		return g.refuse(reasonDuplicateKey, messageDuplicateKey)
	case found.key == "":
		return g.refuse(reasonNoKey, messageNoKey)
	}
	key, source, err := g.search(found.key)
	switch {
	case key == nil && err != nil:
		return detect.Verdict{Failed: true, Reason: err.Error()}
	case key == nil:
		return g.refuse(reasonUnknownKey, messageUnauthorized)
	}
	v := g.admit(f, key)
	v.Key = detect.Key{ID: key.ID, Source: source}
	if v.Identity != nil {
		key.Touch(g.now())
		g.hide(f, found, &v.Effects)
	}
	return v
}

// search looks for a key wherever keys are known from. The error says that some of them are not
// known, so that a key which is not found may be a good one.
func (g *guard) search(presented string) (key *apikey.Key, source string, unknown error) {
	var buf [4]*apikey.Set
	sets := buf[:0]
	for _, ring := range g.rings {
		set, err := ring.Set()
		if err != nil {
			unknown = err
		}
		sets = append(sets, set)
	}
	key, at := apikey.Search(sets, presented)
	if key == nil {
		return nil, "", unknown
	}
	return key, g.rings[at].Name, nil
}

// admit judges a request that came with a known key.
func (g *guard) admit(f *facts.Facts, key *apikey.Key) detect.Verdict {
	if valid, expired := key.Valid(g.now()); expired {
		return g.refuse(reasonExpiredKey, messageUnauthorized)
	} else if !valid {
		return g.refuse(reasonEarlyKey, messageUnauthorized)
	}
	if within, err := inScope(f, key.Scope); err != nil {
		return detect.Verdict{Failed: true, Reason: err.Error()}
	} else if !within {
		return detect.Verdict{Denied: true, Reason: reasonOutOfScope, Status: http.StatusForbidden, Message: messageOutOfScope}
	}
	consumer, ok, err := g.consumers.Load(f, cmp.Or(key.ConsumerID, key.Consumer))
	if err != nil {
		return detect.Verdict{Failed: true, Reason: err.Error()}
	}
	if !ok {
		return g.refuse(reasonUnknownConsumer, messageUnauthorized)
	}
	var v detect.Verdict
	v.Identity = &detect.Identity{Consumer: consumer, Credential: key.ID}
	v.Upstream = g.headers.identify(f, v.Identity, key.Tags)
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
	v.Upstream = g.headers.identify(f, v.Identity, nil)
	g.hide(f, found, &v.Effects)
	return v
}

// nobody lists the headers that a request which goes on without a valid key must not bring
// to the upstream: what it says of itself. Another authentication, that let the caller in
// before, has spoken the truth.
func (g *guard) nobody(f *facts.Facts) []string {
	if f.Credential != "" {
		return g.headers.forged(f, slices.Clone(g.headers.names[len(identityHeaders):]))
	}
	return g.headers.forged(f, slices.Clone(g.headers.names))
}

func (g *guard) refuse(reason, message string) detect.Verdict {
	v := detect.Verdict{Denied: true, Reason: reason, Status: http.StatusUnauthorized, Message: message}
	v.Response.Set = []detect.Header{{Name: "WWW-Authenticate", Value: g.challenge}}
	return v
}
