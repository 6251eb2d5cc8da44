package pluginserver

import "sync/atomic"

// Stats is a snapshot of the server's counters since it started.
type Stats struct {
	Connections int64 // open now
	Instances   int64 // known now
	Computing   int64 // events that compute now, waiting for Kong left out
	Hung        int64 // handlers that overran their deadline and have not returned yet
	BodyMemory  int64 // bytes of Kong's replies held now, small ones left out

	Events           uint64 // handled, whatever came of them
	ReadAhead        uint64 // PDK calls sent ahead
	WrittenBehind    uint64 // PDK calls sent behind
	RoundTrips       uint64 // waits for Kong's replies
	UnknownInstances uint64 // events for an instance that is not known, Kong starts it again
	UnknownEvents    uint64 // events in a phase that the plugin does not handle
	BadFrames        uint64 // frames that could not be read, or were too long
	OverloadCompute  uint64 // events answered by policy: too many computing
	OverloadMemory   uint64 // events answered by policy: too many bytes held

	Plugins map[string]PluginStats // by plugin name
}

// PluginStats counts the events of one plugin. All but Events were answered by the
// failure policy, for the reason that the field names.
type PluginStats struct {
	Events   uint64
	Panics   uint64
	Timeouts uint64
	Overload uint64
	Invalid  uint64 // the instance's config was refused
	Unread   uint64 // a reply of Kong's was too long to be read
	Suspects uint64 // the event had ended every process that handled it
	Allowed  uint64 // failures that let the request go on
	Denied   uint64 // failures that refused the request
}

type counters struct {
	connections, instances, computing, hung, bodyMemory atomic.Int64

	events, readAhead, behind, trips           atomic.Uint64
	unknownInstances, unknownEvents, badFrames atomic.Uint64
	overloadCompute, overloadMemory            atomic.Uint64
}

type pluginCounters struct {
	events, panics, timeouts, overload, invalid, unread, suspects, allowed, denied atomic.Uint64
}

// Stats returns the counters. They are read one by one, so they may differ by the events
// of that moment.
func (s *Server) Stats() Stats {
	n := &s.n
	stats := Stats{
		Connections:      n.connections.Load(),
		Instances:        n.instances.Load(),
		Computing:        n.computing.Load(),
		Hung:             n.hung.Load(),
		BodyMemory:       n.bodyMemory.Load(),
		Events:           n.events.Load(),
		ReadAhead:        n.readAhead.Load(),
		WrittenBehind:    n.behind.Load(),
		RoundTrips:       n.trips.Load(),
		UnknownInstances: n.unknownInstances.Load(),
		UnknownEvents:    n.unknownEvents.Load(),
		BadFrames:        n.badFrames.Load(),
		OverloadCompute:  n.overloadCompute.Load(),
		OverloadMemory:   n.overloadMemory.Load(),
		Plugins:          make(map[string]PluginStats, len(s.plugins)),
	}
	for name, p := range s.plugins {
		stats.Plugins[name] = PluginStats{
			Events:   p.n.events.Load(),
			Panics:   p.n.panics.Load(),
			Timeouts: p.n.timeouts.Load(),
			Overload: p.n.overload.Load(),
			Invalid:  p.n.invalid.Load(),
			Unread:   p.n.unread.Load(),
			Suspects: p.n.suspects.Load(),
			Allowed:  p.n.allowed.Load(),
			Denied:   p.n.denied.Load(),
		}
	}
	return stats
}
