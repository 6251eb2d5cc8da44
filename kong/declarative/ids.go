package declarative

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"strings"
)

// namespaceID is the root of the ids that Kong without a database gives to entities
// without one, so that names get the same ids here.
var namespaceID = [16]byte{0xfd, 0x02, 0x80, 0x1f, 0x09, 0x57, 0x4a, 0x15, 0xa5, 0x5a, 0xc8, 0xd9, 0x60, 0x6f, 0x30, 0xb5}

// entityID returns Kong's id of the entity of a kind ("services") with that name: an RFC
// 4122 version 5 UUID.
func entityID(kind, name string) string { return format(uuid5(uuid5(namespaceID, kind), name)) }

func uuid5(space [16]byte, name string) [16]byte {
	h := sha1.New() // the version 5 algorithm, not a security measure
	h.Write(space[:])
	h.Write([]byte(name))
	var id [16]byte
	copy(id[:], h.Sum(nil))
	id[6] = id[6]&0x0f | 0x50
	id[8] = id[8]&0x3f | 0x80
	return id
}

func format(id [16]byte) string {
	s := hex.EncodeToString(id[:])
	return strings.Join([]string{s[:8], s[8:12], s[12:16], s[16:20], s[20:]}, "-")
}

// identify gives an id to every entity that has none. Ids depend on names and scopes only,
// so that they stay when a file is read again.
func (b *builder) identify() {
	set := func(id *string, kind, name string) {
		if *id == "" {
			*id = entityID(kind, name)
		}
	}
	for i, s := range b.cfg.Services {
		set(&s.ID, "services", or(s.Name, fmt.Sprintf("#%d", i)))
	}
	for i, r := range b.cfg.Routes {
		set(&r.ID, "routes", or(r.Name, fmt.Sprintf("#%d", i)))
	}
	for _, c := range b.cfg.Consumers {
		set(&c.ID, "consumers", or(c.Username, "custom_id:"+c.CustomID))
		for i := range c.Keys {
			// Not from the key: an upstream sees this id and could guess a weak key by it.
			set(&c.Keys[i].ID, "keyauth_credentials", fmt.Sprintf("%s:%d", c.ID, i))
		}
	}
	for _, u := range b.cfg.Upstreams {
		set(&u.ID, "upstreams", u.Name)
	}
	for _, p := range b.cfg.Plugins {
		set(&p.ID, "plugins", p.scopeKey()+":"+p.InstanceName)
	}
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// scopeKey is equal for two plugins of which Kong takes only one.
func (p *Plugin) scopeKey() string {
	var route, service, consumer string
	if p.Route != nil {
		route = p.Route.ID
	}
	if p.Service != nil {
		service = p.Service.ID
	}
	if p.Consumer != nil {
		consumer = p.Consumer.ID
	}
	return strings.Join([]string{"plugins", p.Name, route, service, consumer}, ":")
}
