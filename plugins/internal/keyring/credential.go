package keyring

import (
	"fmt"

	"kongwaf/detect/apikey"
	"kongwaf/plugins/internal/moment"
)

// Credential is one key and its owner, as a config and a file of keys have it.
type Credential struct {
	Key       string   `json:"key,omitempty" kong:"referenceable,encrypted" doc:"The key itself. Prefer a vault reference, or key_sha256."`
	KeySHA256 string   `json:"key_sha256,omitempty" kong:"encrypted,lenmin=64,lenmax=64,match=^%x+$" err:"must be the SHA-256 of the key: 64 hexadecimal digits" doc:"The SHA-256 of the key in hexadecimal, instead of the key. kong-waf keys new and keys hash print it."`
	Consumer  string   `json:"consumer" kong:"required,lenmin=1" doc:"Username or id of the Kong consumer whom the key belongs to."`
	ID        string   `json:"id,omitempty" doc:"What X-Credential-Identifier tells the upstream, and events and metrics. By default an id made from the key's hash."`
	NotBefore string   `json:"not_before,omitempty" kong:"format=moment" doc:"From when the key is valid: a day such as 2027-03-31 (UTC, from its beginning) or a time such as 2027-03-31T12:00:00Z. At once if not set."`
	Expires   string   `json:"expires,omitempty" kong:"format=moment" doc:"Until when the key is valid: a day such as 2027-03-31 (UTC, to its end) or a time such as 2027-03-31T12:00:00Z. For ever if not set."`
	Methods   []string `json:"methods,omitempty" kong:"elements.match=^[A-Z_-]+$" doc:"Request methods that the key may be used for, in capital letters. HEAD is not part of GET. All if not set."`
	Paths     []string `json:"paths,omitempty" kong:"elements.match=^/" doc:"Prefixes of the paths that the key may be used for, by whole segments: /orders holds /orders/7, not /orders-old. Paths that servers read differently (dots, double or encoded slashes) are refused. All if not set."`
	Routes    []string `json:"routes,omitempty" doc:"Names or ids of the Kong routes that the key may be used for. All if not set."`
	Tags      []string `json:"tags,omitempty" kong:"elements.match=^[^,/%c]+$" doc:"Words about the key, such as plan:gold; tag_headers sends them to the upstream."`
}

// Compile returns the credential as a set of keys takes it. The error names the field, and no
// secret.
func (c *Credential) Compile() (apikey.Credential, error) {
	out := apikey.Credential{Key: c.Key, KeySHA256: c.KeySHA256, Entry: apikey.Entry{ID: c.ID, Consumer: c.Consumer, Tags: c.Tags}}
	if s := (apikey.Scope{Methods: c.Methods, Paths: c.Paths, Routes: c.Routes}); !s.Empty() {
		out.Entry.Scope = &s
	}
	var err error
	if c.NotBefore != "" {
		if out.Entry.NotBefore, err = moment.Begin(c.NotBefore); err != nil {
			return out, fmt.Errorf("has a not_before that is no time: %w", err)
		}
	}
	if c.Expires != "" {
		if out.Entry.Expires, err = moment.End(c.Expires); err != nil {
			return out, fmt.Errorf("has an expires that is no time: %w", err)
		}
	}
	for _, tag := range c.Tags {
		if !goodTag(tag) {
			return out, fmt.Errorf("has the tag %q: write it without commas, slashes and control characters, as Kong wants tags", tag)
		}
	}
	return out, nil
}

// Compile returns credentials as a set of keys takes them, each with an id. The error is
// apikey.EntryErrors.
func Compile(credentials []Credential) ([]apikey.Credential, error) {
	out := make([]apikey.Credential, len(credentials))
	var bad apikey.EntryErrors
	for i := range credentials {
		one, err := credentials[i].Compile()
		if err != nil {
			bad = append(bad, apikey.EntryError{Index: i, Err: err})
		}
		one.Entry.ID = id(&one)
		out[i] = one
	}
	if bad != nil {
		return nil, bad
	}
	return out, nil
}

// goodTag reports whether a tag may become a header's value, and be told from others there.
func goodTag(tag string) bool {
	for i := 0; i < len(tag); i++ {
		if c := tag[i]; c < ' ' || c == 0x7f || c == ',' || c == '/' {
			return false
		}
	}
	return tag != ""
}
