package declarative

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// keyCheck is a config of waf-key-auth, alone or in waf-gate, and where it was written.
type keyCheck struct {
	pluginConfig
	section string         // below config, with its dot: "key_auth." in waf-gate
	config  map[string]any // the section's
}

// keyChecks returns the configs that ask for a key.
func (b *builder) keyChecks() []keyCheck {
	var checks []keyCheck
	for _, c := range b.configs {
		switch {
		case !c.plugin.Enabled:
		case c.plugin.Name == "waf-key-auth":
			checks = append(checks, keyCheck{pluginConfig: c, config: c.plugin.Config})
		case c.plugin.Name == "waf-gate" && hasCheck(c.plugin.Config, "key-auth"):
			section, _ := c.plugin.Config["key_auth"].(map[string]any)
			checks = append(checks, keyCheck{pluginConfig: c, section: "key_auth.", config: section})
		}
	}
	return checks
}

// warn reports a doubt about a field of the section.
func (k *keyCheck) warn(field, format string, args ...any) {
	field = k.section + field
	k.doc.warnf(find(k.node, "config", "config."+field), k.path+"."+field, format, args...)
}

// adviseKeys warns of keys that belong to nobody, and of keys that nobody reads.
func (b *builder) adviseKeys() {
	for _, k := range b.keyChecks() {
		credentials, _ := k.config["credentials"].([]any)
		for i, c := range credentials {
			credential, _ := c.(map[string]any)
			if name, _ := credential["consumer"].(string); b.nobody(name) {
				k.warn(fmt.Sprintf("credentials[%d].consumer", i), "no consumer with the username or id %q in these files: unless Kong knows one, the key is refused", name)
			}
		}
		if name, _ := k.config["anonymous"].(string); b.nobody(name) {
			k.warn("anonymous", "no consumer with the username or id %q in these files: unless Kong knows one, callers without a key get 500", name)
		}
		if k.config["kong_credentials"] != "off" {
			continue // it reads Kong's own, where the server knows its Admin API
		}
		if unread, first := b.unreadKeys(credentials); unread > 0 {
			k.warn("kong_credentials", "%d key-auth credentials of consumers, the first at %s, are not among credentials, and %s is told not to read Kong's own: leave kong_credentials out, or list them", unread, first, k.plugin.Name)
		}
	}
}

// nobody reports whether no file defines the consumer. A name from a vault or an empty one
// is not looked for.
func (b *builder) nobody(name string) bool {
	return name != "" && !strings.HasPrefix(name, "{vault://") &&
		!slices.ContainsFunc(b.cfg.Consumers, func(c *Consumer) bool { return c.Username == name || c.ID == name })
}

// unreadKeys counts the credentials of consumers that are not among those of a config, unless
// Kong's own key-auth is there to read them.
func (b *builder) unreadKeys(credentials []any) (unread int, first Position) {
	if slices.ContainsFunc(b.cfg.Plugins, func(p *Plugin) bool { return p.Name == "key-auth" && p.Enabled }) {
		return 0, Position{}
	}
	listed := map[string]bool{} // hashes
	for _, c := range credentials {
		credential, _ := c.(map[string]any)
		if key, _ := credential["key"].(string); key != "" {
			listed[hashOf(key)] = true
		}
		hash, _ := credential["key_sha256"].(string)
		listed[strings.ToLower(hash)] = true
	}
	for _, c := range b.cfg.Consumers {
		for _, key := range c.Keys {
			if listed[hashOf(key.Key)] {
				continue
			}
			if unread++; unread == 1 {
				first = key.At
			}
		}
	}
	return unread, first
}

func hashOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}
