package reputation

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"kongwaf/detect/address"
)

// Kind is what a client did.
type Kind uint8

// The kinds.
const (
	Attack    Kind = iota // an attack was found in a request
	FailedKey             // a key was presented that nobody has
	Refusal               // a limit was used up
	kinds
)

var kindNames = [kinds]string{"attacks", "failed keys", "refusals"}

// String returns what several of the kind are called.
func (k Kind) String() string { return kindNames[min(k, kinds-1)] }

// Rules say what makes automatic entries. The zero value makes none.
type Rules struct {
	// Window is the time in which strikes are counted, as a sliding window: what of the
	// calendar window before lies in it is taken as evenly spread.
	Window time.Duration
	// Grey and Deny are how many strikes of a kind in a window lead to the list; 0 is
	// never. For Deny only strikes count that were refused.
	Grey, Deny [kinds]int
	// First is how long the first entry lasts. Each further one lasts twice as long, Longest
	// at most; one step is made good by a time as long as the last entry without a new one.
	First, Longest time.Duration
	// Prefix is how many bits of an IPv6 address tell clients apart.
	Prefix int
	// Exempt are addresses for which there are no automatic entries: proxies, the own
	// network. Nil is none.
	Exempt *address.Set
}

// maxCount is the highest number of strikes that a rule can name.
const maxCount = 10_000

// Validate refuses what cannot be meant.
func (r *Rules) Validate() error {
	for k := range kinds {
		if min(r.Grey[k], r.Deny[k]) < 0 || max(r.Grey[k], r.Deny[k]) > maxCount {
			return fmt.Errorf("%v: write a number from 0 to %d", k, maxCount)
		}
	}
	switch {
	case r.Window < time.Second:
		return errors.New("window: at least a second")
	case r.First < time.Second || r.Longest < r.First:
		return errors.New("the first entry lasts a second at least, and the longest no shorter than the first")
	case r.Prefix < 1 || r.Prefix > 128:
		return errors.New("the IPv6 prefix has 1 to 128 bits")
	}
	return nil
}

// Client returns the client that an address stands for; nobody if it is exempt.
func (r *Rules) Client(addr netip.Addr) Client {
	addr = addr.Unmap().WithZone("")
	if !addr.IsValid() || r.Exempt.Contains(addr) {
		return Client{}
	}
	bits := addr.BitLen()
	if addr.Is6() {
		bits = r.Prefix
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return Client{}
	}
	return Range(p)
}

// Strike counts what a client did, and returns its entry if that was made or changed by it.
// Refused says that the request was refused for it. An automatic entry that holds, and one that
// a person has written, is not made longer.
func (t *Table) Strike(now time.Time, r *Rules, c Client, what Kind, refused bool) (e Entry, listed bool) {
	if c.IsZero() || what >= kinds || r.Grey[what] == 0 && r.Deny[what] == 0 {
		return Entry{}, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	k := c.key()
	i, found := t.locate(&k)
	if !found {
		if i = t.room(&k, now, false); i < 0 {
			atomic.AddUint64(&t.header[wordUntracked], 1)
			return Entry{}, false
		}
		t.empty(i)
		e = Entry{Client: c}
	} else if e, _ = t.entry(i); e.Manual && e.holds(now) {
		return Entry{}, false
	}
	if e.Manual {
		e.Manual = false // it has ended
		t.manual--
	}
	active := None
	if e.holds(now) {
		active = e.List
	}
	all, hard := t.add(i, now, r.Window, what, refused, found)
	next := active
	switch {
	case r.Deny[what] > 0 && hard >= r.Deny[what]:
		next = Deny
	case r.Grey[what] > 0 && all >= r.Grey[what]:
		next = max(active, Grey)
	}
	if next == active {
		if active == None {
			e.List, e.Changed = None, now
			t.enter(i, &e, found)
		}
		return Entry{}, false
	}
	e.prolong(now, r, next)
	e.Reason = fmt.Sprintf("%d %v in %v", all, what, span(r.Window))
	if next == Deny {
		e.Reason = fmt.Sprintf("%d %v refused in %v", hard, what, span(r.Window))
	}
	t.enter(i, &e, found)
	t.forgive(i, next)
	return e, true
}

// span writes a duration as people do: 5m, not 5m0s.
func span(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// prolong puts a client on a list for a time that doubles. From grey to deny is one step.
func (e *Entry) prolong(now time.Time, r *Rules, list List) {
	if e.holds(now) {
		e.Level = max(e.Level-1, 0)
	}
	if last := e.Until.Sub(e.Since); e.Level > 0 && last > 0 && now.After(e.Until) {
		e.Level -= int(min(int64(now.Sub(e.Until)/last), int64(e.Level)))
	}
	length := r.First
	for range e.Level {
		if length *= 2; length >= r.Longest {
			length = r.Longest
			break
		}
	}
	e.Level = min(e.Level+1, 60)
	e.List, e.Since, e.Until, e.Changed, e.Manual, e.Node = list, now, now.Add(length), now, false, ""
}

// The word of a kind holds four counts of 16 bits: of all strikes in this window and in the
// one before, and of those that were refused.

// add counts a strike and returns how many there are in the window that ends now. t.mu is held.
func (t *Table) add(i int, now time.Time, window time.Duration, what Kind, refused, known bool) (all, hard int) {
	number := now.UnixNano() / int64(window)
	if passed := number - int64(t.load(i, wordWindow)); passed != 0 || !known {
		for k := range int(kinds) {
			w := t.load(i, wordCounters+k)
			if !known || passed != 1 {
				w = 0
			}
			t.set(i, wordCounters+k, (w&0xffff)<<16|(w>>32&0xffff)<<48)
		}
		t.set(i, wordWindow, uint64(number))
	}
	w := t.load(i, wordCounters+int(what))
	if w&0xffff < 0xffff {
		w++
	}
	if refused && w>>32&0xffff < 0xffff {
		w += 1 << 32
	}
	t.set(i, wordCounters+int(what), w)
	left := 1 - float64(now.UnixNano()%int64(window))/float64(window)
	sum := func(w uint64) int { return int(w&0xffff) + int(float64(w>>16&0xffff)*left) }
	return sum(w), sum(w >> 32)
}

// forgive begins the counts anew that have led to a list. What has made a client grey may
// still lead to deny. t.mu is held.
func (t *Table) forgive(i int, list List) {
	for k := range int(kinds) {
		w := t.load(i, wordCounters+k) &^ 0xffffffff
		if list == Deny {
			w = 0
		}
		t.set(i, wordCounters+k, w)
	}
}
