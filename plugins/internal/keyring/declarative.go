package keyring

import (
	"fmt"
	"strings"
	"time"

	"kongwaf/detect/apikey"
)

// kongConsumer is a consumer in Kong's declarative file.
type kongConsumer struct {
	ID       string    `json:"id"`
	Username string    `json:"username"`
	Keys     []kongKey `json:"keyauth_credentials"`
}

// kongKey is a key-auth credential in Kong's declarative file.
type kongKey struct {
	ID        string   `json:"id"`
	Key       string   `json:"key"`
	Tags      []string `json:"tags"`
	TTL       float64  `json:"ttl"`
	CreatedAt int64    `json:"created_at"`
	Consumer  any      `json:"consumer"` // a username, or {id: ...} or {username: ...}
}

// kongCredentials returns the credentials in Kong's declarative file: those of its consumers and
// those beside them.
func kongCredentials(document map[string]any, written time.Time) ([]apikey.Credential, error) {
	var all []apikey.Credential
	add := func(where string, k *kongKey, consumer string) error {
		switch {
		case strings.HasPrefix(k.Key, "{vault://") || strings.Contains(k.Key, "${{"):
			return fmt.Errorf("%s.key: is a reference that only Kong or deck can resolve: write the key, or let kong_credentials read it from Kong", where)
		case consumer == "":
			return fmt.Errorf("%s.consumer: missing: write whom the key belongs to", where)
		}
		c := apikey.Credential{Key: k.Key, Entry: apikey.Entry{ID: k.ID, Consumer: consumer, Tags: k.Tags}}
		if k.TTL > 0 {
			from := written
			if k.CreatedAt > 0 {
				from = time.Unix(k.CreatedAt, 0)
			}
			c.Entry.Expires = from.Add(time.Duration(min(k.TTL, maxTTL) * float64(time.Second))).UTC()
		}
		c.Entry.ID = id(&c)
		all = append(all, c)
		return nil
	}
	for i, entry := range listOf(document["consumers"]) {
		where := fmt.Sprintf("consumers[%d]", i)
		var consumer kongConsumer
		if err := convert(entry, false, &consumer); err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		for j := range consumer.Keys {
			name := consumer.Username
			if name == "" {
				name = consumer.ID
			}
			if err := add(fmt.Sprintf("%s.keyauth_credentials[%d]", where, j), &consumer.Keys[j], name); err != nil {
				return nil, err
			}
		}
	}
	for i, entry := range listOf(document["keyauth_credentials"]) {
		where := fmt.Sprintf("keyauth_credentials[%d]", i)
		var k kongKey
		if err := convert(entry, false, &k); err != nil {
			return nil, fmt.Errorf("%s: %w", where, err)
		}
		if err := add(where, &k, reference(k.Consumer)); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// maxTTL is the longest ttl that Kong takes, in seconds.
const maxTTL = 100_000_000

func listOf(value any) []any {
	list, _ := value.([]any)
	return list
}

// reference reads `consumer: name`, `consumer: {id: x}` and `consumer: {username: x}`.
func reference(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case map[string]any:
		for _, key := range []string{"id", "username", "name"} {
			if text, _ := v[key].(string); text != "" {
				return text
			}
		}
	}
	return ""
}
