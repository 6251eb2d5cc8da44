package extract

import "unsafe"

// arena holds decoded text until the next walk. It only ever appends: strings into it stay
// valid when it grows, because a full buffer is left to the garbage collector and a larger
// one begun. The zero value is ready.
type arena struct{ buf []byte }

const (
	arenaMin  = 4 << 10
	arenaKeep = 1 << 20 // what is kept between walks: a rare large body must not stay in memory
)

func (a *arena) reset() {
	if cap(a.buf) > arenaKeep {
		a.buf = nil
	}
	a.buf = a.buf[:0]
}

// room returns an empty slice with space for n bytes. Its user appends at most n bytes and
// hands it back with keep before anyone else asks for room.
func (a *arena) room(n int) []byte {
	if cap(a.buf)-len(a.buf) < n {
		a.buf = make([]byte, 0, max(arenaMin, n, min(2*cap(a.buf), arenaKeep)))
	}
	return a.buf[len(a.buf):len(a.buf):cap(a.buf)]
}

// keep makes what was written into the room permanent (until reset) and returns it as text.
func (a *arena) keep(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if n := len(a.buf); n+len(b) <= cap(a.buf) && unsafe.SliceData(b) == unsafe.SliceData(a.buf[n:n+1]) {
		a.buf = a.buf[:n+len(b)]
	}
	return view(b)
}

// copy returns a text with the content of b.
func (a *arena) copy(b []byte) string {
	return a.keep(append(a.room(len(b)), b...))
}

// unsafeBytes returns s as a slice without copying. It must only be read.
func unsafeBytes(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// view returns b as a string without copying. The bytes must not change while it is used.
func view(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b))
}
