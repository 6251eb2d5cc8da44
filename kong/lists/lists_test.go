package lists

import (
	"encoding/json"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/detect/address"
	"kongwaf/detect/reputation"
	"kongwaf/kong/events"
	"kongwaf/kong/metrics"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// rig is a keeper with a clock that the test moves.
type rig struct {
	*Keeper
	table   *reputation.Table
	numbers *metrics.Table
	now     time.Time
	told    []Change
}

func newRig(t *testing.T, folder string) *rig {
	t.Helper()
	r := &rig{table: reputation.New(1000, [16]byte{1}), numbers: metrics.New(), now: start}
	exempt, err := address.ParseSet([]string{"10.0.0.0/8"})
	require.NoError(t, err)
	rules := reputation.Rules{Window: time.Minute, First: time.Minute, Longest: time.Hour, Prefix: 64, Exempt: exempt}
	rules.Grey[reputation.Attack], rules.Deny[reputation.Attack] = 2, 4
	r.Keeper, err = New(Options{Table: r.table, Rules: rules, Numbers: r.numbers, Node: "n1", Folder: folder,
		Changed: func(c Change) { r.told = append(r.told, c) }, Now: func() time.Time { return r.now }, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	return r
}

func client(t *testing.T, text string) reputation.Client {
	t.Helper()
	c, err := reputation.Parse(text)
	require.NoError(t, err)
	return c
}

// attack is an event about an attack that was refused.
func attack(from string) *events.Event {
	return &events.Event{Check: "detect", Reason: "attack", Action: events.ActionBlocked, Client: from}
}

// TestWhatCounts: which events say something about their client.
func TestWhatCounts(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*events.Event)
		want   string // who is listed after two of them
	}{
		{name: "an attack", change: func(*events.Event) {}, want: "203.0.113.9"},
		{name: "an attack that was reported", change: func(e *events.Event) { e.Reason, e.Action = "attack_seen", events.ActionReported }, want: "203.0.113.9"},
		{name: "of somebody with a key", change: func(e *events.Event) { e.Credential = "k1" }, want: "key:k1"},
		{name: "of an anonymous consumer, whom many are", change: func(e *events.Event) { e.ConsumerID, e.Consumer = "c", "anonymous" }, want: "203.0.113.9"},
		{name: "of an address in disguise", change: func(e *events.Event) { e.Client = "::ffff:203.0.113.9" }, want: "203.0.113.9"},
		{name: "an exception", change: func(e *events.Event) { e.Reason = "attack_excepted" }},
		{name: "content that is expected", change: func(e *events.Event) { e.Reason = "content_expected" }},
		{name: "a large body", change: func(e *events.Event) { e.Reason = "body_oversize" }},
		{name: "refused for being listed", change: func(e *events.Event) { e.Reason = "client_denied" }},
		{name: "no key", change: func(e *events.Event) { e.Check, e.Reason = "key-auth", "no_key" }},
		{name: "an unknown key, which no rule names here", change: func(e *events.Event) { e.Check, e.Reason = "key-auth", "unknown_key" }},
		{name: "a proxy", change: func(e *events.Event) { e.Client = "10.0.0.1" }},
		{name: "no address", change: func(e *events.Event) { e.Client = "" }},
		{name: "no address, but text", change: func(e *events.Event) { e.Client = "<script>" }},
		{name: "a key's id that is too long to be kept", change: func(e *events.Event) { e.Credential = strings.Repeat("k", 100) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, "")
			for range 2 {
				e := attack("203.0.113.9")
				tc.change(e)
				r.Observe(e)
			}
			if tc.want == "" {
				require.Empty(t, r.Entries())
				require.Empty(t, r.told)
				return
			}
			require.Len(t, r.Entries(), 1)
			require.Equal(t, tc.want, r.Entries()[0].Client.String())
			require.Equal(t, "n1", r.Entries()[0].Node)
			require.Len(t, r.told, 1)
			require.EqualValues(t, 1, r.numbers.Number(metrics.Transitions, "grey", "attacks").Get())
			r.publish()
			require.EqualValues(t, 1, r.numbers.Number(metrics.ListedClients, "grey", "automatic").Get())
			require.EqualValues(t, 0, r.numbers.Number(metrics.ListedClients, "deny", "manual").Get())
		})
	}
}

// TestAllowedAreNotListed: by address, consumer or key.
func TestAllowedAreNotListed(t *testing.T) {
	for _, allowed := range []string{"203.0.113.0/24", "consumer:ann", "consumer:id-1", "key:k1"} {
		r := newRig(t, "")
		require.NoError(t, r.Add(reputation.Entry{Client: client(t, allowed), List: reputation.Allow}))
		e := attack("203.0.113.9")
		e.Consumer, e.ConsumerID, e.Credential = "ann", "id-1", "k1"
		for range 10 {
			r.Observe(e)
		}
		require.Len(t, r.Entries(), 1, allowed)
	}
}

// TestPeople: what they write replaces what rules made; slips are refused.
func TestPeople(t *testing.T) {
	r := newRig(t, "")
	for range 2 {
		r.Observe(attack("203.0.113.9"))
	}
	require.NoError(t, r.Add(reputation.Entry{Client: client(t, "203.0.113.9"), List: reputation.Deny, Reason: "enough"}))
	require.Len(t, r.Entries(), 1)
	require.True(t, r.Entries()[0].Manual)
	require.True(t, r.Remove(client(t, "203.0.113.9")))
	require.False(t, r.Remove(client(t, "203.0.113.9")))
	require.Len(t, r.told, 3)
	require.Equal(t, reputation.None, r.told[2].List)
	for wide, ok := range map[string]bool{"0.0.0.0/0": false, "::/0": false, "128.0.0.0/1": false, "12.0.0.0/8": true, "2000::/15": false, "2001::/16": true} {
		require.Equal(t, ok, r.Add(reputation.Entry{Client: client(t, wide), List: reputation.Deny}) == nil, wide)
	}
	require.ErrorContains(t, r.Add(reputation.Entry{Client: client(t, "203.0.113.9"), List: reputation.Deny, Until: start}), "until")
}

// TestApply: the later change wins, and what no node would say is refused.
func TestApply(t *testing.T) {
	at := start.Add(-time.Second)
	entry := func(c string, list reputation.List, manual bool) Change {
		return Change{reputation.Entry{Client: client(t, c), List: list, Manual: manual, Reason: "there", Since: at, Changed: at, Until: start.Add(time.Hour), Node: "n2"}}
	}
	for _, tc := range []struct {
		name, err string
		change    func(*Change)
	}{
		{name: "as it should be", change: func(*Change) {}},
		{name: "from the future", err: "changed: ", change: func(c *Change) { c.Changed = start.Add(time.Hour) }},
		{name: "from nobody knows when", err: "changed: ", change: func(c *Change) { c.Changed = time.Time{} }},
		{name: "of nobody", err: "client: ", change: func(c *Change) { c.Client = reputation.Client{} }},
		{name: "for ever, by a rule", err: "until: ", change: func(c *Change) { c.Until = time.Time{} }},
		{name: "for years, by a rule", err: "until: ", change: func(c *Change) { c.Until = start.AddDate(5, 0, 0) }},
		{name: "a range, by a rule", err: "no ranges", change: func(c *Change) { c.Client = client(t, "203.0.113.0/24") }},
		{name: "everybody, by a person", err: "covers more", change: func(c *Change) { c.Manual, c.Client = true, client(t, "0.0.0.0/0") }},
		{name: "the proxy of this node", err: "exempt here", change: func(c *Change) { c.Client = client(t, "10.0.0.1") }},
		{name: "allowed by a rule", err: "only people", change: func(c *Change) { c.List = reputation.Allow }},
		{name: "lines in the reason", err: "reason: ", change: func(c *Change) { c.Reason = "a\nb" }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, "")
			c := entry("203.0.113.9", reputation.Deny, false)
			tc.change(&c)
			err := r.Apply(c)
			if tc.err != "" {
				require.ErrorContains(t, err, tc.err)
				require.Empty(t, r.Entries())
				return
			}
			require.NoError(t, err)
			require.Equal(t, "n2", r.Entries()[0].Node)
			require.Empty(t, r.told, "it is not told again")
		})
	}
	t.Run("who wins", func(t *testing.T) {
		r := newRig(t, "")
		is := func(want reputation.List, why string) {
			t.Helper()
			require.Equal(t, want, r.table.Lookup(r.now, netip.MustParseAddr("203.0.113.9")).List, why)
		}
		apply := func(c Change, after time.Duration) {
			t.Helper()
			c.Changed = c.Changed.Add(after)
			require.NoError(t, r.Apply(c))
		}
		apply(entry("203.0.113.9", reputation.Deny, false), 0)
		apply(entry("203.0.113.9", reputation.Grey, false), time.Millisecond)
		is(reputation.Deny, "a rule weakens no other")
		apply(entry("203.0.113.9", reputation.Allow, true), 2*time.Millisecond)
		is(reputation.Allow, "a person decides")
		apply(entry("203.0.113.9", reputation.Deny, false), 3*time.Millisecond)
		is(reputation.Allow, "and a rule does not change it")
		apply(entry("203.0.113.9", reputation.Deny, true), 0)
		is(reputation.Allow, "what is older comes too late")
		require.True(t, r.Remove(client(t, "203.0.113.9")))
		apply(entry("203.0.113.9", reputation.Allow, true), 4*time.Millisecond)
		is(reputation.None, "nor does it come back")
		require.Len(t, r.Changes(), 1, "the removal is known to others")
		gone := entry("203.0.113.9", reputation.None, true)
		r.now = r.now.Add(time.Minute)
		apply(entry("203.0.113.9", reputation.Deny, true), 3*time.Second)
		is(reputation.Deny, "a new entry does")
		apply(gone, 4*time.Second)
		is(reputation.None, "removed elsewhere")
	})
}

// TestFile: what it says holds after a restart; a broken line harms no other.
func TestFile(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	r := newRig(t, folder)
	require.NoError(t, r.Add(reputation.Entry{Client: client(t, "203.0.113.9"), List: reputation.Deny, Reason: "stays"}))
	require.NoError(t, r.Add(reputation.Entry{Client: client(t, "consumer:ann"), List: reputation.Grey, Until: start.Add(time.Hour)}))
	for range 2 {
		r.Observe(attack("198.51.100.1"))
	}
	require.NoError(t, r.save())
	again := newRig(t, folder)
	require.Equal(t, r.Entries(), again.Entries())

	file := filepath.Join(folder, fileName)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, append([]byte("{\n{\"client\":\"x\"}\n"), text...), 0o600))
	require.Len(t, newRig(t, folder).Entries(), 3)
	require.NoError(t, os.WriteFile(file, append(text, strings.Repeat("x", 1<<20)...), 0o600))
	require.Len(t, newRig(t, folder).Entries(), 3)
	require.NoError(t, os.Remove(file))
	require.NoError(t, os.Mkdir(file, 0o700))
	bad := newRig(t, folder)
	require.NoError(t, bad.Add(reputation.Entry{Client: client(t, "203.0.113.9"), List: reputation.Deny}))
	require.Error(t, bad.save(), "it cannot be written, and nothing else suffers")
	left, err := filepath.Glob(file + ".*")
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestParseSpan(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 0, "30m": 30 * time.Minute, " 24h ": 24 * time.Hour, "7d": 7 * 24 * time.Hour, "1s": time.Second} {
		got, err := ParseSpan(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, text := range []string{"0", "soon", "-1h", "0d", "-3d", "d", "99999999999999999999d", "4000d", "1ns", strings.Repeat("9", 1<<20)} {
		_, err := ParseSpan(text)
		require.ErrorContains(t, err, "for: ")
		require.Less(t, len(err.Error()), 200)
	}
}

// FuzzApply: whatever comes from others, what is kept is an entry that could have been made here.
func FuzzApply(f *testing.F) {
	f.Add([]byte(`{"client":"203.0.113.9","list":"deny","manual":true,"changed":"2026-03-01T11:59:59Z","since":"2026-03-01T11:59:59Z"}`))
	f.Add([]byte(`{"client":"consumer:<b>","list":"none","changed":"2026-03-01T11:59:59Z"}`))
	table := reputation.New(64, [16]byte{1})
	k, err := New(Options{Table: table, Rules: reputation.Rules{Window: time.Minute, First: time.Minute, Longest: time.Hour, Prefix: 64}, Numbers: metrics.New(),
		Now: func() time.Time { return start }, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, text []byte) {
		var c Change
		if json.Unmarshal(text, &c.Entry) != nil {
			return
		}
		_ = k.Apply(c)
		for _, e := range k.Entries() {
			if err := e.Validate(); err != nil || wide(e.Client) {
				t.Fatalf("%+v: %v", e, err)
			}
		}
	})
}
