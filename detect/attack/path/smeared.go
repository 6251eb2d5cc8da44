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

// smeared recognises a path whose separators or dots are written so that only some
// program's faulty decoder reads them (..%c0%9v..%c0%9vetc%c0%9vpasswd, ..2f..2f): the
// same piece again and again between climbs, or a sensitive file's name behind a piece
// of junk. The text holds no blank.
func smeared(text string) value.Match {
	end := len(text)
	for end > 0 && (text[end-1] == 0 || text[end-1] == '"' || text[end-1] == '\'') {
		end--
	}
	if strings.HasSuffix(text[:end], "%00") {
		end -= 3
	}
	tail := text[max(0, end-12):end]
	for i := range targets {
		t := &targets[i]
		if len(tail) < len(t.file) || !words.HasPrefix(tail[len(tail)-len(t.file):], t.file) {
			continue
		}
		at := end - len(t.file)
		if at == 0 || !junk(text, at) {
			break
		}
		if t.dir == "" {
			return found(0.8, max(0, at-16), end, "sensitive file behind a disguised path")
		}
		from := max(0, at-len(t.dir)-24)
		if k := words.Index(text[from:at], t.dir); k >= 0 && (from+k == 0 || k > 0 && junk(text, from+k) || t.dir[0] == '.') {
			return found(0.85, from+k, end, "sensitive file behind a disguised path")
		}
		break
	}
	if k, n := repeated(text); n > 0 {
		return found(0.78, k, n, "repeated climb in disguise")
	}
	return value.Match{}
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
		if text[i] != '.' || text[i+1] != '.' {
			continue
		}
		if prev >= 0 {
			g := text[prev+2 : i]
			if len(g) > 0 && len(g) <= 12 && !plainName(g) {
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

// plainName reports whether s is nothing but letters, as in a..b..b.
func plainName(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}
