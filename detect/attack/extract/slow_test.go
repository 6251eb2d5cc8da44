package extract

import (
	"strings"
	"testing"
)

// The obvious ways of what tables and eight bytes at a time do faster.

func slowScanString(s string, i int, quote byte) (end int, escaped, closed bool) {
	for ; i < len(s); i++ {
		if s[i] == quote {
			return i, escaped, true
		}
		if s[i] == '\\' {
			escaped = true
			i++
		}
	}
	return len(s), escaped, false
}

func slowOrdinaryName(s string) bool {
	for _, code := range []string{"5b", "5d", "20", "24", "2e", "2d", "5f", "3a", "40"} {
		s = strings.ReplaceAll(strings.ReplaceAll(s, "%"+code, "x"), "%"+strings.ToUpper(code), "x")
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.[]:$@+~*!") == ""
}

// FuzzSlow compares the fast scans with the obvious ones.
func FuzzSlow(f *testing.F) {
	f.Add(`0123456789\"abcdef'ghijklmn"opq`, byte('"'))
	f.Add(`012345\\678\"`, byte('\''))
	f.Add("items[0][name].x:y", byte('`'))
	f.Add("items%5B0%5d.%2e%3", byte('"'))
	f.Add("%2%20e", byte('"'))
	f.Fuzz(func(t *testing.T, s string, quote byte) {
		if !strings.Contains("\"'`", string(rune(quote))) {
			quote = '"'
		}
		end, escaped, closed := scanString(s, 0, quote)
		wantEnd, wantEscaped, wantClosed := slowScanString(s, 0, quote)
		if end != wantEnd || escaped != wantEscaped || closed != wantClosed {
			t.Errorf("%q up to %c: %d, %v, %v, want %d, %v, %v", s, quote, end, escaped, closed, wantEnd, wantEscaped, wantClosed)
		}
		if got, want := ordinaryName(s), slowOrdinaryName(s); got != want {
			t.Errorf("%q an ordinary name: %v, want %v", s, got, want)
		}
	})
}
