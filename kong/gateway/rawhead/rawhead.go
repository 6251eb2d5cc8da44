// Package rawhead shows the head of an HTTP/1 request as nginx's Lua module does in
// ngx.req.raw_header(), faults included. nginx ends names and values where they stand with a
// NUL, over the colon and over what follows the value; the module puts back what it guesses
// was there: a CR before a LF, else in turns a colon and a LF. The guess is wrong behind a
// value that blanks follow, for lines without a colon and for lines that end in LF alone, and
// whatever stands behind the first empty line of the result is lost.
//
// Left out: heads that fill more than one of nginx's buffers, in each of which the turns
// begin anew.
package rawhead

import "bytes"

// Show returns what the module shows of a head that nginx has accepted: the request line and
// the header lines as they were sent, the empty line that ends them included. A long head
// fills several of nginx's buffers, in each of which the turns begin anew: buffers are the
// places in head where those after the first begin.
func Show(head []byte, buffers ...int) string {
	shown := bytes.Clone(head)
	var ended []int // where nginx puts its NULs
	at := lineEnd(head, 0)
	for at < len(head) {
		end := lineEnd(head, at)
		if empty(head[at:end]) {
			break
		}
		ended = field(ended, head[at:end], at)
		at = end
	}
	for _, i := range ended {
		shown[i] = 0
	}
	from := 0
	for i, to := range append(buffers, len(shown)) {
		restore(shown[from:to], i > 0)
		from = to
	}
	return string(cut(shown))
}

// restore puts something in the place of every NUL of a buffer: the connection's first, or a
// further one.
func restore(buffer []byte, further bool) {
	turn := 0
	for i, c := range buffer {
		if c != 0 {
			continue
		}
		turn++
		last := i+1 == len(buffer)
		switch {
		case !last && buffer[i+1] == '\n':
			buffer[i] = '\r'
		case turn%2 == 1 && !(last && further):
			buffer[i] = ':'
		default:
			buffer[i] = '\n'
		}
	}
}

// lineEnd returns where the line at i ends, its LF included.
func lineEnd(head []byte, i int) int {
	if n := bytes.IndexByte(head[i:], '\n'); n >= 0 {
		return i + n + 1
	}
	return len(head)
}

func empty(line []byte) bool { return len(bytes.TrimRight(line, "\r\n")) == 0 }

// field appends the places of one header line where nginx puts a NUL: behind the name and
// behind the value. A line with a name that nginx calls invalid stays as it is.
func field(ended []int, line []byte, at int) []int {
	name := bytes.IndexAny(line, ":\r\n")
	if name < 0 {
		return ended
	}
	for _, c := range line[:name] {
		if c != '-' && c != '_' && (c < '0' || '9' < c) && (c|0x20 < 'a' || 'z' < c|0x20) {
			return ended
		}
	}
	if line[name] != ':' { // no colon: name and value end in the same place
		return append(ended, at+name)
	}
	start := name + 1
	for start < len(line) && line[start] == ' ' {
		start++
	}
	end := start + max(bytes.IndexAny(line[start:], "\r\n"), 0)
	for end > start && line[end-1] == ' ' {
		end--
	}
	return append(ended, at+name, at+end)
}

// cut drops what stands behind the end of the head, as far as the module recognises it.
func cut(shown []byte) []byte {
	for _, end := range []string{"\r\n\r\n", "\r\n\n", "\n\r\n"} {
		if i := bytes.Index(shown, []byte(end)); i >= 0 {
			return shown[:i+len(end)]
		}
	}
	for i := len(shown) - 1; i >= 1; i-- {
		if shown[i] != '\n' {
			continue
		}
		switch shown[i-1] {
		case '\r':
			shown[i-1] = '\n'
			return shown[:i+1]
		case '\n':
			return shown[:i+1]
		}
	}
	return shown
}
