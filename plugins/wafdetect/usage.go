package wafdetect

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"kongwaf/kong/metrics"
	"kongwaf/plugins/internal/check"
)

// usage knows when each exception and each of expects last let something through. It is kept
// in the metrics' memory, which outlives workers and instances: one number for each, see
// metrics.ExceptionIdle. Its methods may be called concurrently.
type usage struct {
	env        check.Env
	days       int // how long one may be unused; 0 is for ever
	entries    []usedEntry
	exceptions int             // how many of the entries are; the others are expects
	presets    []string        // names of what comes behind expects
	next       atomic.Int64    // when to look again
	known      map[string]bool // texts of entries
}

// usedEntry is one exception or expectation.
type usedEntry struct {
	text   string
	number metrics.Number
	// foreign says that it is another application's: it is not expected to be used.
	foreign bool
}

// lookEvery is how often unused entries are looked for, and sayEvery how often the log names
// them; seldom is how exact the time of use is.
const (
	lookEvery = time.Hour
	sayEvery  = 24 * time.Hour
	seldom    = time.Minute
)

// newUsage notes what is configured.
func newUsage(c *Config, env check.Env) *usage {
	u := &usage{env: env, days: c.ExceptionsUnusedDays, exceptions: len(c.Exceptions), known: map[string]bool{}}
	for i := range c.Exceptions {
		x := &c.Exceptions[i]
		u.add(x.text(), x.Application != "" && x.Application != c.Application)
	}
	for i := range c.Expects {
		u.add(c.Expects[i].text(), false)
	}
	for _, name := range c.Presets {
		for range name.Expectations() {
			u.presets = append(u.presets, "preset "+name.String())
		}
	}
	return u
}

func (u *usage) add(text string, foreign bool) {
	const longest = 60
	if len(text) > longest {
		sum := fnv.New32a()
		_, _ = sum.Write([]byte(text))
		text = fmt.Sprintf("%s~%08x", strings.ToValidUTF8(text[:longest-9], ""), sum.Sum32())
	}
	e := usedEntry{text: text, foreign: foreign, number: u.env.Metrics.Number(metrics.ExceptionIdle, u.env.Plugin, u.env.PluginID, text)}
	if e.number.Get() == 0 {
		e.number.Set(metrics.IdleSince(u.env.Now(), false))
	}
	u.entries, u.known[text] = append(u.entries, e), true
}

// text names an exception by what it is made of.
func (x *Exception) text() string {
	parts := []string{x.Place, "", x.Method, x.PathPrefix, x.Route, x.Application}
	if x.Class != 0 {
		parts[1] = x.Class.String()
	}
	return joined(parts)
}

func (x *Expect) text() string {
	kinds := make([]string, len(x.Content))
	for i, k := range x.Content {
		kinds[i] = k.String()
	}
	return joined([]string{"expects", x.Place, strings.Join(kinds, "+"), x.Method, x.PathPrefix})
}

// joined joins those parts that are set.
func joined(parts []string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " ")
}

// used notes that an exception or an expectation let something through; it is attack.Options.Used.
func (u *usage) used(exception, expectation int) {
	if i := u.index(exception, expectation); i < len(u.entries) {
		now := u.env.Now()
		if since, used := metrics.ReadIdle(u.entries[i].number.Get()); !used || now.Sub(since) >= seldom {
			u.entries[i].number.Set(metrics.IdleSince(now, true))
		}
	}
}

// index returns the entry's number, beyond the last for a preset's.
func (u *usage) index(exception, expectation int) int {
	if exception >= 0 {
		return exception
	}
	return u.exceptions + expectation
}

// name returns the words for an exception or an expectation.
func (u *usage) name(exception, expectation int) string {
	i := u.index(exception, expectation)
	if i < len(u.entries) {
		return u.entries[i].text
	}
	return u.presets[i-len(u.entries)]
}

// look says, now and then, which entries have not been used for long. It is called with each
// request: a config that judges none has nothing to say.
func (u *usage) look(now time.Time) {
	next := u.next.Load()
	if now.UnixNano() < next || !u.next.CompareAndSwap(next, now.Add(lookEvery).UnixNano()) {
		return
	}
	u.forget()
	var unused []string
	for i := range u.entries {
		e := &u.entries[i]
		since, _ := metrics.ReadIdle(e.number.Get())
		if u.days > 0 && !e.foreign && now.Sub(since) >= time.Duration(u.days)*24*time.Hour {
			unused = append(unused, e.text)
		}
	}
	labels := []string{u.env.Plugin, u.env.PluginID}
	u.env.Metrics.Number(metrics.ExceptionsUnused, labels...).Set(uint64(len(unused)))
	if len(unused) == 0 {
		return
	}
	said := u.env.Metrics.Number(metrics.ExceptionsSaid, labels...)
	if last := said.Get(); now.Sub(time.Unix(int64(last), 0)) >= sayEvery && said.CompareAndSwap(last, uint64(now.Unix())) {
		u.env.Logger.Warn("exceptions that let nothing through", "plugin", u.env.Plugin, "plugin_id", u.env.PluginID,
			"days", u.days, "entries", unused)
	}
}

// forget clears the numbers of entries that the config does not have any more.
func (u *usage) forget() {
	u.env.Metrics.Each(func(name string, labels []string, n metrics.Number) {
		if name == metrics.ExceptionIdle.Name && len(labels) == 3 && labels[0] == u.env.Plugin && labels[1] == u.env.PluginID && !u.known[labels[2]] {
			n.Set(0)
		}
	}, func(string, []string, metrics.Histogram) {})
	for i := range u.entries {
		if n := u.entries[i].number; n.Get() == 0 { // another instance forgot it
			n.Set(metrics.IdleSince(u.env.Now(), false))
		}
	}
}
