package keyauth

import (
	"fmt"
	"net/http"

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

// The headers that tell the upstream who called. A client must not be able to send them,
// so those that do not apply are cleared.
const (
	headerConsumerID       = "X-Consumer-ID"
	headerConsumerCustomID = "X-Consumer-Custom-ID"
	headerConsumerUsername = "X-Consumer-Username"
	headerCredential       = "X-Credential-Identifier"
	headerAnonymous        = "X-Anonymous-Consumer"
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
	if g.config.KeyInQuery || !g.config.RunOnPreflight {
		kinds |= facts.RequestLine
	}
	if g.config.KeyInBody {
		kinds |= facts.Body
	}
	if g.config.Anonymous != "" {
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
		// the plugins are alternatives.
		return detect.Verdict{}
	}
	found := g.find(f)
	v := g.authenticate(f, found)
	if v.Denied && g.config.Anonymous != "" {
		return g.anonymous(f, found)
	}
	return v
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
	v.Upstream = identify(v.Identity)
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
	v.Upstream = identify(v.Identity)
	g.hide(f, found, &v.Effects)
	return v
}

func (g *guard) refuse(reason, message string) detect.Verdict {
	v := detect.Verdict{Denied: true, Reason: reason, Status: http.StatusUnauthorized, Message: message}
	v.Response.Set = []detect.Header{{Name: "WWW-Authenticate", Value: g.challenge}}
	return v
}

// identify says who the caller is, and clears what the caller may have said itself.
func identify(id *detect.Identity) detect.HeaderEdits {
	anonymous := ""
	if id.Credential == "" {
		anonymous = "true"
	}
	edits := detect.HeaderEdits{Set: make([]detect.Header, 0, 4), Clear: make([]string, 0, 4)}
	for _, h := range []detect.Header{
		{Name: headerConsumerID, Value: id.Consumer.ID},
		{Name: headerConsumerCustomID, Value: id.Consumer.CustomID},
		{Name: headerConsumerUsername, Value: id.Consumer.Username},
		{Name: headerCredential, Value: id.Credential},
		{Name: headerAnonymous, Value: anonymous},
	} {
		if h.Value == "" {
			edits.Clear = append(edits.Clear, h.Name)
		} else {
			edits.Set = append(edits.Set, h)
		}
	}
	return edits
}
