package path

import (
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/words"
)

// What stands around a path: words, markup, a line of a log, the field that holds it.

// requestLine reports whether the path text[start:end] was asked for in a line of a web
// server's log: ... "GET /x HTTP/1.1" 404.
func requestLine(text string, start, end int) bool {
	if start < 12 || !strings.HasPrefix(text[end:], " HTTP/") && end < len(text) && text[end] != '?' {
		return false
	}
	k := strings.LastIndexByte(text[start-8:start], '"')
	if k < 0 || text[start-1] != ' ' || text[start-8+k-1] != ' ' {
		return false
	}
	for _, c := range []byte(text[start-8+k+1 : start-1]) {
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	return true
}

// inMarkup reports whether the path text[start:end] is a link of a page: in a tag, or the
// content of an element.
func inMarkup(text string, start, end int) bool {
	before := text[:start]
	open := strings.LastIndexByte(before, '<')
	if open < 0 {
		return false
	}
	return strings.LastIndexByte(before, '>') < open && end < len(text) || before[start-1] == '>' && strings.HasPrefix(text[end:], "</")
}

// worded reports whether the path text[start:end] stands among words or other paths, in a
// sentence, a list or the content of an element: no program opens a file of such a name.
func worded(text string, start, end int) bool {
	before, after := text[max(0, start-64):start], text[end:min(len(text), end+64)]
	if strings.HasSuffix(before, ">") && strings.HasPrefix(after, "</") {
		return true
	}
	if b := strings.TrimRight(before, "\"'`(*"); b != "" && (b[len(b)-1] == ' ' || b[len(b)-1] == '\n') {
		bare := strings.TrimRight(b, " \n-*:.,;)")
		if len(bare) == 2 && bare[0] == '-' {
			return false // the option that the path belongs to
		}
		if bare == "" && strings.TrimLeft(b, " \n") != "" || len(bare) > 1 && bare[len(bare)-1] != '=' {
			return true
		}
	}
	a := strings.TrimLeft(after, "\"'`.,:;)*")
	if len(a) < 3 || a[0] != ' ' && a[0] != '\n' || len(after)-len(a) > 4 {
		return false
	}
	a = strings.TrimLeft(a, " \n-*")
	return len(a) > 1 && (wordByte(a[0]) && wordByte(a[1]) || a[0] >= 0x80 || a[0] == '/')
}

// settings reports whether a name above is that of settings, a log, a key or a copy: config.php.
func settings(name string) bool {
	k := strings.LastIndexByte(name, '.')
	if k <= 0 {
		return false
	}
	ext := names.Of(name[k+1:])
	return ext&closedExt != 0 || ext&(assetExt|media) == 0 && (words.HasPrefix(name, "secret") || words.HasPrefix(name, "credential")) || ext&codeExt != 0 && (words.Index(name[:k], "config") >= 0 || words.HasPrefix(name, "settings") || words.HasPrefix(name, "db.") || words.HasPrefix(name, "database"))
}

// listed reports whether a field is a list of the files of a commit.
func listed(name string) bool {
	return name == "added" || name == "removed" || name == "modified" || name == "files" || name == "paths"
}

// fileName reports whether a field holds the name of a file that is stored: filename, uploadFileName.
func fileName(name string) bool {
	const word = "filename"
	return len(name) >= len(word) && words.HasPrefix(name[len(name)-len(word):], word)
}

// config reports whether the value is one of a configuration that names a place of the system
// which holds no secrets: {"hosts_file": "/etc/hosts"}, {"logs": [{"path": "/var/log/a.log"}]}.
func config(v *value.Value, p *parsed) bool {
	if v.Source == detect.SourceBody && p.abs && p.climbs == 0 && mounts.Of(v.Name) != 0 && p.last&(word|logFile) == 0 {
		return true // whatever is mounted
	}
	if v.Source != detect.SourceBody || p.climbs > 0 || !p.abs || p.last&secretFile != 0 || p.first&systemDir != 0 && !hasElem(p.text, "etc") {
		return false
	}
	if fields.Of(v.Name) != 0 && !detect.EqualFold(v.Name, "file") && (p.first&systemDir == 0 || p.second&(etcFile|configFile) == 0) ||
		len(v.Name) > 3 && len(p.name) >= len(v.Name) && detect.EqualFold(p.name[:len(v.Name)], v.Name) {
		return true // also {"hosts": "/etc/hosts"}
	}
	last := lastWord(v.Name)
	return last != "" && !words.HasPrefix(v.Name, "file") && fields.Of(last) != 0
}

// lastWord returns the last word of a name of several: file of ca_file, Path of hostPath.
func lastWord(name string) string {
	for k := len(name) - 1; k > 0; k-- {
		switch c := name[k]; {
		case c == '_' || c == '-' || c == '.':
			return name[k+1:]
		case 'A' <= c && c <= 'Z' && 'a' <= name[k-1] && name[k-1] <= 'z':
			return name[k:]
		}
	}
	return ""
}

// mounts are the fields that say where something is mounted, or what.
var mounts = words.New(words.Group{Kind: 1, Words: `mountpath hostpath mount_path host_path binds volumes mounts mountpoint kubeconfig container_path`})

// fields are the fields of configurations, and the last words of their names, that hold paths.
var fields = words.New(words.Group{Kind: 1, Words: `path paths file files dir dirs directory log logs logfile conf config cert certs certificate ca key socket
	service services bind binds volume volumes mount mounts device devices command cmd args entrypoint storage location source target destination root home`})

// InRepository reports whether a request path names a file to an API of repositories:
// /repos/o/r/contents/Dockerfile, /o/r/blob/main/.npmrc. It is for other languages too.
func InRepository(path string) bool {
	for n, i := 0, 0; i < len(path); n++ {
		for i < len(path) && path[i] == '/' {
			i++
		}
		e := elementAt(path, i)
		if n >= 2 && repositories.Of(e) != 0 && i+len(e) < len(path) {
			return true
		}
		i += len(e) + 1
	}
	return false
}

// repositories are the elements behind which such APIs have the name of a file.
var repositories = words.New(words.Group{Kind: 1, Words: `contents blob blobs raw tree trees blame edit repository commits archive`})
