// Package keyauth is the plugin waf-key-auth: it lets in only callers that present a known
// API key. Every field of Kong's bundled key-auth means here what it means there; the keys
// themselves come from this config, from files, and from Kong's own credentials through its Admin
// API, because a plugin server cannot read Kong's database. See package keyring.
//
// Only hashes of keys are held in memory. No key appears in a log line or an error.
package keyauth

import (
	"errors"
	"fmt"

	"kongwaf/detect/apikey"
	"kongwaf/kong/pluginserver"
	"kongwaf/kong/schema"
	"kongwaf/plugins/internal/check"
	"kongwaf/plugins/internal/keyring"
	"kongwaf/plugins/internal/moment"
)

// The plugin's name and priority: where Kong's own key-auth runs.
const (
	Name     = "waf-key-auth"
	Priority = 1250
)

// Config is the plugin's config.
type Config struct {
	KeyNames        []string             `json:"key_names" default:"apikey" kong:"required,lenmin=1,elements.match=^[a-zA-Z0-9-_]+$" doc:"Names under which the key is looked for, in this order: header names, query arguments and body fields."`
	HideCredentials bool                 `json:"hide_credentials" default:"false" kong:"required" doc:"Whether keys are removed from the request before it goes to the upstream, under all key_names: query arguments always, headers and body fields where keys may come there."`
	Anonymous       string               `json:"anonymous,omitempty" doc:"Username or id of the consumer as whom callers without a valid key are let in. Empty refuses them."`
	KeyInHeader     bool                 `json:"key_in_header" default:"true" kong:"required" doc:"Whether the key may come in a header. The client's own header counts first; a key that a plugin which ran before has put there counts where the client's does not."`
	KeyInQuery      bool                 `json:"key_in_query" default:"true" kong:"required" doc:"Whether the key may come in the query."`
	KeyInBody       bool                 `json:"key_in_body" default:"false" kong:"required" doc:"Whether the key may come in the body: a form, JSON or multipart. Kong then reads every body to its end before the request goes on."`
	RunOnPreflight  bool                 `json:"run_on_preflight" default:"true" kong:"required" doc:"Whether OPTIONS requests need a key too. Browsers send CORS preflights without one."`
	Realm           string               `json:"realm,omitempty" doc:"Realm named in the WWW-Authenticate header of a refusal."`
	Credentials     []keyring.Credential `json:"credentials" default:"[]" doc:"Keys that are let in, each with the consumer whom it belongs to."`
	KeyFiles        []string             `json:"key_files" default:"[]" kong:"elements.match=^/" doc:"Files with more keys, read again when they change: YAML or JSON with a list of credentials under keys, or Kong's declarative file. Absolute paths, as the plugin server sees them."`
	KongCredentials string               `json:"kong_credentials" default:"auto" kong:"required,oneof=auto|required|off" doc:"Whether Kong's own key-auth credentials are let in too, read through the Admin API: auto where the server's settings have admin_api.url, required refuses a config without it, off does not."`
	TagHeaders      map[string]string    `json:"tag_headers" default:"{}" kong:"keys.match=^[a-zA-Z0-9-]+$" doc:"Headers for the upstream made of the tags of the key and of its consumer, by name: of plan:gold, the value plan makes gold; a star makes a list of all tags. What a client sends under these names is removed."`
	check.Moded
	check.Reputed
	check.FailClosed
}

// Definition is the plugin as the registry lists it.
func Definition() check.Definition {
	return check.Definition{
		Name:     Name,
		Priority: Priority,
		Config:   func() check.Config { return &Config{} },
		Failure:  check.Lenient(pluginserver.PolicyDeny),
		Options:  []schema.Option{schema.NoConsumer(), schema.WithFormat(moment.Format())},
	}
}

// Compile implements check.Config.
func (c *Config) Compile(env check.Env) ([]check.Check, error) {
	one, err := c.Check(env, "config")
	return []check.Check{one}, err
}

// Check compiles the config. Field is what its fields are below, for error texts.
func (c *Config) Check(env check.Env, field string) (check.Check, error) {
	if !c.KeyInHeader && !c.KeyInQuery && !c.KeyInBody {
		return check.Check{}, fmt.Errorf("%s: key_in_header, key_in_query and key_in_body are all false: set one to true, or no key can ever be presented", field)
	}
	headers, err := newHeaders(c.TagHeaders)
	if err != nil {
		return check.Check{}, fmt.Errorf("%s.tag_headers%w", field, err)
	}
	rings, err := c.rings(env, field)
	if err != nil {
		return check.Check{}, err
	}
	env.Keys.Use(rings)
	g := &guard{config: *c, rings: rings, headers: headers, now: env.Now, consumers: env.Consumers, challenge: "Key"}
	if c.Realm != "" {
		g.challenge = fmt.Sprintf("Key realm=%q", c.Realm)
	}
	g.config.Credentials = nil // the keys themselves are not kept
	one := check.Check{Name: "key-auth", Need: g.need(), Judge: g.judge, Failure: c.Failure(), Guards: true}
	return c.Known(c.In(one), 0, ""), nil
}

// rings returns where keys come from. What the config itself says comes first.
func (c *Config) rings(env check.Env, field string) ([]*keyring.Ring, error) {
	credentials, err := keyring.Compile(c.Credentials)
	if err != nil {
		return nil, errors.Join(check.Entries(field+".credentials", err)...)
	}
	set, err := apikey.New(credentials)
	if err != nil {
		return nil, errors.Join(check.Entries(field+".credentials", err)...)
	}
	env.List("credentials", set.Len())
	rings := []*keyring.Ring{keyring.Fixed(set)}
	for i, path := range c.KeyFiles {
		ring, err := env.Keys.File(path)
		if err != nil {
			return nil, fmt.Errorf("%s.key_files[%d]: %w", field, i, err)
		}
		rings = append(rings, ring)
	}
	if c.KongCredentials == "off" {
		return rings, nil
	}
	kong, err := env.Keys.Kong()
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s.kong_credentials: %w", field, err)
	case kong != nil:
		rings = append(rings, kong)
	case c.KongCredentials == "required" && !env.Sources.Offline:
		return nil, fmt.Errorf("%s.kong_credentials: %w", field, keyring.ErrNoAdmin)
	}
	return rings, nil
}
