package facts

import "sync/atomic"

// guess foresees of an event what the ones before it showed, a small number; 0 is "nothing
// known yet". The zero value is ready; it is safe for concurrent use.
type guess struct {
	state  atomic.Uint32
	streak atomic.Uint32 // events in a row that showed something else
}

// settled is how many events in a row change what is foreseen.
const settled = 32

// Generation changes whenever something else is foreseen than before.
func (g *guess) Generation() uint32 { return g.state.Load() }

// learn takes note of what an event showed.
func (g *guess) learn(shown uint32) {
	state := g.state.Load()
	switch {
	case state == shown:
		if g.streak.Load() != 0 {
			g.streak.Store(0)
		}
	case state == 0, g.streak.Add(1) >= settled:
		g.streak.Store(0)
		g.state.Store(shown)
	}
}

// Callers foresees whether Kong knows a consumer for the requests of one config: of those
// without, a need may ask for the credential instead. The zero value is ready; it is safe for
// concurrent use.
type Callers struct{ guess }

const (
	callersKnown uint32 = iota + 1
	callersUnknown
)
