package supervisor

import (
	"log/slog"
	"time"

	"kongwaf/kong/pluginserver"
)

// Options says what a supervisor runs.
type Options struct {
	// Socket is where Kong connects, see pluginserver.Listen. Required.
	Socket *pluginserver.Socket
	// Path is the worker's program; empty: this one. It is looked up anew for each worker,
	// so a new file at the path is what an upgrade starts.
	Path string
	// WorkerArgs are its arguments. The process finds itself to be a worker by IsWorker.
	WorkerArgs []string
	// Aside says that there is a process beside the workers, the same program with the same
	// arguments; it finds itself to be that by IsAside. See Aside.
	Aside bool
	// Plugins answer by their failure policy while no worker can. Only their Name, Phases,
	// Failure and Refuse are used.
	Plugins []pluginserver.Plugin
	// Failed, if not nil, is told of each event that the supervisor answers by policy.
	Failed func(plugin, why string, policy pluginserver.Policy)
	// Limits are those of the events that the supervisor answers.
	Limits pluginserver.Limits
	// SharedSize is how much memory Worker.Shared returns, in bytes. It cannot be changed
	// by an upgrade.
	SharedSize int
	Logger     *slog.Logger // nil: slog.Default()
	Timing     Timing
}

// Timing is when a supervisor loses its patience; zero fields mean the defaults.
type Timing struct {
	Frozen   time.Duration // without a heartbeat, a worker is killed. Default 2 s
	Start    time.Duration // a new worker must be ready. Default 30 s
	Fallback time.Duration // without any worker, the failure policy answers. Default 2 s
	Stable   time.Duration // a worker that waited so long for its first event was no failed start. Default 1 s
	Suspect  time.Duration // an event that does not come again is forgotten, and so is the last death. Default 10 s
	Backoff  time.Duration // the longest wait between failed starts. Default 10 s
	Drain    time.Duration // running events may take, at an upgrade or at the end. Default 70 s, Kong itself gives up after 60
	Linger   time.Duration // at the end, idle connections stay open for so long: Kong may be using them just now. Default 1 s
	Accept   time.Duration // at the end, new connections are accepted for so long at most, if the path is still ours and Kong needs them. Default 5 s
	Unsure   time.Duration // Kong has to show that it got an answer during which the worker died. Default 100 ms
}

func (t Timing) withDefaults() Timing {
	set := func(d *time.Duration, byDefault time.Duration) {
		if *d <= 0 {
			*d = byDefault
		}
	}
	set(&t.Frozen, 2*time.Second)
	set(&t.Start, 30*time.Second)
	set(&t.Fallback, 2*time.Second)
	set(&t.Stable, time.Second)
	set(&t.Suspect, 10*time.Second)
	set(&t.Backoff, 10*time.Second)
	set(&t.Drain, 70*time.Second)
	set(&t.Linger, time.Second)
	set(&t.Accept, 5*time.Second)
	set(&t.Unsure, 100*time.Millisecond)
	return t
}

// pause returns how long to wait before the next worker, after so many failed starts in a
// row. The first few may be somebody who kills what he finds.
func (t Timing) pause(failed int) time.Duration {
	const atOnce = 2
	if failed <= atOnce {
		return 0
	}
	return min(25*time.Millisecond<<min(failed-atOnce-1, 20), t.Backoff)
}

// Stats is a snapshot of a supervisor's counters.
type Stats struct {
	Connections int    // open
	Instances   int    // known
	Started     int    // workers ever
	Died        uint64 // workers that ended unasked
	Frozen      uint64 // of these, workers that were killed without a heartbeat
	Repeated    uint64 // events that were interrupted and that Kong was made to ask again
	Suspects    uint64 // events that were tried alone
	Guilty      uint64 // of these, events that ended that worker too, and that the failure policy answered
	Fallback    bool   // the failure policy answers now
	Lost        error  // why Kong can open no connections, nil if it can
	Worker      int    // process id of the worker that serves now, 0 if none
}
