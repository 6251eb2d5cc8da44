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
