// Package keyauth is the plugin waf-key-auth: it lets in only callers that present a known
// API key. Every field of Kong's bundled key-auth means here what it means there; the keys
// themselves come from this config, because a plugin server cannot read Kong's database.
//
// Only hashes of keys are held in memory. No key appears in a log line or an error.
package keyauth

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"kongwaf/detect/apikey"
	"kongwaf/kong/pluginserver"
	"kongwaf/kong/schema"
	"kongwaf/plugins/internal/check"
)

// The plugin's name and priority: where Kong's own key-auth runs.
const (
	Name     = "waf-key-auth"
	Priority = 1250
)

// Config is the plugin's config.
type Config struct {
	KeyNames        []string     `json:"key_names" default:"apikey" kong:"required,lenmin=1,elements.match=^[a-zA-Z0-9-_]+$" doc:"Names under which the key is looked for, in this order: header names, query arguments and body fields."`
	HideCredentials bool         `json:"hide_credentials" default:"false" kong:"required" doc:"Whether the key is removed from the request before it goes to the upstream: its query argument always, its header and body field where keys may come there."`
	Anonymous       string       `json:"anonymous,omitempty" doc:"Username or id of the consumer as whom callers without a valid key are let in. Empty refuses them."`
	KeyInHeader     bool         `json:"key_in_header" default:"true" kong:"required" doc:"Whether the key may come in a header. The client's own header counts first; a key that a plugin which ran before has put there counts where the client's does not."`
	KeyInQuery      bool         `json:"key_in_query" default:"true" kong:"required" doc:"Whether the key may come in the query."`
	KeyInBody       bool         `json:"key_in_body" default:"false" kong:"required" doc:"Whether the key may come in the body: a form, JSON or multipart. Kong then reads every body to its end before the request goes on."`
	RunOnPreflight  bool         `json:"run_on_preflight" default:"true" kong:"required" doc:"Whether OPTIONS requests need a key too. Browsers send CORS preflights without one."`
	Realm           string       `json:"realm,omitempty" doc:"Realm named in the WWW-Authenticate header of a refusal."`
	Credentials     []Credential `json:"credentials" default:"[]" doc:"The keys that are let in, each with the consumer whom it belongs to."`
	check.Moded
	check.FailClosed
}

// Credential is one key and its owner.
type Credential struct {
	Key       string `json:"key,omitempty" kong:"referenceable,encrypted" doc:"The key itself. Prefer a vault reference, or key_sha256."`
	KeySHA256 string `json:"key_sha256,omitempty" kong:"encrypted,lenmin=64,lenmax=64,match=^%x+$" err:"must be the SHA-256 of the key: 64 hexadecimal digits" doc:"The SHA-256 of the key in hexadecimal, instead of the key."`
	Consumer  string `json:"consumer" kong:"required,lenmin=1" doc:"Username or id of the Kong consumer whom the key belongs to."`
	ID        string `json:"id,omitempty" doc:"What X-Credential-Identifier tells the upstream. By default an id made from the key's hash."`
}

// Definition is the plugin as the registry lists it.
func Definition() check.Definition {
	return check.Definition{
		Name:     Name,
		Priority: Priority,
		Config:   func() check.Config { return &Config{} },
		Failure:  check.Lenient(pluginserver.PolicyDeny),
		Options:  []schema.Option{schema.NoConsumer()},
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
	credentials := make([]apikey.Credential, len(c.Credentials))
	for i, cred := range c.Credentials {
		credentials[i] = apikey.Credential{
			Key:       cred.Key,
			KeySHA256: cred.KeySHA256,
			Entry:     apikey.Entry{ID: cred.id(), Consumer: cred.Consumer},
		}
	}
	keys, err := apikey.New(credentials)
	if err != nil {
		return check.Check{}, errors.Join(check.Entries(field+".credentials", err)...)
	}
	env.List("credentials", len(credentials))
	g := &guard{config: *c, keys: keys, consumers: env.Consumers, challenge: "Key"}
	if c.Realm != "" {
		g.challenge = fmt.Sprintf("Key realm=%q", c.Realm)
	}
	g.config.Credentials = nil // the keys themselves are not kept
	return c.In(check.Check{Name: "key-auth", Need: g.need(), Judge: g.judge, Failure: c.Failure()}), nil
}

// id returns what names the credential to the upstream. One that is not configured is made
// from the hash of the key's hash, so that it stays the same and gives nothing away that
// the hash would not.
func (c Credential) id() string {
	if c.ID != "" {
		return c.ID
	}
	hash, err := hex.DecodeString(c.KeySHA256)
	if c.Key != "" || err != nil {
		sum := sha256.Sum256([]byte(c.Key))
		hash = sum[:]
	}
	id := sha256.Sum256(append([]byte("kong-waf credential "), hash...))
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[0:4], id[4:6], id[6:8], id[8:10], id[10:16])
}
