package pluginserver

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"kongwaf/kong/wire"
)

// instance is a config that Kong has started, under the id that it uses for it.
type instance struct {
	id      int32
	started time.Time
	last    atomic.Int64 // when it was last used, in Unix nanoseconds
	*compiled
}

// compiled is what the instances of equal config share. Kong starts one instance per
// nginx worker and reload, which differ in nothing but a sequence number.
type compiled struct {
	plugin *plugin // with an empty name if there is none of that name here
	config []byte
	key    [sha256.Size]byte
	refs   int          // guarded by table.mu
	newest atomic.Int32 // id of the newest instance

	once     sync.Once
	direct   Direct   // the instance, if it is one
	instance Instance // nil if the config was refused, or is not compiled at all
	policy   Policy   // where instance is nil
	refused  atomic.Bool
	phases   atomic.Pointer[map[string]*phase]
	learner  Learner // nil if the read-ahead never changes
	learnt   atomic.Uint32
}

// phaseOf returns what is done in a phase, nil if the plugin does not handle it.
func (c *compiled) phaseOf(name []byte) *phase {
	if c.learner != nil && c.learner.Generation() != c.learnt.Load() {
		// Should this fail, the calls of before still work.
		_ = protect(func() error {
			prefetch(c)
			return nil
		})
	}
	return (*c.phases.Load())[string(name)]
}

// phase is what an instance does in one phase.
type phase struct {
	name   string
	calls  []wire.Call
	bytes  []byte // the calls as they are sent
	groups [][]wire.Call
}

// table holds the instances. Its zero value needs init.
type table struct {
	mu     sync.RWMutex
	byID   map[int32]*instance
	byKey  map[[sha256.Size]byte]*compiled
	swept  time.Time
	lastID int32
}

func (t *table) init() {
	t.byID = map[int32]*instance{}
	t.byKey = map[[sha256.Size]byte]*compiled{}
	// A later process starts elsewhere: an id that Kong still remembers from this one must
	// not mean something else there.
	t.lastID = rand.Int32N(math.MaxInt32 / 2)
}

// newID returns an id that was not given before; t.mu is held.
func (t *table) newID() int32 {
	t.lastID++
	if t.lastID <= 0 { // after 2^30 instances at least
		t.lastID = 1
	}
	return t.lastID
}

func (t *table) get(id int32) *instance {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.byID[id]
}

// Start starts an instance of a plugin and returns its id. A config that the plugin
// refuses is logged and started all the same, since Kong has no way to be told: its
// events are answered by the failure policy.
func (s *Server) Start(name string, config []byte) int32 {
	return s.start(0, name, config)
}

func (s *Server) start(id int32, name string, config []byte) int32 {
	in := s.addInstance(id, name, config)
	s.ready(in.compiled)
	return in.id
}

// Restore starts an instance that another process had, under its id. It is compiled
// when its first event arrives, or by Warm.
func (s *Server) Restore(id int32, name string, config []byte) {
	s.addInstance(id, name, config)
}

// Warm compiles all restored instances that no event has needed yet.
func (s *Server) Warm() {
	s.instances.mu.RLock()
	all := make([]*compiled, 0, len(s.instances.byKey))
	for _, c := range s.instances.byKey {
		all = append(all, c)
	}
	s.instances.mu.RUnlock()
	for _, c := range all {
		s.ready(c)
	}
}

// Stop forgets an instance. It reports whether there was one.
func (s *Server) Stop(id int32) bool {
	s.instances.mu.Lock()
	defer s.instances.mu.Unlock()
	return s.drop(id)
}

// drop forgets an instance; table.mu is held.
func (s *Server) drop(id int32) bool {
	t := &s.instances
	in := t.byID[id]
	if in == nil {
		return false
	}
	delete(t.byID, id)
	s.n.instances.Add(-1)
	if in.refs--; in.refs == 0 {
		delete(t.byKey, in.key)
		if in.refused.Load() {
			s.refusals.compiled(in.plugin.Name, in.config, in.newest.Load(), nil)
		}
	}
	return true
}

// addInstance registers an instance under id, or a new id if that is 0.
func (s *Server) addInstance(id int32, name string, config []byte) *instance {
	p := s.plugins[name]
	if p == nil {
		p = &plugin{} // compile refuses it
		s.quiet.warn("name", "Kong started an instance of a plugin that is not served here",
			"plugin", name, "served", s.names)
	}
	key := configKey(name, config)
	now := s.clock.Now()

	t := &s.instances
	t.mu.Lock()
	defer t.mu.Unlock()
	s.sweep(now)
	c := t.byKey[key]
	if c == nil {
		c = &compiled{plugin: p, config: bytes.Clone(config), key: key}
		t.byKey[key] = c
	}
	for id == 0 || t.byID[id] != nil && t.byID[id].compiled != c {
		id = t.newID()
	}
	if old := t.byID[id]; old != nil {
		return old
	}
	in := &instance{id: id, started: now, compiled: c}
	in.last.Store(now.UnixNano())
	t.byID[id] = in
	c.refs++
	c.newest.Store(max(c.newest.Load(), id))
	s.n.instances.Add(1)
	return in
}

// sweep drops instances that have long been idle; table.mu is held.
func (s *Server) sweep(now time.Time) {
	t := &s.instances
	if now.Sub(t.swept) < s.limits.IdleInstance/8 {
		return
	}
	t.swept = now
	oldest := now.Add(-s.limits.IdleInstance).UnixNano()
	for id, in := range t.byID {
		if in.last.Load() < oldest {
			s.drop(id)
			if s.dropped != nil {
				s.dropped(id)
			}
		}
	}
}

// ready compiles c if that has not been done yet.
func (s *Server) ready(c *compiled) {
	c.once.Do(func() { s.compile(c) })
}

func (s *Server) compile(c *compiled) {
	empty := make(map[string]*phase, len(c.plugin.Phases))
	for _, name := range c.plugin.Phases {
		empty[name] = &phase{name: name}
	}
	c.phases.Store(&empty)
	err := fmt.Errorf("no plugin of that name is served here")
	if c.plugin.New != nil && !s.policyOnly {
		err = protect(func() (err error) {
			if c.instance, err = c.plugin.New(c.config); err == nil {
				c.learner, _ = c.instance.(Learner)
				c.direct, _ = c.instance.(Direct)
				prefetch(c)
			}
			return err
		})
	}
	if !s.policyOnly {
		c.refused.Store(err != nil)
		s.refusals.compiled(c.plugin.Name, c.config, c.newest.Load(), err)
	}
	if err == nil {
		return
	}
	c.instance, c.policy = nil, PolicyDeny
	if c.plugin.Failure != nil {
		protect(func() error {
			c.policy = c.plugin.Failure(c.config)
			return nil
		})
	}
	if s.policyOnly {
		return
	}
	s.log.Error("plugin config refused, its requests are answered by the failure policy",
		append([]any{"error", err, "policy", c.policy.String()}, c.origin()...)...)
}

// origin says, for a log line, where in Kong's configuration the config belongs.
func (c *compiled) origin() []any {
	var ids struct {
		Plugin   string `json:"__plugin_id"`
		Route    string `json:"route_id"`
		Service  string `json:"service_id"`
		Consumer string `json:"consumer_id"`
	}
	_ = json.Unmarshal(c.config, &ids) // an invalid config has none
	return []any{"plugin", c.plugin.Name, "plugin_id", ids.Plugin,
		"route_id", ids.Route, "service_id", ids.Service, "consumer_id", ids.Consumer}
}

// prefetch builds the bytes of each phase's read-ahead.
func prefetch(c *compiled) {
	if c.learner != nil {
		c.learnt.Store(c.learner.Generation()) // before it is asked: at worst it is asked again
	}
	phases := make(map[string]*phase, len(c.plugin.Phases))
	for _, name := range c.plugin.Phases {
		ph := &phase{name: name, calls: c.instance.Prefetch(name)}
		for _, call := range ph.calls {
			ph.bytes = wire.AppendCall(ph.bytes, call)
		}
		if grouper, ok := c.instance.(Grouper); ok {
			ph.groups = grouper.Groups(name)
		}
		phases[name] = ph
	}
	c.phases.Store(&phases)
}

// protect calls f and turns a panic into an error.
func protect(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %s\n%s", panicText(r), debug.Stack())
		}
	}()
	return f()
}

// configKey identifies a config but for its sequence number. Kong's workers write the
// fields in different orders, hence the detour through a map.
func configKey(name string, config []byte) [sha256.Size]byte {
	var fields map[string]any
	decoder := json.NewDecoder(bytes.NewReader(config))
	decoder.UseNumber()
	if err := decoder.Decode(&fields); err == nil {
		delete(fields, "__seq__")
		if sorted, err := json.Marshal(fields); err == nil {
			config = sorted
		}
	}
	return sha256.Sum256(append([]byte(name+"\x00"), config...))
}
