package conformance

import (
	"fmt"
	"slices"
	"strings"

	"kongwaf/kong/gateway/gatewaytest"
)

// withoutBundled leaves a behaviour out where Kong's own plugins are not there.
func withoutBundled(target *Target) string {
	if !target.Bundled {
		return "Kong's own plugins are not enabled, or were not asked for (--bundled)"
	}
	return ""
}

// beside: the same requests to Kong's own plugin and to ours, with the same config.
func beside() []behaviour {
	form := []string{"Content-Type", formType}
	calls := map[string][]struct {
		name  string
		calls []call
	}{
		"key-auth": {
			{"no key", []call{{}}},
			{"an unknown key", []call{{headers: []string{"apikey", "unknown"}}}},
			{"a key in a header", []call{{headers: []string{"apikey", key}}}},
			{"a key in the query", []call{{target: "?apikey=" + key}}},
			{"a key in a form", []call{{method: "POST", body: "apikey=" + key, headers: form}}},
			{"two keys", []call{{target: "?apikey=" + key + "&apikey=" + key}}},
			{"an empty key", []call{{target: "?apikey="}}},
			{"forged identity", []call{{headers: []string{"apikey", key, "X-Consumer-Username", "root", "X-Anonymous-Consumer", "true"}}}},
			{"HEAD", []call{{method: "HEAD"}}},
			{"plain text asked for", []call{{headers: []string{"Accept", "text/plain"}}}},
		},
		"ip-restriction": {
			{"not allowed", []call{{}}},
			{"HTML asked for", []call{{headers: []string{"Accept", "text/html"}}}},
		},
		"rate-limiting": {
			{"two pass, the third is refused", []call{{}, {}, {}}},
			{"HEAD counts too", []call{{method: "HEAD"}, {}, {}}},
		},
	}
	var all []behaviour
	for _, p := range pairs() {
		for _, c := range calls[p.plugin] {
			all = append(all, behaviour{group: "beside Kong's", name: p.plugin + ": " + c.name, leave: withoutBundled, try: func(t *trial) error {
				for i, one := range c.calls {
					kongs, got, err := t.send(p.kongs(), one)
					if err != nil {
						return err
					}
					ours, ourGot, err := t.send(p.ours(), one)
					if err != nil {
						return err
					}
					if problem := compare(kongs, ours, got, ourGot); problem != "" {
						return fmt.Errorf("call %d: %s", i+1, problem)
					}
				}
				return nil
			}})
		}
	}
	return all
}

// compared are the headers that clients and upstreams go by. X-Credential-Identifier is left
// out: Kong's is the credential's id in its database.
var (
	comparedAnswer   = []string{"WWW-Authenticate", "Content-Type", "RateLimit-Limit", "RateLimit-Remaining", "X-RateLimit-Limit-Year", "X-RateLimit-Remaining-Year"}
	comparedUpstream = []string{"X-Consumer-ID", "X-Consumer-Username", "X-Consumer-Custom-ID", "X-Anonymous-Consumer", "apikey"}
)

// compare says how our answer differs from Kong's own, "" if it does not.
func compare(kongs, ours *gatewaytest.Response, got, ourGot []gatewaytest.Received) string {
	switch {
	case kongs.Status != ours.Status:
		return fmt.Sprintf("Kong's own answers %d, ours %d", kongs.Status, ours.Status)
	case messageOf(kongs.Body) != messageOf(ours.Body):
		return fmt.Sprintf("Kong's own says %q, ours %q", messageOf(kongs.Body), messageOf(ours.Body))
	case len(got) != len(ourGot):
		return fmt.Sprintf("the upstream received %d requests through Kong's own, %d through ours", len(got), len(ourGot))
	}
	for _, name := range comparedAnswer {
		if a, b := kongs.Headers.Values(name), ours.Headers.Values(name); !slices.Equal(a, b) {
			return fmt.Sprintf("%s is %q from Kong's own, %q from ours", name, a, b)
		}
	}
	for i := range got {
		for _, name := range comparedUpstream {
			if a, b := got[i].Headers.Values(name), ourGot[i].Headers.Values(name); !slices.Equal(a, b) {
				return fmt.Sprintf("the upstream received %s %q through Kong's own, %q through ours", name, a, b)
			}
		}
		if a, b := got[i].Body, ourGot[i].Body; strings.Contains(a, key) != strings.Contains(b, key) {
			return fmt.Sprintf("the upstream received the body %q through Kong's own, %q through ours", a, b)
		}
	}
	return ""
}
