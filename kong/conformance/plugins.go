package conformance

import (
	"cmp"
	"fmt"
	"strings"

	"kongwaf/kong/gateway/gatewaytest"
)

// addresses: waf-ip-restriction.
func addresses() []behaviour {
	return []behaviour{
		steps("addresses", "deny names the address", func(t *trial) error {
			answer, received, err := t.send("address-deny", call{})
			switch {
			case err != nil:
				return err
			case answer.Status != 403 || len(received) > 0:
				return fmt.Errorf("answered %d", answer.Status)
			case !strings.HasPrefix(messageOf(answer.Body), "IP address not allowed: "):
				return fmt.Errorf("the message is %q", messageOf(answer.Body))
			}
			return nil
		}),
		one("addresses", "allow lets in", "address-allow", call{}, passes),
		one("addresses", "allow keeps out all others, with the config's status and message", "address-other", call{}, want{status: 451, message: "Not from there"}),
		one("addresses", "deny goes before allow", "address-both", call{}, want{status: 403}),
	}
}

// keys: waf-key-auth.
func keys() []behaviour {
	known := func(r gatewaytest.Received) string {
		return cmp.Or(headerIs(r, "X-Consumer-Username", Consumer), headerIs(r, "X-Consumer-Custom-ID", customID), headerIs(r, "X-Anonymous-Consumer"))
	}
	in := want{status: 200, upstream: true, received: known}
	hidden := want{status: 200, upstream: true, received: func(r gatewaytest.Received) string {
		if strings.Contains(r.Target+r.Body, key) {
			return "the upstream received the key"
		}
		return cmp.Or(headerIs(r, "apikey"), known(r))
	}}
	return []behaviour{
		one("keys", "no key", "key", call{}, want{status: 401, message: "No API key found in request", headers: []string{"WWW-Authenticate", `Key realm="conformance"`}}),
		one("keys", "an unknown key", "key", call{headers: []string{"apikey", "unknown"}}, want{status: 401, message: "Unauthorized"}),
		one("keys", "a key in a header", "key", call{headers: []string{"apikey", key}}, in),
		one("keys", "a key in the query", "key", call{target: "?apikey=" + key}, in),
		one("keys", "two keys", "key", call{headers: []string{"apikey", key, "apikey", key}}, want{status: 401, message: "Duplicate API key found"}),
		one("keys", "hidden in a header", "key-hidden", call{headers: []string{"apikey", key}}, hidden),
		one("keys", "hidden in the query, every other byte stays", "key-hidden", call{target: "?a=%41&apikey=" + key + "&b"}, want{status: 200, upstream: true, received: func(r gatewaytest.Received) string {
			if !strings.HasSuffix(r.Target, "?a=%41&b") {
				return "the upstream received the target " + r.Target
			}
			return known(r)
		}}),
		one("keys", "hidden in a form", "key-hidden", call{method: "POST", body: "a=1&apikey=" + key, headers: []string{"Content-Type", formType}}, hidden),
		one("keys", "a caller without a key is the anonymous consumer", "key-anonymous", call{}, want{status: 200, upstream: true, received: func(r gatewaytest.Received) string {
			return cmp.Or(headerIs(r, "X-Anonymous-Consumer", "true"), headerIs(r, "X-Consumer-Username", anonymous))
		}}),
		steps("keys", "identity headers of the client never reach the upstream", func(t *trial) error {
			forged := []string{"X-Consumer-Username", "root", "X-Consumer-ID", "1", "X-Anonymous-Consumer", "true", "X-Consumer-Username", "admin", "X_Consumer_ID", "2"}
			return t.expect("", "key", call{headers: append(forged, "apikey", key)}, want{status: 200, upstream: true, received: func(r gatewaytest.Received) string {
				return cmp.Or(known(r), headerIs(r, "X_Consumer_ID"))
			}})
		}),
		one("keys", "a preflight needs a key", "key", call{method: "OPTIONS"}, want{status: 401, message: "No API key found in request"}),
	}
}

// limits: waf-rate-limiting.
func limits() []behaviour {
	refused := want{status: 429, message: "API rate limit exceeded", headers: []string{"Retry-After", "*"}}
	left := func(n string) want {
		return want{status: 200, upstream: true, headers: []string{"X-RateLimit-Limit-Year", "3", "X-RateLimit-Remaining-Year", n, "RateLimit-Limit", "3", "RateLimit-Remaining", n, "RateLimit-Reset", "*"}}
	}
	three := func(route string) func(*trial) error {
		return func(t *trial) error {
			for i := range 3 {
				if err := t.expect(fmt.Sprintf("call %d", i+1), route, call{}, passes); err != nil {
					return err
				}
			}
			return t.expect("call 4", route, call{}, refused)
		}
	}
	return []behaviour{
		steps("limits", "three pass, the fourth is refused; headers count down", func(t *trial) error {
			return cmp.Or(t.expect("call 1", "limit", call{}, left("2")), t.expect("call 2", "limit", call{}, left("1")),
				t.expect("call 3", "limit", call{}, left("0")), t.expect("call 4", "limit", call{}, refused),
				t.expect("somebody else", "limit", call{headers: []string{"X-Conformance", t.tenant + "-2"}}, left("2")))
		}),
		steps("limits", "sliding window", three("limit-sliding")),
		steps("limits", "gcra with a burst of three", three("limit-gcra")),
		steps("limits", "hidden headers, the config's status and message", func(t *trial) error {
			bare := []string{"X-RateLimit-Limit-Year", "", "RateLimit-Limit", ""}
			return cmp.Or(t.expect("call 1", "limit-hidden", call{}, want{status: 200, upstream: true, headers: bare}),
				t.expect("call 2", "limit-hidden", call{}, want{status: 503, message: "Later", headers: bare}))
		}),
	}
}

// together: several checks on one route.
func together() []behaviour {
	var out []behaviour
	for _, route := range []string{"gate", "four"} {
		out = append(out, steps(map[string]string{"gate": "waf-gate", "four": "all four"}[route], "attack, key and limit in their order; a refusal counts in no limit", func(t *trial) error {
			withKey := func(target string) call {
				return call{target: target, headers: []string{"apikey", key}}
			}
			return cmp.Or(
				t.expect("an attack without a key", route, call{target: "?q=" + escape(attack)}, blocked),
				t.expect("no key", route, call{}, want{status: 401, message: "No API key found in request"}),
				t.expect("an attack with a key", route, withKey("?q="+escape(attack)), blocked),
				t.expect("call 1", route, withKey(""), want{status: 200, upstream: true, headers: []string{"X-RateLimit-Remaining-Year", "1"}}),
				t.expect("call 2", route, withKey(""), want{status: 200, upstream: true, headers: []string{"X-RateLimit-Remaining-Year", "0"}}),
				t.expect("call 3", route, withKey(""), want{status: 429, message: "API rate limit exceeded"}),
			)
		}))
	}
	return out
}
