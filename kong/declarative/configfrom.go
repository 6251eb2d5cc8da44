package declarative

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// configSource is a part of a KongPlugin's config that a Secret holds: all of it
// (configFrom), or what a patch puts at a path (configPatches).
type configSource struct {
	path []string // of the patch, below config; nil for all
	// value is what a patch has in itself; nil if it is in the Secret.
	value                *yaml.Node
	secret, key, spelled string // the Secret's key, its key in it, and its name as written
	node                 *yaml.Node
	field                string // where the problem is, if there is one
}

// configSources reads configFrom and configPatches of a KongPlugin or KongClusterPlugin.
func (b *builder) configSources(o *object) []configSource {
	var sources []configSource
	if n := o.m.get("configFrom"); n != nil {
		if from := o.m.d.mapping(n, "configFrom"); from != nil {
			if s, ok := b.secretKeyRef(o, from); ok {
				sources = append(sources, s)
			}
			from.finish()
		}
		if o.m.has("config") {
			o.m.d.errorf(n, "configFrom", "write either config or configFrom, not both")
		}
	}
	for i, n := range o.m.list("configPatches") {
		patch := o.m.d.mapping(n, o.m.index("configPatches", i))
		if patch == nil {
			continue
		}
		path := patch.str("path")
		if len(path) < 2 || path[0] != '/' {
			o.m.d.errorf(patch.line("path"), patch.sub("path"), "write a JSON pointer below config, such as /credentials")
			continue
		}
		s := configSource{value: patch.get("value"), node: n, field: patch.sub("value")}
		if s.value == nil {
			from := patch.get("valueFrom")
			if from == nil {
				o.m.d.errorf(n, patch.sub("valueFrom"), "missing: write value, or valueFrom with a secretKeyRef")
				continue
			}
			fm := o.m.d.mapping(from, patch.sub("valueFrom"))
			if fm == nil {
				continue
			}
			var ok bool
			if s, ok = b.secretKeyRef(o, fm); !ok {
				continue
			}
			fm.finish()
		}
		for _, step := range strings.Split(path[1:], "/") {
			s.path = append(s.path, strings.NewReplacer("~1", "/", "~0", "~").Replace(step))
		}
		patch.finish()
		sources = append(sources, s)
	}
	return sources
}

func (b *builder) secretKeyRef(o *object, from *mapping) (configSource, bool) {
	n := from.get("secretKeyRef")
	if n == nil {
		o.m.d.errorf(from.node, from.sub("secretKeyRef"), "missing: write the name and the key of a Secret")
		return configSource{}, false
	}
	ref := o.m.d.mapping(n, from.sub("secretKeyRef"))
	if ref == nil {
		return configSource{}, false
	}
	s := configSource{spelled: ref.str("name"), key: ref.str("key"), node: n, field: ref.path}
	if s.spelled == "" || s.key == "" {
		o.m.d.errorf(n, ref.path, "write the name and the key of a Secret")
		return configSource{}, false
	}
	s.secret = or(ref.str("namespace"), o.namespace) + "/" + s.spelled
	ref.finish()
	return s, true
}

// resolveConfigs puts what Secrets hold into the configs of the plugins. A Secret that is
// not among the files may well be in the cluster: the config goes unchecked there.
func (b *builder) resolveConfigs() {
	for _, kp := range b.kube.loose {
		for _, s := range kp.sources {
			if err := b.resolveConfig(kp, s); err != nil {
				kp.m.d.errorf(s.node, s.field, "%v", err)
			}
		}
	}
}

func (b *builder) resolveConfig(kp *kubePlugin, s configSource) error {
	d := kp.m.d
	value := any(nil)
	if s.value != nil {
		value = d.value(s.value, s.field)
	} else {
		secret := b.kube.secrets[s.secret]
		if secret == nil {
			d.warnf(s.node, s.field, "the Secret %s is not in these files: what it holds is not checked", s.spelled)
			return nil
		}
		text, ok := secret.data[s.key]
		if !ok {
			return fmt.Errorf("the Secret %s has no key %q", s.spelled, s.key)
		}
		var n yaml.Node
		// The content is a secret: the parser's own error could show some of it.
		if err := yaml.Unmarshal([]byte(text), &n); err != nil || len(n.Content) == 0 {
			return fmt.Errorf("the key %q of the Secret %s holds no JSON or YAML", s.key, s.spelled)
		}
		value = d.value(n.Content[0], s.field)
	}
	if s.path == nil {
		whole, ok := value.(map[string]any)
		if !ok {
			return fmt.Errorf("the key %q of the Secret %s holds no mapping (key: value)", s.key, s.spelled)
		}
		for k, v := range whole {
			kp.plugin.Config[k] = v
		}
		return nil
	}
	at := kp.plugin.Config
	for _, step := range s.path[:len(s.path)-1] {
		next, ok := at[step].(map[string]any)
		if !ok {
			next = map[string]any{}
			at[step] = next
		}
		at = next
	}
	at[s.path[len(s.path)-1]] = value
	return nil
}
