package attack

import (
	"runtime"
	"testing"
)

// TestSessionsOutliveCollections holds that what an engine remembers, and the room it works in,
// are not lost when memory is collected.
func TestSessionsOutliveCollections(t *testing.T) {
	e := newEngine(t, Options{})
	first := e.sessions.get()
	e.sessions.put(first)
	for range 4 { // a pool forgets within two
		runtime.GC()
	}
	again := e.sessions.get()
	if again != first {
		t.Error("another session after a garbage collection")
	}
	if other := e.sessions.get(); other == first {
		t.Error("one session judges two requests at once")
	}
}
