package check

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"time"

	"kongwaf/detect"
	"kongwaf/detect/attack"
	"kongwaf/detect/ratelimit"
	"kongwaf/detect/reputation"
	"kongwaf/kong/events"
	"kongwaf/kong/metrics"
	"kongwaf/kong/pluginserver"
	"kongwaf/plugins/internal/facts"
	"kongwaf/plugins/internal/keyring"
	"kongwaf/plugins/internal/source"
	"kongwaf/plugins/internal/store"
)

// Shared is the state of the process that checks share. Counters and caches outlive
// instances, which Kong starts and forgets as it likes; they are keyed by what they count.
type Shared struct {
	// Logger gets what people should read. It never gets a secret.
	Logger *slog.Logger
	// Now is the clock.
	Now func() time.Time
	// Limits counts calls. Whoever serves for long gives it room for more clients, in
	// memory that outlives the process.
	Limits *ratelimit.Table
	// Reputation knows clients. Checks only look them up; see kong/lists for who writes. Nil
	// knows nobody.
	Reputation *reputation.Table
	// Counted are the events that were counted last.
	Counted Counted
	// Stores count calls for several nodes.
	Stores store.Registry
	// Sources are the lists and keys that are read from files and URLs.
	Sources source.Registry
	// Keys are the API keys from files and from Kong.
	Keys keyring.Registry
	// Packed knows whether Kong packs the short facts into one variable.
	Packed facts.Packed
	// Consumers are the consumers that Kong was asked about.
	Consumers *Consumers
	// Events gets the requests that somebody should know of; the Logger's lines, unless
	// there is a better place. Node names this machine in them.
	Events events.Recorder
	// Metrics counts.
	Metrics *metrics.Table
	Node    string

	entities entities
	lines    lines
}

// defaultClients is how many clients NewShared's own table counts.
const defaultClients = 1 << 14

// Secret returns a random key for the hash of identifiers.
func Secret() (key [16]byte) {
	_, _ = rand.Read(key[:]) // never fails
	return key
}

// NewShared returns shared state with a real clock and a small table.
func NewShared(logger *slog.Logger) *Shared {
	s := &Shared{
		Logger:    logger,
		Now:       time.Now,
		Events:    &logged{log: logger, now: time.Now},
		Metrics:   metrics.New(),
		Limits:    ratelimit.New(defaultClients, Secret()),
		Consumers: &Consumers{now: time.Now, entries: map[string]consumerEntry{}},
	}
	s.Sources.Logger = logger
	s.Sources.Now = func() time.Time { return s.Now() }
	s.Sources.Report = s.sourced
	s.Keys.Sources, s.Keys.Now, s.Keys.Logger = &s.Sources, s.Sources.Now, logger
	return s
}

// failed notes that a request could not be judged.
func (s *Shared) failed(where string, policy pluginserver.Policy, reason string) {
	if n, ok := s.lines.take(s.Now()); ok {
		s.Logger.Error("request not judged", "plugin", where, "answer", policy.String(), "reason", reason, "suppressed", n)
	}
}

// faulted notes what kept a check from judging to the end, though it came to a verdict; one
// that did not is noted by failed. A panic is always shown.
func (s *Shared) faulted(where string, v *detect.Verdict) {
	var p *attack.Panic
	if errors.As(v.Fault, &p) {
		s.panicked(where+", "+p.Where, p.Value, p.Stack)
		return
	}
	if v.Failed {
		return
	}
	if n, ok := s.lines.take(s.Now()); ok {
		s.Logger.Warn("request not judged to its end", "plugin", where, "reason", v.Fault.Error(), "suppressed", n)
	}
}

func (s *Shared) panicked(where string, value any, stack []byte) {
	if n, ok := s.lines.take(s.Now()); ok {
		s.Logger.Error("panic in a check", "plugin", where, "panic", value, "stack", string(stack), "suppressed", n)
	}
}

// linesPerSecond bounds how many log lines requests can cause: a flood of attacks must not
// become a flood of lines.
const linesPerSecond = 50

// lines counts log lines per second. The zero value is ready; it is safe for concurrent use.
type lines struct {
	mu         sync.Mutex
	second     int64
	count      int
	suppressed int
}

// take reports whether one more line may be written now, and how many were not since the last.
func (l *lines) take(now time.Time) (suppressed int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := now.Unix(); s != l.second {
		l.second, l.count = s, 0
	}
	if l.count >= linesPerSecond {
		l.suppressed++
		return 0, false
	}
	l.count++
	suppressed, l.suppressed = l.suppressed, 0
	return suppressed, true
}
