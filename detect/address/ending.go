package address

import (
	"net/netip"
	"time"

	"github.com/gaissmai/bart"
)

// Ending is a set of ranges of which each ends at a time. The zero value and nil are empty.
// It is safe for concurrent use once nobody adds to it any more.
type Ending struct {
	table bart.Table[int64] // when a range ends, in Unix nanoseconds
}

// Add adds a range until a time. Of equal ranges the one that ends last counts. The range is
// one that Parse returned.
func (e *Ending) Add(r netip.Prefix, until time.Time) {
	if old, ok := e.table.Get(r); !ok || old < until.UnixNano() {
		e.table.Insert(r, until.UnixNano())
	}
}

// Contains reports whether the address is in a range that has not ended by now. It costs no
// more than a Set's, but where an address is in ranges that have ended.
func (e *Ending) Contains(a netip.Addr, now time.Time) bool {
	if e == nil {
		return false
	}
	a = a.Unmap().WithZone("")
	until, ok := e.table.Lookup(a)
	switch {
	case !ok:
		return false
	case now.UnixNano() < until:
		return true
	}
	for _, until := range e.table.Supernets(netip.PrefixFrom(a, a.BitLen())) {
		if now.UnixNano() < until {
			return true
		}
	}
	return false
}

// Len returns the number of ranges, ended or not.
func (e *Ending) Len() int {
	if e == nil {
		return 0
	}
	return e.table.Size()
}
