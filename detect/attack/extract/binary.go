package extract

import (
	"math/bits"
	"strings"
)

// binary hands out the runs of printable characters in binary data. The longer the data, the
// longer a run must be: random bytes make short ones by chance.
func (w *Walker) binary(label segment, s string) {
	// A byte is printable by chance in 3 of 8 cases, so runs of n are expected
	// len * (3/8)^n times; this n keeps that below one in a hundred. In little data a few
	// more do no harm.
	shortest := 5 + bits.Len(uint(len(s)))*7/10
	if len(s) <= 128 {
		shortest = 4
	}
	start := -1
	for i := 0; i <= len(s); i++ {
		if i < len(s) {
			if c := s[i]; c >= 0x20 && c < 0x7f || c == '\t' || c == '\n' || c == '\r' {
				if start < 0 {
					start = i
				}
				continue
			}
		}
		if start >= 0 && i-start >= shortest {
			if !w.value(label, s[start:i]) {
				return
			}
		}
		start = -1
	}
}

// objectHead returns the beginning of a stream of serialised objects (Java, .NET, Python's
// pickle, Ruby's Marshal), whose first bytes tell what no run of characters does; "" for
// other data.
func objectHead(s string) string {
	const most = 4096
	for _, magic := range [...]string{"\xac\xed\x00\x05", "\x00\x01\x00\x00\x00\xff\xff\xff\xff", "\x80\x02", "\x80\x03", "\x80\x04\x95", "\x80\x05\x95", "\x04\x08", "\xff\x01\x32"} {
		if strings.HasPrefix(s, magic) {
			return s[:min(len(s), most)]
		}
	}
	return ""
}
