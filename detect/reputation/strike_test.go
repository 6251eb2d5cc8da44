package reputation

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// strikes lets a client strike so often at once, and returns the last change.
func strikes(table *Table, now time.Time, r *Rules, c Client, n int, what Kind, refused bool) (last Entry, changes int) {
	for range n {
		if e, listed := table.Strike(now, r, c, what, refused); listed {
			last = e
			changes++
		}
	}
	return last, changes
}

// TestStrikes: so many in a window lead to a list, one less does not.
func TestStrikes(t *testing.T) {
	c := client(t, "203.0.113.9")
	for _, tc := range []struct {
		name    string
		n       int
		what    Kind
		refused bool
		want    List
	}{
		{name: "two attacks", n: 2, refused: true},
		{name: "three make grey", n: 3, refused: true, want: Grey},
		{name: "five are still grey", n: 5, refused: true, want: Grey},
		{name: "six deny", n: 6, refused: true, want: Deny},
		{name: "attacks that were only reported deny nobody", n: 100, want: Grey},
		{name: "four failed keys", n: 4, what: FailedKey, refused: true},
		{name: "five", n: 5, what: FailedKey, refused: true, want: Grey},
		{name: "nobody is denied for what no rule names", n: 500, what: FailedKey, refused: true, want: Grey},
		{name: "refusals, which no rule names", n: 500, what: Refusal, refused: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			table := New(100, secret)
			strikes(table, start, rules(), c, tc.n, tc.what, tc.refused)
			require.Equal(t, tc.want, table.Lookup(start, netip.MustParseAddr("203.0.113.9")).List)
			require.Equal(t, None, table.Lookup(start, netip.MustParseAddr("203.0.113.8")).List, "the neighbour")
			require.Equal(t, None, table.Lookup(start.Add(time.Minute), netip.MustParseAddr("203.0.113.9")).List, "it ends")
		})
	}
}

// TestWindow: strikes add up within a window, wherever the calendar's ends; slower ones never do.
func TestWindow(t *testing.T) {
	c, r := client(t, "203.0.113.9"), rules()
	at := start.Add(58 * time.Second)
	table := New(100, secret)
	_, n := strikes(table, at, r, c, 2, Attack, true)
	require.Zero(t, n)
	_, listed := table.Strike(at.Add(3*time.Second), r, c, Attack, true)
	require.False(t, listed, "of the window before a part counts")
	_, listed = table.Strike(at.Add(4*time.Second), r, c, Attack, true)
	require.True(t, listed)

	table = New(100, secret)
	for n := range 100 {
		_, listed := table.Strike(start.Add(time.Duration(n)*40*time.Second), r, c, Attack, true)
		require.False(t, listed, "never more than two in a minute, for ever")
	}
}

// TestTimesDouble: a longer time for who comes again, the shortest for who was good for long.
func TestTimesDouble(t *testing.T) {
	table, r, c, now := New(100, secret), rules(), client(t, "203.0.113.9"), start
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		e, n := strikes(table, now, r, c, 3, Attack, true)
		require.Equal(t, 1, n)
		require.Equal(t, want*time.Minute, e.Until.Sub(e.Since))
		require.Equal(t, "3 attacks in 1m", e.Reason)
		now = e.Until.Add(30 * time.Second)
	}
	now = now.Add(4 * time.Hour)
	e, _ := strikes(table, now, r, c, 3, Attack, true)
	require.Equal(t, 16*time.Minute, e.Until.Sub(e.Since), "four hours are made good for")
	now = e.Until.Add(24 * time.Hour)
	e, _ = strikes(table, now, r, c, 3, Attack, true)
	require.Equal(t, time.Minute, e.Until.Sub(e.Since), "and a day for all")
}

// TestNotMadeLonger: an entry that holds stays as it is, whatever the client does: it is not
// written anew a thousand times a second, and who shares an address with a robot gets out.
func TestNotMadeLonger(t *testing.T) {
	table, r, c := New(100, secret), rules(), client(t, "203.0.113.9")
	e, n := strikes(table, start, r, c, 6, Attack, true)
	require.Equal(t, 2, n, "grey, then deny")
	require.Equal(t, Deny, e.List)
	require.Equal(t, "6 attacks refused in 1m", e.Reason)
	changes := table.Changes()
	_, n = strikes(table, start.Add(time.Second), r, c, 1000, Attack, true)
	require.Zero(t, n)
	require.Equal(t, changes, table.Changes())
}

// TestPeopleDecide: no strike changes what somebody has written, and the allowed never get on
// a list by themselves.
func TestPeopleDecide(t *testing.T) {
	table, r := New(100, secret), rules()
	for _, list := range []List{Allow, Deny, Grey} {
		e := manual(t, "203.0.113.9", list)
		e.Until = start.Add(time.Hour)
		require.NoError(t, table.Put(start, e))
		_, n := strikes(table, start, r, e.Client, 100, Attack, true)
		require.Zero(t, n)
		require.NoError(t, table.Put(start, Entry{Client: e.Client, List: Deny, Since: start, Until: start.Add(time.Minute)}), "another node's")
		got, ok := table.Get(start, e.Client)
		require.True(t, ok)
		require.Equal(t, e, got)
	}
	_, n := strikes(table, start.Add(2*time.Hour), r, client(t, "203.0.113.9"), 3, Attack, true)
	require.Equal(t, 1, n, "it has ended")
	require.Zero(t, table.manual)
}

// TestClientOf: an IPv6 client is its network, and the exempt are nobody.
func TestClientOf(t *testing.T) {
	r := rules()
	r.Exempt = exempt(t, "10.0.0.0/8", "fc00::/7")
	for addr, want := range map[string]string{
		"203.0.113.9": "203.0.113.9", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "::ffff:203.0.113.9": "203.0.113.9",
		"10.1.2.3": "", "::ffff:10.1.2.3": "", "fd00::1": "",
	} {
		require.Equal(t, want, r.Client(netip.MustParseAddr(addr)).String(), addr)
	}
	require.True(t, r.Client(netip.Addr{}).IsZero())
	_, listed := New(100, secret).Strike(start, r, Client{}, Attack, true)
	require.False(t, listed)
}

func TestRulesValidate(t *testing.T) {
	require.NoError(t, rules().Validate())
	for want, change := range map[string]func(*Rules){
		"attacks": func(r *Rules) { r.Grey[Attack] = -1 }, "refusals": func(r *Rules) { r.Deny[Refusal] = 1 << 20 },
		"window": func(r *Rules) { r.Window = 0 }, "longest": func(r *Rules) { r.Longest = time.Second }, "IPv6": func(r *Rules) { r.Prefix = 129 },
	} {
		r := rules()
		change(r)
		require.ErrorContains(t, r.Validate(), want)
	}
}

// TestManyAddresses: somebody with 2^32 networks cannot make the table grow, displace what
// people wrote, or free the denied by striking once from everywhere.
func TestManyAddresses(t *testing.T) {
	const clients = 1000
	table, r := New(clients, secret), rules()
	for n := range 100 {
		require.NoError(t, table.Put(start, manual(t, fmt.Sprintf("198.51.100.%d", n), Deny)))
	}
	bad := client(t, "203.0.113.9")
	strikes(table, start, r, bad, 6, Attack, true)
	network := func(n int) Client {
		var b [16]byte
		copy(b[:], []byte{0x20, 1, 0xd, 0xb8})
		binary.BigEndian.PutUint32(b[4:], uint32(n))
		return r.Client(netip.AddrFrom16(b))
	}
	for n := range 20_000 {
		table.Strike(start.Add(time.Duration(n)*time.Microsecond), r, network(n), Attack, true)
	}
	held := func() (people int, denied bool) {
		for _, e := range table.Entries(start.Add(time.Second)) {
			if e.Manual {
				people++
			}
			denied = denied || e.Client == bad
		}
		return people, denied
	}
	people, denied := held()
	require.Equal(t, 100, people)
	require.True(t, denied, "one strike from each of them frees nobody")
	require.Zero(t, table.Stats().Displaced)
	require.LessOrEqual(t, table.Stats().Tracked, table.Stats().Clients)

	for n := range 3000 { // now he has each of them denied
		strikes(table, start.Add(time.Second), r, network(n), 6, Attack, true)
	}
	people, _ = held()
	require.Equal(t, 100, people, "what people wrote stays")
	require.NotZero(t, table.Stats().Untracked, "and that not all could be counted is said")

	for n := 0; ; n++ { // people have their bound too
		err := table.Put(start, manual(t, fmt.Sprintf("10.%d.%d.0/24", n>>8, n&255), Grey))
		if err != nil {
			require.ErrorIs(t, err, ErrFull)
			require.Greater(t, n, clients/10)
			break
		}
	}
}
