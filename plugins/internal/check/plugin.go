package check

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/Kong/go-pdk"

	"kongwaf/kong/metrics"
	"kongwaf/kong/pluginserver"
	"kongwaf/kong/schema"
	"kongwaf/kong/wire"
	"kongwaf/plugins/internal/facts"
	"kongwaf/plugins/internal/raw"
	"kongwaf/plugins/internal/respond"
)

// Version is the version of the plugins, three numbers as Kong wants them.
const Version = "0.1.0"

// Config is the config of a plugin: a pointer to a struct with schema tags.
type Config interface {
	// Compile refuses what the schema cannot refuse, naming the field, and returns the
	// checks in the order in which they run.
	Compile(Env) ([]Check, error)
	// Deadline returns how long the plugin may compute in one event.
	Deadline() time.Duration
}

// Warner is a Config that has more to say to whoever validates it: what is valid, and yet not
// what was meant.
type Warner interface {
	Warnings(now time.Time) []schema.FieldError
}

// Definition is all there is to say about a plugin.
type Definition struct {
	Name     string
	Priority int
	// Config returns a zero config.
	Config func() Config
	// Failure reads the failure policy from a config that was refused.
	Failure func(config map[string]any) pluginserver.Policy
	// Options go to the schema.
	Options []schema.Option
}

// Schema returns the plugin's Kong schema. It panics on a Config whose tags are wrong,
// which a test shows.
func (d Definition) Schema() *schema.Schema {
	s, err := schema.Of(d.Name, d.Config(), d.Options...)
	if err != nil {
		panic(fmt.Sprintf("the schema of %s: %v", d.Name, err))
	}
	return s
}

// Plugin returns the plugin as our server runs it. The shared state must outlive it.
func (d Definition) Plugin(shared *Shared) pluginserver.Plugin {
	s := d.Schema()
	return pluginserver.Plugin{
		Name:     d.Name,
		Version:  Version,
		Priority: d.Priority,
		Phases:   []string{"access"},
		Schema:   s.JSON(),
		New: func(config []byte) (pluginserver.Instance, error) {
			i := &Instance{definition: d, schema: s, shared: shared}
			if err := i.UnmarshalJSON(config); err != nil {
				return nil, err
			}
			return i, nil
		},
		Failure: func(config []byte) pluginserver.Policy {
			fields := map[string]any{}
			_ = json.Unmarshal(config, &fields)
			return d.Failure(fields)
		},
		Refuse: respond.ServerError,
	}
}

// Constructor returns what go-pdk's own server.StartServer wants: the plugin is an ordinary
// go-pdk plugin, which our server merely runs at less cost.
func (d Definition) Constructor(shared *Shared) func() any {
	s := d.Schema()
	return func() any { return &Instance{definition: d, schema: s, shared: shared} }
}

// Meta is what Kong tells an instance about itself, among the fields of its config.
type Meta struct {
	PluginID  string `json:"__plugin_id"`
	RouteID   string `json:"route_id"`
	ServiceID string `json:"service_id"`
}

// Env is what a config is compiled in.
type Env struct {
	Meta
	*Shared
	// Plugin is the plugin's name in Kong.
	Plugin string
}

// List notes how many entries a list of the config has.
func (e Env) List(name string, entries int) {
	e.Metrics.Number(metrics.ListEntries, e.Plugin, e.PluginID, name).Set(uint64(entries))
	e.Metrics.Number(metrics.ListLoaded, e.Plugin, e.PluginID, name).Set(uint64(e.Now().Unix()))
}

// Instance is one compiled config of a plugin: a go-pdk plugin and a pluginserver.Instance.
// It is immutable once unmarshalled; its methods may be called concurrently.
type Instance struct {
	definition Definition
	schema     *schema.Schema
	shared     *Shared

	meta    Meta
	checks  []Check
	series  []series // of each check
	need    facts.Need
	maxBody int
	failure pluginserver.Policy
	timeout time.Duration
}

var (
	_ pluginserver.Instance = (*Instance)(nil)
	_ pluginserver.Grouper  = (*Instance)(nil)
	_ pluginserver.Learner  = (*Instance)(nil)
	_ pluginserver.Direct   = (*Instance)(nil)
	_ json.Unmarshaler      = (*Instance)(nil)
)

// UnmarshalJSON compiles a config as Kong sends it.
func (i *Instance) UnmarshalJSON(config []byte) error {
	if err := json.Unmarshal(config, &i.meta); err != nil {
		return fmt.Errorf("config: %w", err)
	}
	fields := i.definition.Config()
	if err := i.schema.Decode(config, fields); err != nil {
		return err
	}
	checks, err := fields.Compile(Env{Meta: i.meta, Shared: i.shared, Plugin: i.definition.Name})
	if err != nil {
		return err
	}
	i.checks, i.timeout = checks, fields.Deadline()
	for _, c := range checks {
		i.series = append(i.series, i.newSeries(&c))
		i.need = i.need.With(c.Need)
		i.maxBody = max(i.maxBody, c.MaxBody)
		i.failure = max(i.failure, c.Failure)
	}
	return nil
}

// Access runs the checks on one request, as go-pdk calls it.
func (i *Instance) Access(kong *pdk.PDK) {
	if len(i.checks) > 0 {
		i.access(raw.PDK(kong))
	}
}

// Handle implements pluginserver.Instance.
func (i *Instance) Handle(phase string, kong *pdk.PDK) {
	if phase == "access" {
		i.Access(kong)
	}
}

// HandleDirect implements pluginserver.Direct: Access without go-pdk in between.
func (i *Instance) HandleDirect(phase string, kong pluginserver.Kong) {
	if phase == "access" && len(i.checks) > 0 {
		i.access(kong)
	}
}

// Prefetch implements pluginserver.Instance.
func (i *Instance) Prefetch(phase string) []wire.Call {
	if phase != "access" {
		return nil
	}
	return i.need.Calls(&i.shared.Packed)
}

// Groups implements pluginserver.Grouper: what a refusal asks for, and the event about it.
func (i *Instance) Groups(string) [][]wire.Call {
	calls := append(i.need.RefusalCalls(&i.shared.Packed), i.need.StoryCalls()...)
	if i.meta.RouteID == "" {
		calls = append(calls, facts.RouteCall())
	}
	return [][]wire.Call{calls}
}

// Failure implements pluginserver.Instance: the strictest of the checks' policies, for
// nobody knows which of them a deadline or a lost fact hit.
func (i *Instance) Failure() pluginserver.Policy { return i.failure }

// Timeout implements pluginserver.Instance.
func (i *Instance) Timeout() time.Duration { return i.timeout }

// Generation implements pluginserver.Learner: what is worth asking for depends on what Kong
// has shown so far.
func (i *Instance) Generation() uint32 {
	generation := i.shared.Packed.Generation()
	if i.need.Callers != nil {
		generation |= i.need.Callers.Generation() << 8
	}
	return generation
}

// describe names a check of this instance for a log line.
func (i *Instance) describe(check string) string {
	where := []string{i.definition.Name}
	if "waf-"+check != i.definition.Name {
		where = append(where, "check "+check)
	}
	if i.meta.RouteID != "" {
		where = append(where, "route "+i.meta.RouteID)
	} else if i.meta.ServiceID != "" {
		where = append(where, "service "+i.meta.ServiceID)
	}
	return strings.Join(where, ", ")
}
