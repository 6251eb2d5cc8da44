// Package upload recognises uploads that a web server would run instead of store
// (CWE-434): executable and disguised file names, code behind the first bytes of an
// image, web shells.
//
// A name is judged as the servers that matter read it: the last extension, the one before
// it where Apache looks, what is left after Windows dropped dots, blanks and streams, and
// what is left before a NUL. Scripts that no web server runs by name (.sh, .py) are weak.
package upload

import (
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/words"
)

const (
	executable uint32 = 1 << iota // a web server runs it
	script                        // runs elsewhere
	harmless                      // an image or document: what a disguise ends in
	config                        // configures the server that serves the directory
)

var names = words.New(
	words.Group{Kind: executable, Words: `php php2 php3 php4 php5 php6 php7 php8 pht phtm phtml phar phps pgif shtml inc hphp ctp module
		asp aspx asa asax ascx ashx asmx cer cdx axd cshtml vbhtml soap svc
		jsp jspx jsw jsv jspf wss do action cfm cfml cfc dbm war jhtml
		cgi pl pm`},
	words.Group{Kind: script, Words: `sh bash py rb exe bat cmd com ps1 vbs vbe js jse wsf wsh hta scr msi dll jar lnk`},
	words.Group{Kind: harmless, Words: `jpg jpeg png gif bmp webp svg ico pdf doc docx xls xlsx txt csv zip mp3 mp4 avi tif tiff`},
	words.Group{Kind: config, Words: `.htaccess .htpasswd .user.ini web.config php.ini`},
)

// Confidences, by what they mean.
const (
	certain  = 0.95
	clear    = 0.92
	likely   = 0.85
	blocked  = 0.78
	doubtful = 0.5 // also served as data
	weak     = 0.4 // runs, but on no web server
)

// Possible reports whether a value can hold a hostile name or content at all.
// It looks at the value's Traits, Pairs, Source and IsName only.
func Possible(v *value.Value) bool {
	return v.IsName && v.Traits.Any(value.Dot) || v.Pairs.Any(value.LessQuestion|value.LessPercent|value.LessLetter) ||
		v.Traits.Any(value.Newline) && v.Traits.Any(value.ParenOpen|value.Quote|value.DoubleQuote) && v.Traits.Any(value.Percent|value.Hyphen)
}

// Judge looks at a file's name or content. The class is always Upload.
func Judge(v *value.Value) value.Match {
	if v.IsName && detect.EqualFold(v.Name, "filename") {
		return name(v.Text)
	}
	if m := drawn(v); m.Confidence > 0 {
		return m
	}
	if v.Pairs.Any(value.LessQuestion | value.LessPercent | value.LessLetter) {
		return polyglot(v.Text)
	}
	return value.Match{}
}

// name judges a file name.
func name(text string) value.Match {
	if len(text) > 1024 {
		text = text[len(text)-1024:]
	}
	base := text
	if k := strings.LastIndexAny(base, `/\`); k >= 0 {
		base = base[k+1:]
	}
	if names.Of(base)&config != 0 {
		return found(clear, 0, len(text), "server configuration")
	}
	tricky := false
	// The name as a C program reads it.
	if k := strings.IndexByte(base, 0); k > 0 {
		if kinds(base[:k])&executable != 0 {
			return found(certain, 0, len(text), "executable name cut by NUL")
		}
		tricky = true
	}
	// The name as Windows stores it.
	clean := base
	if k := strings.IndexByte(clean, ':'); k > 0 {
		clean = clean[:k]
		tricky = true
	}
	for trimmed := strings.TrimRight(clean, ". \t\n\r;\""); trimmed != clean; trimmed = strings.TrimRight(clean, ". ") {
		clean = trimmed
		tricky = true
	}
	if k := strings.IndexByte(clean, ';'); k > 0 && kinds(clean[:k])&executable != 0 {
		return found(clear, 0, len(text), "executable name before a semicolon")
	}
	kind := kinds(clean)
	switch {
	case kind&executable != 0 && tricky:
		return found(certain, 0, len(text), "disguised executable name")
	case kind&executable != 0 && strong(clean):
		return found(likely, 0, len(text), "executable name")
	case kind&executable != 0:
		return found(doubtful, 0, len(text), "executable name")
	}
	// x.php.jpg: Apache with AddHandler runs it.
	if k := strings.LastIndexByte(clean, '.'); k > 0 && kind&harmless != 0 {
		if before := clean[:k]; kinds(before)&executable != 0 && strong(before) {
			return found(blocked, 0, len(text), "executable name in disguise")
		}
	}
	if kind&script != 0 {
		return found(weak, 0, len(text), "script")
	}
	return value.Match{}
}

// kinds returns the kinds of a name's last extension.
func kinds(name string) uint32 {
	k := strings.LastIndexByte(name, '.')
	if k < 0 {
		return 0
	}
	return names.Of(name[k+1:])
}

// strong reports whether the extension means code to a web server and nothing else.
func strong(name string) bool {
	ext := name[strings.LastIndexByte(name, '.')+1:]
	for _, p := range [...]string{"ph", "asp", "jsp", "asa", "ash", "asm", "asc", "cf", "cer", "shtml", "cgi"} {
		if words.HasPrefix(ext, p) {
			return true
		}
	}
	return false
}

// polyglot recognises code behind the first bytes of an image or document.
func polyglot(text string) value.Match {
	magic := false
	for _, m := range [...]string{"GIF8", "\x89PNG", "\xFF\xD8\xFF", "BM", "%PDF-", "RIFF", "PK\x03\x04", "II*\x00", "MM\x00*"} {
		if strings.HasPrefix(text, m) {
			magic = true
			break
		}
	}
	if !magic {
		return value.Match{}
	}
	for i := 0; ; {
		k := strings.IndexByte(text[i:], '<')
		if k < 0 {
			return value.Match{}
		}
		i += k
		t := text[i+1:]
		if words.HasPrefix(t, "?php") || strings.HasPrefix(t, "?=") && printable(t, 12) || strings.HasPrefix(t, "%@") && printable(t, 16) || strings.HasPrefix(t, "%=") && printable(t, 16) || words.HasPrefix(t, "%eval") || words.HasPrefix(t, "script language=") {
			return found(certain, i, min(len(text), i+24), "code in an image")
		}
		i++
	}
}

// printable reports whether the first n bytes are text: in an image, chance makes two or three.
func printable(t string, n int) bool {
	if len(t) < n {
		n = len(t)
	}
	for i := 0; i < n; i++ {
		if t[i] < ' ' && t[i] != '\n' && t[i] != '\r' && t[i] != '\t' || t[i] >= 0x7f {
			return false
		}
	}
	return n > 3
}

func found(confidence float64, start, end int, shape string) value.Match {
	return value.Match{Class: detect.ClassUpload, Confidence: confidence, Start: start, End: end, Shape: shape}
}
