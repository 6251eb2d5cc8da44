package place

import (
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack/words"
)

// LoadsFile reports whether a request asks for a file that pages load: a style sheet, a
// script, an image, a font. No program reads its Referer.
func LoadsFile(r *detect.Request) bool {
	if r.Method != "GET" && r.Method != "HEAD" {
		return false
	}
	path := r.Target
	if i := strings.IndexByte(path, '?'); i >= 0 {
		path = path[:i]
	}
	i := strings.LastIndexByte(path, '.')
	return i >= 0 && len(path)-i <= 12 && loaded.Of(path[i+1:]) != 0
}

// loaded are the endings of files that pages load.
var loaded = words.New(words.Group{Kind: 1, Words: "css js mjs map png jpg jpeg gif webp avif svg ico bmp woff woff2 ttf otf eot mp4 webm mp3 ogg wasm webmanifest"})

// OfFile returns the type of what is uploaded under the name of a file.
func OfFile(name, text string) Type {
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return Unknown
	}
	ending := name[i+1:]
	switch {
	case detect.EqualFold(ending, "log"):
		return Log
	case detect.EqualFold(ending, "html") || detect.EqualFold(ending, "htm"):
		text = strings.TrimLeft(text, " \t\r\n\ufeff")
		if words.HasPrefix(text, "<!doctype html") || words.HasPrefix(text, "<html") {
			return Markup
		}
	}
	return Unknown
}
