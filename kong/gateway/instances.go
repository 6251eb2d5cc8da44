package gateway

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/Kong/go-pdk/server/kong_plugin_protocol"

	"kongwaf/kong/declarative"
)

// workspaceID is the id of Kong's default workspace.
const workspaceID = "0dc6f45b-8f8d-40d2-a504-473544ee190b"

// boundPlugin is a plugin config that is ready to run.
type boundPlugin struct {
	info   PluginInfo
	plugin *declarative.Plugin
	config []byte // the JSON for start_instance
}

// bind makes the config JSON: the plugin's own fields, without nulls, and Kong's metadata.
func bind(info PluginInfo, p *declarative.Plugin, sequence int) (*boundPlugin, error) {
	all := make(map[string]any, len(p.Config)+8)
	resolved, err := resolveVaults(p.Config)
	if err != nil {
		return nil, fmt.Errorf("%s: plugin %s: config: %w", p.At, p.Name, err)
	}
	for k, v := range resolved.(map[string]any) {
		if v = withoutNulls(v); v != nil {
			all[k] = v
		}
	}
	var route, service, consumer string
	if p.Route != nil {
		route = p.Route.ID
		all["route_id"] = route
	}
	if p.Service != nil {
		service = p.Service.ID
		all["service_id"] = service
	}
	if p.Consumer != nil {
		consumer = p.Consumer.ID
		all["consumer_id"] = consumer
	}
	if p.InstanceName != "" {
		all["plugin_instance_name"] = p.InstanceName
	}
	all["__key__"] = fmt.Sprintf("plugins:%s:%s:%s:%s::%s", p.Name, route, service, consumer, workspaceID)
	all["__plugin_id"] = p.ID
	all["__seq__"] = sequence
	all["__ws_id"] = workspaceID
	config, err := json.Marshal(all)
	if err != nil {
		return nil, fmt.Errorf("%s: plugin %s: %w", p.At, p.Name, err)
	}
	return &boundPlugin{info: info, plugin: p, config: config}, nil
}

// withoutNulls drops what Kong does not send: a field without a value is not there.
func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			if e = withoutNulls(e); e != nil {
				out[k] = e
			}
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, e := range v {
			out = append(out, withoutNulls(e))
		}
		return out
	}
	return v
}

// instances are the running instances of one nginx worker, by plugin id.
type instances struct {
	rpc *rpc

	mu      sync.Mutex
	running map[string]*instance
}

type instance struct {
	plugin string
	ready  chan struct{} // closed once id or err is set
	id     int32
	err    error
}

// id returns the instance of p, starting it if there is none. Several callers at a time
// start it once.
func (in *instances) id(p *boundPlugin) (int32, error) {
	key := p.plugin.ID
	for {
		in.mu.Lock()
		i := in.running[key]
		if i == nil {
			i = &instance{plugin: p.info.Name, ready: make(chan struct{})}
			in.running[key] = i
			in.mu.Unlock()
			i.id, i.err = in.start(p)
			if i.err != nil {
				in.forget(key, i)
			}
			close(i.ready)
			return i.id, i.err
		}
		in.mu.Unlock()
		<-i.ready
		if i.err == nil {
			return i.id, nil
		}
		// Whoever started it has failed and said so; try ourselves.
	}
}

func (in *instances) start(p *boundPlugin) (int32, error) {
	ret, err := in.rpc.call(p.info.Name, &kong_plugin_protocol.RpcCall{Call: &kong_plugin_protocol.RpcCall_CmdStartInstance{
		CmdStartInstance: &kong_plugin_protocol.CmdStartInstance{Name: p.info.Name, Config: p.config},
	}}, nil)
	if err != nil {
		return 0, fmt.Errorf("starting instance: %w", err)
	}
	status := ret.GetInstanceStatus()
	if status == nil {
		return 0, luaErrorf("starting instance: attempt to index field 'instance_status' (a nil value)")
	}
	return status.InstanceId, nil
}

func (in *instances) forget(key string, i *instance) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.running[key] == i {
		delete(in.running, key)
	}
}

// reset forgets all instances of a plugin.
func (in *instances) reset(plugin string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for key, i := range in.running {
		if i.plugin == plugin {
			delete(in.running, key)
		}
	}
}
