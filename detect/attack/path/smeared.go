package path

import (
	"strings"

	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/words"
)

// target is a file whose name ends a smeared path, and what must stand before it.
type target struct {
	file string
	// dir is the name of a directory above it, "" if the file says enough.
	dir string
}

var targets = [...]target{
	{file: "passwd", dir: "etc"}, {file: "shadow", dir: "etc"}, {file: "group", dir: "etc"}, {file: "hosts", dir: "etc"},
	{file: "issue", dir: "etc"}, {file: "boot.ini"}, {file: "win.ini"}, {file: "system.ini", dir: "win"}, {file: "web.xml", dir: "inf"},
	{file: "system32", dir: "windows"}, {file: "access_log", dir: ".."}, {file: "access.log", dir: ".."}, {file: "error_log", dir: ".."}, {file: "error.log", dir: ".."},
}

// targetTails is how the targets' files end.
var targetTails = func() *words.Trigrams {
	t := new(words.Trigrams)
	for _, target := range targets {
		n := len(target.file)
		t.Add(target.file[n-3], target.file[n-2], target.file[n-1])
	}
	return t
}()

// smeared recognises a path whose separators or dots are written so that only some
// program's faulty decoder reads them (..%c0%9v..%c0%9vetc%c0%9vpasswd, ..2f..2f): the
// same piece again and again between climbs, or a sensitive file's name behind a piece
// of junk. The text holds no blank.
func smeared(v *value.Value) value.Match {
	text := v.Text
	if len(text) < 8 || len(text) > 4096 || v.Traits.Any(value.White) {
		return value.Match{}
	}
	end := len(text)
	for end > 0 && (text[end-1] == 0 || text[end-1] == '"' || text[end-1] == '\'') {
		end--
	}
	if strings.HasSuffix(text[:end], "%00") {
		end -= 3
	}
	if end < 8 {
		return value.Match{}
	}
	tail := text[max(0, end-12):end]
	if n := len(tail); !targetTails.Has(tail[n-3], tail[n-2], tail[n-1]) {
		tail = ""
	}
	for i := 0; i < len(targets) && tail != ""; i++ {
		t := &targets[i]
		if len(tail) < len(t.file) || !words.HasPrefix(tail[len(tail)-len(t.file):], t.file) {
			continue
		}
		at := end - len(t.file)
		if at == 0 || !junk(text, at) && !(text[at-1] == '/' && odd(text[0])) {
			break
		}
		if t.dir == "" {
			return found(0.8, max(0, at-16), end, "sensitive file behind a disguised path")
		}
		from := max(0, at-len(t.dir)-24)
		if k := words.Index(text[from:at], t.dir); k >= 0 && (from+k == 0 || k > 0 && junk(text, from+k) || odd(text[0]) || t.dir[0] == '.') {
			return found(0.85, from+k, end, "sensitive file behind a disguised path")
		}
		break
	}
	if n := altered(text); n > 0 {
		var p parsed
		p.parse("../" + text[n:])
		if p.target(false) == secret {
			return found(clear, 0, end, "sensitive file behind altered dots")
		}
	}
	if v.Pairs.Any(value.ZeroX) {
		for _, climb := range [...]string{"0x2e0x2e", "..0x2f", "..0x5c"} {
			if i := strings.Index(text, climb); i >= 0 {
				return found(disguised, i, i+len(climb), "climb in hexadecimal")
			}
		}
	}
	if m := padded(text); m.Confidence > 0 {
		return m
	}
	if !v.Pairs.Any(value.DotDot) {
		return value.Match{}
	}
	if k, n := repeated(text); n > 0 {
		return found(disguised, k, n, "repeated climb in disguise")
	}
	return value.Match{}
}

// altered returns where a text goes on behind steps that climb if one of their dots, or what
// stands for it, is read as a dot: .?/.?/x, .%/%./x, ?./x. It returns 0 if there is none.
func altered(text string) int {
	n := 0
	for n+2 < len(text) && n < 64 && (text[n+2] == '/' || text[n+2] == '\\') {
		a, b := text[n], text[n+1]
		if !(a == '.' && marks[b] || b == '.' && marks[a] || n > 0 && a == '.' && b == '.') {
			break
		}
		n += 3
	}
	return n
}

// marks has the bytes that are put for a dot.
var marks = func() (t [256]bool) {
	for _, c := range "?%*+^~$_" {
		t[c] = true
	}
	return t
}()

// padded recognises paths that are filled up so that what a program appends is cut off,
// or that a check for a single slash fails: /aaaa (128 times and more), ////////x.
func padded(text string) value.Match {
	n := 0
	for n < len(text) && text[n] == '/' {
		n++
	}
	if n >= 4 && n < len(text) {
		return found(0.72, 0, n, "run of slashes")
	}
	if n == len(text) {
		return value.Match{}
	}
	run := n + 1
	for run < len(text) && text[run] == text[n] {
		run++
	}
	if run-n >= 128 && (n > 0 && n+1 < len(text) || strings.Contains(text[run:min(len(text), run+64)], "..")) {
		return found(0.74, 0, n+8, "path filled up")
	}
	return value.Match{}
}

// glued recognises a directory and a file of it whose separator was lost on the way:
// ..\etc\passwd read as ..etcpasswd.
func glued(text string) value.Match {
	rest := strings.TrimLeft(text, ".")
	if len(rest) > 1 && rest[1] == ':' {
		rest = rest[2:]
	}
	if rest == "" || rest[0]|0x20 != 'e' && rest[0]|0x20 != 'w' && rest[0]|0x20 != 'i' {
		return value.Match{}
	}
	for _, dir := range [...]string{"etc", "windows", "winnt", "web-inf", "inetpubwwwroot"} {
		if words.HasPrefix(rest, dir) {
			if kind := names.Of(rest[len(dir):]); kind&configFile != 0 || kind&secretFile != 0 && kind&procFile == 0 {
				return found(0.78, 0, len(text), "sensitive path without separators")
			}
		}
	}
	return value.Match{}
}

// odd reports whether a path that begins with c was not written by hand.
func odd(c byte) bool {
	return c >= 0x80 || c == '%' || c == '?' || c == '^' || c < ' '
}

// junk reports whether what stands right before at is no plain name: within six bytes
// there is a mark that encodings, not names, are made of.
func junk(text string, at int) bool {
	for i := at - 1; i >= 0 && i >= at-6; i-- {
		c := text[i]
		if c == '%' || c == '?' || c == '\\' || c < ' ' || c >= 0x80 || c == ':' || c == '.' && i > 0 && text[i-1] == '.' {
			return true
		}
		if c == 'x' && i > 0 && text[i-1] == '0' {
			return true
		}
	}
	return false
}

// repeated finds two dots followed by the same few bytes, at least twice in a row and a
// third time its beginning.
func repeated(text string) (start, end int) {
	prev, gap := -1, ""
	for i := 0; i+1 < len(text); i++ {
		k := strings.Index(text[i:], "..")
		if k < 0 {
			break
		}
		i += k
		if prev >= 0 {
			g := text[prev+2 : i]
			if len(g) > 0 && len(g) <= 12 && encoded(g) {
				if g == gap || strings.HasPrefix(text[i+2:], g) {
					return prev, min(len(text), i+2+len(g))
				}
				gap = g
			} else {
				gap = ""
			}
		}
		prev = i
		i++
	}
	return 0, 0
}

// encoded reports whether s can be somebody's encoding of a separator: 2f, %c0%9v, 0x5c.
func encoded(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c == '%' || c == '?' || c == '\\' || c < ' ' || c >= 0x80 {
			return true
		}
	}
	return words.HasPrefix(s, "0x") || len(s) == 2 && (words.HasPrefix(s, "2f") || words.HasPrefix(s, "5c"))
}
