package metrics

import (
	"fmt"
	"strings"
)

// Kind is a metric's type.
type Kind uint8

// The kinds.
const (
	Counter Kind = iota
	Gauge
	HistogramOfSeconds
)

// String returns Prometheus' word.
func (k Kind) String() string { return [...]string{"counter", "gauge", "histogram"}[k] }

// Metric says what a number means.
type Metric struct {
	Name   string
	Help   string
	Kind   Kind
	Labels []string
}

// The metrics. A check's application, the name of a rule and an exception's entry, and nothing
// else in a label, are free text; they come from a config, never from a request.
var (
	Requests = &Metric{"kong_waf_requests_total", "Requests judged, by what came of it: passed, blocked, reported, excepted, unjudged.", Counter,
		[]string{"plugin", "check", "action", "application"}}
	Attacks = &Metric{"kong_waf_attacks_total", "Requests in which an attack was found, by the class of the surest finding.", Counter,
		[]string{"plugin", "action", "class", "application"}}
	RuleMatches = &Metric{"kong_waf_rule_matches_total", "Requests for which a rule of waf-detect (a virtual patch) held, by what it did: blocked, reported, allowed.", Counter,
		[]string{"plugin", "rule", "action", "application"}}
	CheckSeconds = &Metric{"kong_waf_check_duration_seconds", "How long a check computed for a request, waiting for Kong left out.", HistogramOfSeconds,
		[]string{"plugin", "check"}}
	Truncated = &Metric{"kong_waf_truncated_total", "Requests that were judged in part only, because a budget ran out.", Counter,
		[]string{"plugin"}}
	Failures = &Metric{"kong_waf_failures_total", "Requests answered by on_error, by why: check, panic, timeout, overload, memory, invalid_config, unread_reply.", Counter,
		[]string{"plugin", "kind", "answer"}}

	ConfigInvalid = &Metric{"kong_waf_config_invalid", "1 while the newest config of a plugin in Kong does not compile, which Kong cannot show; its requests are answered by on_error.", Gauge,
		[]string{"plugin", "plugin_id"}}
	ListEntries = &Metric{"kong_waf_list_entries", "Entries of a plugin's list: addresses, keys.", Gauge,
		[]string{"plugin", "plugin_id", "list"}}
	ListLoaded = &Metric{"kong_waf_list_loaded_timestamp_seconds", "When a plugin's list was read last.", Gauge,
		[]string{"plugin", "plugin_id", "list"}}
	SourceEntries = &Metric{"kong_waf_source_entries", "Entries of a list that is read from a file or URL, as it is in force.", Gauge, []string{"source"}}
	SourceLoaded  = &Metric{"kong_waf_source_loaded_timestamp_seconds", "When the version in force of such a list was read.", Gauge, []string{"source"}}
	SourceChecked = &Metric{"kong_waf_source_checked_timestamp_seconds", "When it was last known to be the newest one.", Gauge, []string{"source"}}
	SourceProblem = &Metric{"kong_waf_source_problem", "1 while something is wrong with such a list: away (the file or server does not give it), refused (what it gives is not taken), copy (it cannot be kept on disk). The last good version is in force.", Gauge,
		[]string{"source", "problem"}}

	KeyRequests = &Metric{"kong_waf_key_requests_total", "Requests let in by an API key, by where it is known from; by its id too where a place has at most 32 keys, so that one sees when an old key is used no more.", Counter,
		[]string{"source", "key"}}
	ListedClients = &Metric{"kong_waf_reputation_entries", "Clients on a list of reputation: allow, deny, grey; by a person or automatically.", Gauge,
		[]string{"list", "by"}}
	Transitions = &Metric{"kong_waf_reputation_transitions_total", "Entries made on this node, by the list (none: removed) and why: attacks, failed keys, refusals, manual.", Counter,
		[]string{"list", "why"}}
	Displaced     = &Metric{"kong_waf_reputation_displaced_total", "Automatic entries that others displaced before their time, because too many clients strike.", Counter, nil}
	Untracked     = &Metric{"kong_waf_reputation_untracked_total", "Strikes of clients that were not counted, because the table was full of entries there.", Counter, nil}
	ExceptionIdle = &Metric{"kong_waf_exception_idle_since_timestamp_seconds", "Since when an exception, or an entry of expects, has let nothing through: its last use, or when it was first configured.", Gauge,
		[]string{"plugin", "plugin_id", "entry"}}
	ExceptionsUnused = &Metric{"kong_waf_exceptions_unused", "How many exceptions and entries of expects have let nothing through for exceptions_unused_days.", Gauge,
		[]string{"plugin", "plugin_id"}}
	ExceptionsSaid = &Metric{"kong_waf_exceptions_unused_logged_timestamp_seconds", "When the log last named unused exceptions, which it does once a day.", Gauge,
		[]string{"plugin", "plugin_id"}}

	EventsRecorded = &Metric{"kong_waf_events_recorded_total", "Events made, before folding.", Counter, nil}
	EventsDropped  = &Metric{"kong_waf_events_dropped_total", "Events lost because a queue was full or a sink failed: in the worker, or in a sink.", Counter, []string{"stage"}}
	EventsWritten  = &Metric{"kong_waf_events_written_total", "Lines written to a sink, after folding.", Counter, []string{"sink"}}

	Connections   = &Metric{"kong_waf_connections", "Connections that Kong has open.", Gauge, nil}
	Instances     = &Metric{"kong_waf_instances", "Plugin instances that Kong has started and not been idle for long.", Gauge, nil}
	WorkerStarts  = &Metric{"kong_waf_worker_starts_total", "Workers started: the first, after deaths, and at upgrades.", Counter, nil}
	WorkerDeaths  = &Metric{"kong_waf_worker_deaths_total", "Workers that ended unasked.", Counter, nil}
	WorkerFreezes = &Metric{"kong_waf_worker_freezes_total", "Workers that were killed because they showed no sign of life; they count as deaths too.", Counter, nil}
	Repeated      = &Metric{"kong_waf_events_repeated_total", "Events of Kong that a death interrupted and that were repeated.", Counter, nil}
	WorkerUp      = &Metric{"kong_waf_worker_up", "1 while a worker serves.", Gauge, nil}
	Fallback      = &Metric{"kong_waf_fallback", "1 while workers keep dying and every request is answered by on_error.", Gauge, nil}
	SocketLost    = &Metric{"kong_waf_socket_lost", "1 while the socket's path belongs to somebody else.", Gauge, nil}
	Beat          = &Metric{"kong_waf_supervisor_beat_timestamp_seconds", "When the supervisor last said how things are.", Gauge, nil}
	Pid           = &Metric{"kong_waf_pid", "Process ids.", Gauge, []string{"process"}}
	Resident      = &Metric{"kong_waf_resident_memory_bytes", "Memory of the processes that is in RAM, shared memory included.", Gauge, []string{"process"}}
	Build         = &Metric{"kong_waf_build_info", "1, with the version.", Gauge, []string{"version"}}
)

// All returns every metric.
func All() []*Metric {
	return []*Metric{
		Requests, Attacks, RuleMatches, CheckSeconds, Truncated, Failures, ConfigInvalid, ListEntries, ListLoaded,
		SourceEntries, SourceLoaded, SourceChecked, SourceProblem,
		ListedClients, Transitions, Displaced, Untracked,
		ExceptionIdle, ExceptionsUnused, ExceptionsSaid,
		KeyRequests, EventsRecorded, EventsDropped, EventsWritten, Connections, Instances, WorkerStarts, WorkerDeaths, WorkerFreezes,
		Repeated, WorkerUp, Fallback, SocketLost, Beat, Pid, Resident, Build,
	}
}

// maxLabel is how long a label's value may be, in bytes.
const maxLabel = 64

// key is how a series is found in the table. It panics on a wrong number of labels.
func (m *Metric) key(labels []string) string {
	if len(labels) != len(m.Labels) {
		panic(fmt.Sprintf("%s has the labels %v, not %d", m.Name, m.Labels, len(labels)))
	}
	var b strings.Builder
	b.WriteString(m.Name)
	for _, l := range labels {
		if len(l) > maxLabel {
			l = l[:maxLabel]
		}
		b.WriteByte(0)
		b.WriteString(strings.ToValidUTF8(strings.ReplaceAll(l, "\x00", ""), "?"))
	}
	key := b.String()
	return key[:min(len(key), 8*keyWords-1)]
}

// Page returns the documentation of the metrics as a Markdown table.
func Page() string {
	var b strings.Builder
	b.WriteString("| metric | type | labels | meaning |\n|---|---|---|---|\n")
	for _, m := range All() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.Name, m.Kind, strings.Join(m.Labels, ", "), m.Help)
	}
	return b.String()
}
