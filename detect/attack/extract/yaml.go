package extract

import "strings"

// yaml hands out the scalars of simple YAML: what follows "- " and "key: " on a line, and
// the keys. Block scalars and flow collections come as lines, but for binary data: its lines
// are joined and decoded.
func (w *Walker) yaml(s string) {
	for s != "" && !w.stopped {
		var line string
		line, s, _ = strings.Cut(s, "\n")
		indent := len(line) - len(strings.TrimLeft(line, " "))
		line = strings.TrimSpace(line)
		for strings.HasPrefix(line, "- ") {
			line = strings.TrimLeft(line[2:], " ")
		}
		label := named("")
		if i := strings.Index(line, ": "); i > 0 && i <= 64 {
			key := strings.Trim(line[:i], `"' `)
			w.name(key)
			label = named(key)
			line = strings.TrimSpace(line[i+2:])
		}
		if data, ok := yamlBinary(line); ok {
			s = w.yamlBlob(label, data, s, indent)
			continue
		}
		w.value(label, yamlScalar(line))
	}
}

// yamlScalar takes the quotes off a scalar.
func yamlScalar(s string) string {
	if len(s) > 1 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		return s[1 : len(s)-1]
	}
	return s
}

// yamlBinary returns what stands behind the tag of binary data (yaml.org/type/binary.html),
// without the sign of a block.
func yamlBinary(s string) (data string, ok bool) {
	for _, tag := range [...]string{"!!binary", "!<tag:yaml.org,2002:binary>"} {
		if data, ok = strings.CutPrefix(s, tag); ok {
			data = strings.TrimSpace(data)
			if data != "" && (data[0] == '|' || data[0] == '>') {
				data = ""
			}
			return yamlScalar(data), true
		}
	}
	return "", false
}

// yamlBlob hands out base64 that begins with data and goes on in the lines of s that are
// indented deeper, and returns what is behind them.
func (w *Walker) yamlBlob(label segment, data, s string, indent int) (rest string) {
	end := 0
	for end < len(s) {
		line, _, _ := strings.Cut(s[end:], "\n")
		if text := strings.TrimLeft(line, " "); strings.TrimSpace(text) != "" && len(line)-len(text) <= indent {
			break
		}
		end = min(end+len(line)+1, len(s))
	}
	b := append(w.scratch.room(len(data)+end), data...)
	for line := range strings.SplitSeq(s[:end], "\n") {
		b = append(b, strings.TrimSpace(line)...)
	}
	text, s := w.scratch.keep(b), s[end:]
	mark := len(w.steps)
	if decoded, ok := w.decodeBase64(text); ok {
		w.step("base64")
		text = decoded
	}
	w.plain(label, text)
	w.back(mark)
	return s
}
