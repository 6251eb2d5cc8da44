package extract

import "kongwaf/detect/attack/swar"

// Scans of eight bytes at a time, for what is looked for in every byte of every request.

// lineByteIn reports whether s has a NUL, a CR or an LF.
func lineByteIn(s string) bool {
	for ; len(s) >= 16; s = s[16:] {
		if swar.Below(swar.Load(s, 0), '\r'+1)|swar.Below(swar.Load(s, 8), '\r'+1) != 0 && lineByteSlow(s[:16]) {
			return true
		}
	}
	if len(s) >= 8 {
		if swar.Below(swar.Load(s, 0), '\r'+1) != 0 && lineByteSlow(s[:8]) {
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
		if swar.Below(swar.Load(s, i), ' ') != 0 {
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
