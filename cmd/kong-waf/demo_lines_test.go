package main

import (
	"bytes"
	"testing"
)

// TestWarnings: lines pass as they came, however they are cut; those of the INFO level do not.
func TestWarnings(t *testing.T) {
	const in = "{\"level\":\"INFO\",\"msg\":\"serving\"}\n{\"level\":\"ERROR\",\"msg\":\"no\"}\nkong-waf serve: port taken\n"
	const want = "{\"level\":\"ERROR\",\"msg\":\"no\"}\nkong-waf serve: port taken\n"
	for step := 1; step <= len(in); step++ {
		var out bytes.Buffer
		w := &warnings{out: &out}
		for rest := []byte(in); len(rest) > 0; {
			n := min(step, len(rest))
			if _, err := w.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if out.String() != want {
			t.Fatalf("in pieces of %d: %q", step, out.String())
		}
	}
}
