package pluginserver

import (
	"encoding/json"
	"sync"
)

// refusals tells which entities of Kong's have a config that does not compile. An old
// config may be compiled after a newer one of the same entity, when a worker takes over
// the instances of another; only the newest counts. Ids of instances grow.
type refusals struct {
	tell   func(plugin, entity string, err error)
	mu     sync.Mutex
	newest map[string]int32 // by entity
}

// entityOf returns the id of the plugin's entity in Kong.
func entityOf(config []byte) string {
	var meta struct {
		Entity string `json:"__plugin_id"`
	}
	_ = json.Unmarshal(config, &meta) // an invalid config has none
	return meta.Entity
}

// compiled notes what came of the config of an instance.
func (r *refusals) compiled(plugin string, config []byte, id int32, err error) {
	if r.tell == nil {
		return
	}
	entity := entityOf(config)
	r.mu.Lock()
	defer r.mu.Unlock()
	if id < r.newest[entity] {
		return
	}
	r.newest[entity] = id
	r.tell(plugin, entity, err)
}
