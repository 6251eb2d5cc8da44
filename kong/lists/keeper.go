// Package lists keeps the lists of clients of a running server: it sees the events, and makes
// automatic entries by rules; it takes people's entries; it keeps all of them in a file; and it tells
// others of every change. One process has a Keeper, the one beside the workers; they only look clients
// up in the table.
package lists

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"kongwaf/detect/reputation"
	"kongwaf/kong/events"
	"kongwaf/kong/metrics"
)

// Options say what a keeper works with.
type Options struct {
	Table   *reputation.Table
	Rules   reputation.Rules
	Numbers *metrics.Table
	// Node names this machine in entries.
	Node string
	// Folder holds the file lists.jsonl. Empty keeps no file.
	Folder string
	// Changed, if not nil, is told of every change that was made here, one at a time.
	Changed func(Change)
	Now     func() time.Time // nil: the system's clock
	Logger  *slog.Logger     // nil: slog.Default()
}

// Keeper changes a table. Its methods may be called concurrently.
type Keeper struct {
	opt Options

	mu      sync.Mutex
	removed map[reputation.Client]time.Time // by people, and not long ago
	saved   uint64                          // the table's changes that are in the file
}

// New returns a keeper. It takes up what the file says if the table is new.
func New(o Options) (*Keeper, error) {
	if err := o.Rules.Validate(); err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	k := &Keeper{opt: o, removed: map[reputation.Client]time.Time{}}
	if o.Folder != "" && o.Table.Changes() == 0 {
		if err := k.load(); err != nil {
			k.opt.Logger.Error("the lists of the last run cannot be read", "reputation.data", o.Folder, "error", err)
		}
	}
	return k, nil
}

// Change is an entry that was written, or one that was removed: then its list is none.
type Change struct {
	reputation.Entry
}

// maxRemembered is how long others are told of a removal.
const maxRemembered = 7 * 24 * time.Hour

// Over reports whether a change means nothing any more.
func (c *Change) Over(now time.Time) bool {
	if c.List == reputation.None {
		return now.Sub(c.Changed) > maxRemembered
	}
	return !c.Until.IsZero() && now.After(c.Until)
}

// Observe counts what an event says of its client. A client who was refused for being on a
// list has done nothing new.
func (k *Keeper) Observe(e *events.Event) {
	what, ok := strikeOf(e)
	if !ok {
		return
	}
	c := k.blamed(e)
	if c.IsZero() {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	entry, listed := k.opt.Table.Strike(k.opt.Now(), &k.opt.Rules, c, what, e.Action == events.ActionBlocked)
	if !listed {
		return
	}
	entry.Node = k.opt.Node
	k.opt.Numbers.Number(metrics.Transitions, entry.List.String(), what.String()).Add(1)
	k.tell(entry)
}

// strikeOf returns what an event's client did; ok is false if it did nothing bad.
func strikeOf(e *events.Event) (what reputation.Kind, ok bool) {
	switch {
	case e.Check == "detect" && (e.Reason == "attack" || e.Reason == "attack_seen"):
		return reputation.Attack, true
	case e.Check == "key-auth" && e.Reason == "unknown_key":
		return reputation.FailedKey, true
	case e.Check == "rate-limiting" && e.Reason == "rate_limited":
		return reputation.Refusal, true
	}
	return 0, false
}

// blamed returns who has to answer for an event: who was let in with a key is known by it,
// and does not take everybody along who comes from the same address.
func (k *Keeper) blamed(e *events.Event) reputation.Client {
	addr, _ := netip.ParseAddr(e.Client)
	// Whoever is allowed, by his address or as a caller, is never listed.
	standing := k.opt.Table.Lookup(k.opt.Now(), addr.Unmap().WithZone(""))
	for _, c := range []reputation.Client{reputation.Key(e.Credential), reputation.Consumer(e.ConsumerID), reputation.Consumer(e.Consumer)} {
		standing = standing.Better(k.opt.Table.LookupName(k.opt.Now(), c))
	}
	if standing.List == reputation.Allow {
		return reputation.Client{}
	}
	if e.Credential != "" {
		return reputation.Key(e.Credential)
	}
	return k.opt.Rules.Client(addr)
}

// Recorder returns a recorder that observes events before they go on to another one.
func (k *Keeper) Recorder(next events.Recorder) events.Recorder { return &observed{k, next} }

type observed struct {
	keeper *Keeper
	next   events.Recorder
}

// Record implements events.Recorder.
func (o *observed) Record(e *events.Event) {
	o.keeper.Observe(e)
	o.next.Record(e)
}

// ErrWide says that an entry would hold for a great many clients, which needs a second thought.
var ErrWide = errors.New("covers more than an IPv4 /8 or an IPv6 /16")

// wide reports whether a range is so wide that it is most likely a slip.
func wide(c reputation.Client) bool {
	p := c.Prefix()
	return p.IsValid() && (p.Addr().Is4() && p.Bits() < 8 || p.Addr().Is6() && p.Bits() < 16)
}

// Add writes a person's entry: client, list, reason and until count. It replaces what there is
// of the client.
func (k *Keeper) Add(e reputation.Entry) error {
	now := k.opt.Now().UTC().Truncate(time.Millisecond)
	if wide(e.Client) {
		return fmt.Errorf("client: %v %w", e.Client, ErrWide)
	}
	e.Manual, e.Since, e.Changed, e.Node, e.Level = true, now, now, k.opt.Node, 0
	if err := e.Validate(); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.opt.Table.Put(now, e); err != nil {
		return err
	}
	delete(k.removed, e.Client)
	k.opt.Numbers.Number(metrics.Transitions, e.List.String(), "manual").Add(1)
	k.opt.Logger.Info("a client was put on a list", "client", e.Client.String(), "list", e.List.String(), "reason", e.Reason, "until", e.Until)
	k.tell(e)
	return nil
}

// Remove takes a client off its list. It reports whether it was on one.
func (k *Keeper) Remove(c reputation.Client) bool {
	now := k.opt.Now().UTC().Truncate(time.Millisecond)
	k.mu.Lock()
	defer k.mu.Unlock()
	was, _ := k.opt.Table.Get(now, c)
	if !k.opt.Table.Remove(now, c) {
		return false
	}
	k.remember(c, now)
	k.opt.Numbers.Number(metrics.Transitions, reputation.None.String(), "manual").Add(1)
	k.opt.Logger.Info("a client was taken off a list", "client", c.String(), "list", was.List.String())
	k.tell(reputation.Entry{Client: c, Manual: true, Since: now, Changed: now, Node: k.opt.Node})
	return true
}

// maxRemoved bounds the memory of removals.
const maxRemoved = 10_000

// remember keeps in mind that a client was removed, so that nobody who was away brings it
// back. k.mu is held.
func (k *Keeper) remember(c reputation.Client, at time.Time) {
	if len(k.removed) >= maxRemoved {
		clear(k.removed)
	}
	k.removed[c] = at
}

// tell tells others of a change. k.mu is held.
func (k *Keeper) tell(e reputation.Entry) {
	if k.opt.Changed != nil {
		k.opt.Changed(Change{e})
	}
}

// Entries returns what holds now: what people wrote first, then by list and client.
func (k *Keeper) Entries() []reputation.Entry {
	all := k.opt.Table.Entries(k.opt.Now())
	for i := range all {
		if all[i].Node == "" {
			all[i].Node = k.opt.Node
		}
	}
	slices.SortFunc(all, func(a, b reputation.Entry) int {
		switch {
		case a.Manual != b.Manual && a.Manual:
			return -1
		case a.Manual != b.Manual:
			return 1
		case a.List != b.List:
			return int(b.List) - int(a.List)
		}
		return strings.Compare(a.Client.String(), b.Client.String())
	})
	return all
}
