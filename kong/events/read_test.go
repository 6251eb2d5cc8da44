package events

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
)

// TestReadLines: every event is read, whatever stands between, and what is none is named by its
// line; packed or not, in pieces of any size.
func TestReadLines(t *testing.T) {
	good := string(blocked("192.0.2.1", 0).Append(nil))
	text := good + "\n  \n{\"a\":1}\nno\n" + good + strings.Repeat("x", maxLine+1) + "\r\n" + good + "{\"timestamp\":7}\n" + strings.TrimSpace(good)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := io.WriteString(z, text)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	read := func(in io.Reader) (events int, bad []int, err error) {
		err = ReadLines(in, func(*Event) { events++ }, func(e *ErrLine) { bad = append(bad, e.Number) })
		return events, bad, err
	}
	for _, in := range []io.Reader{strings.NewReader(text), iotest.HalfReader(strings.NewReader(text)), &packed} {
		events, bad, err := read(in)
		require.NoError(t, err)
		require.Equal(t, 4, events)
		require.Equal(t, []int{4, 5, 7, 9}, bad)
	}
	events, _, err := read(io.MultiReader(strings.NewReader(good+good[:20]), iotest.ErrReader(io.ErrClosedPipe)))
	require.ErrorIs(t, err.(*ErrLine).Err, io.ErrClosedPipe)
	require.ErrorContains(t, err, "line 2")
	require.Equal(t, 1, events)
	_, _, err = read(strings.NewReader("\x1f\x8bno gzip"))
	require.Error(t, err)
	events, bad, err := read(strings.NewReader(""))
	require.NoError(t, err)
	require.Zero(t, events+len(bad))
}

// FuzzReadLines: no text ends a reader but by an error, and no event is without its time.
func FuzzReadLines(f *testing.F) {
	f.Add(blocked("192.0.2.1", time.Second).Append(nil))
	f.Add([]byte("\x1f\x8b"))
	f.Add([]byte("{\"event.name\":\"kong_waf.verdict\",\"timestamp\":\"2026-01-01T00:00:00Z\",\"kong_waf.count\":-1}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		_ = ReadLines(bytes.NewReader(text), func(e *Event) {
			if e.Time.IsZero() || e.Count < 1 || e.Name != Name {
				t.Fatalf("%+v is no event", e)
			}
		}, func(*ErrLine) {})
	})
}
