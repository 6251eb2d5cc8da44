package gateway

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
)

// vaultReference is Kong's reference to a secret: the vault, the secret's name and, if the
// secret is a JSON object, a field of it.
var vaultReference = regexp.MustCompile(`^\{vault://([^/}]+)/([^/}]+)(?:/([^}]+))?\}$`)

// resolveVaults replaces references to secrets, as Kong does before it starts an instance.
// The stand-in has Kong's env vault only: {vault://env/redis-password} is the environment
// variable REDIS_PASSWORD. No error holds a secret.
func resolveVaults(v any) (any, error) {
	switch v := v.(type) {
	case string:
		return resolveVault(v)
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			r, err := resolveVaults(e)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", k, err)
			}
			out[k] = r
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			r, err := resolveVaults(e)
			if err != nil {
				return nil, fmt.Errorf("[%d]: %w", i, err)
			}
			out[i] = r
		}
		return out, nil
	}
	return v, nil
}

func resolveVault(s string) (any, error) {
	m := vaultReference.FindStringSubmatch(s)
	if m == nil {
		return s, nil
	}
	if m[1] != "env" {
		return nil, fmt.Errorf("the stand-in has no vault %q, only env", m[1])
	}
	name := strings.ToUpper(strings.ReplaceAll(m[2], "-", "_"))
	value, ok := os.LookupEnv(name)
	if !ok {
		return nil, fmt.Errorf("the environment variable %s of %s is not set", name, s)
	}
	if m[3] == "" {
		return value, nil
	}
	var object map[string]any
	if err := json.Unmarshal([]byte(value), &object); err != nil || object[m[3]] == nil {
		return nil, fmt.Errorf("the environment variable %s is no JSON object with a field %q", name, m[3])
	}
	return fmt.Sprint(object[m[3]]), nil
}
