package extract

// Scans of eight bytes at a time, for what is looked for in every byte of every request.

// eight reads s[i:i+8] as one little-endian number.
func eight(s string, i int) uint64 {
	b := s[i : i+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// below is not 0 if a byte of x is less than n (n up to 0x80). Its lowest bit belongs to the
// first such byte; those above may be wrong.
func below(x uint64, n byte) uint64 { return (x - ones*uint64(n)) &^ x & highs }

// lineByteIn reports whether s has a NUL, a CR or an LF.
func lineByteIn(s string) bool {
	for ; len(s) >= 16; s = s[16:] {
		if below(eight(s, 0), '\r'+1)|below(eight(s, 8), '\r'+1) != 0 && lineByteSlow(s[:16]) {
			return true
		}
	}
	if len(s) >= 8 {
		if below(eight(s, 0), '\r'+1) != 0 && lineByteSlow(s[:8]) {
			return true
		}
		s = s[8:]
	}
	return lineByteSlow(s)
}

func lineByteSlow(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= '\r' && (c == 0 || c == '\n' || c == '\r') {
			return true
		}
	}
	return false
}

// looksText reports whether s is text rather than binary data: next to no control
// characters. A few bytes that are no valid UTF-8 do not make it binary.
func looksText(s string) bool {
	most := 2 + len(s)/50
	controls, i := 0, 0
	for ; i+8 <= len(s); i += 8 {
		if below(eight(s, i), ' ') != 0 {
			if controls += controlsIn(s[i : i+8]); controls > most {
				return false
			}
		}
	}
	return controls+controlsIn(s[i:]) <= most
}

// controlsIn counts control characters other than white space and escape.
func controlsIn(s string) (n int) {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != '\v' && c != 0x1b {
			n++
		}
	}
	return n
}
