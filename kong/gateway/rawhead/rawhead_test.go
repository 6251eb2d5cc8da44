package rawhead

import "testing"

// TestShow: what nginx's module gets wrong, and what it gets right.
func TestShow(t *testing.T) {
	const start = "GET / HTTP/1.1\r\n"
	for _, tc := range []struct{ name, head, want string }{
		{name: "regular", head: start + "A: 1\r\nB: 2\r\n\r\n", want: start + "A: 1\r\nB: 2\r\n\r\n"},
		{name: "a value without a blank before it", head: start + "A:1\r\n\r\n", want: start + "A:1\r\n\r\n"},
		{name: "empty values", head: start + "A:\r\nB:  \r\n\r\n", want: start + "A:\r\nB:  \r\n\r\n"},
		{name: "blanks inside a value", head: start + "A: 1 2  3\r\n\r\n", want: start + "A: 1 2  3\r\n\r\n"},
		{name: "a blank behind a value becomes LF", head: start + "A: 1 \r\nB: 2\r\n\r\n", want: start + "A: 1\n\r\nB: 2\r\n\r\n"},
		{name: "of two blanks the first", head: start + "A: 1  \r\n\r\n", want: start + "A: 1\n \r\n\r\n"},
		{name: "a tab stays", head: start + "A: 1\t\r\n\r\n", want: start + "A: 1\t\r\n\r\n"},
		{name: "LF alone", head: "GET / HTTP/1.1\nA: 1\nB: 2\n\n", want: "GET / HTTP/1.1\nA: 1\nB: 2\n\n"},
		{name: "a blank before LF becomes CR", head: start + "A: 1 \nB: 2\r\n\r\n", want: start + "A: 1\r\nB: 2\r\n\r\n"},
		{name: "behind a line without a colon every colon is LF", head: start + "N\r\nA: 1\r\nB: 2\r\n\r\n", want: start + "N\r\nA\n 1\r\nB\n 2\r\n\r\n"},
		{name: "until another line without one", head: start + "N\r\nM\r\nA: 1\r\n\r\n", want: start + "N\r\nM\r\nA: 1\r\n\r\n"},
		{name: "two names without colons look like a header", head: start + "N\nM\r\nA: 1\r\n\r\n", want: start + "N:M\r\nA: 1\r\n\r\n"},
		{name: "a name that nginx ignores stays", head: start + "A.B: 1 \r\nC: 2\r\n\r\n", want: start + "A.B: 1 \r\nC: 2\r\n\r\n"},
		{name: "what follows the first empty line is lost", head: start + "A: 1 \r\nB: 2\n\n", want: start + "A: 1\n\r\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := Show([]byte(tc.head)); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
