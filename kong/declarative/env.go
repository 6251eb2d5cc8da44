package declarative

import (
	"os"
	"regexp"
	"strings"
)

// placeholder is deck's `${{ env "DECK_X" }}`, also in its single-quoted form and with a
// conversion (`| toInt`), which is not needed here: the text is put in before YAML is read,
// as deck does it.
var placeholder = regexp.MustCompile(`\$\{\{\s*env\s+(?:"([^"]*)"|'([^']*)')\s*(?:\|\s*(toInt|toFloat|toBool)\s*)?\}\}`)

// anyPlaceholder finds what looks like one and is not.
var anyPlaceholder = regexp.MustCompile(`\$\{\{[^}\n]*\}?\}?`)

// expand replaces the placeholders in data. Lines stay where they are: a variable with a
// line break in it is an error. Comment lines are left alone. No value is ever reported.
func (b *builder) expand(file string, data []byte) []byte {
	if !strings.Contains(string(data), "${{") {
		return data
	}
	lookup := b.opts.Env
	if lookup == nil {
		lookup = os.LookupEnv
	}
	lines := strings.Split(string(data), "\n")
	for i, line := range lines {
		if !strings.Contains(line, "${{") || strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		report := func(format string, args ...any) {
			d := document{file: file, problems: &b.problems}
			d.errorf(nil, "", format, args...)
			b.problems[len(b.problems)-1].Line = i + 1
		}
		line = placeholder.ReplaceAllStringFunc(line, func(s string) string {
			groups := placeholder.FindStringSubmatch(s)
			name := groups[1] + groups[2]
			if !strings.HasPrefix(name, "DECK_") {
				report("deck reads only environment variables whose names begin with DECK_: rename %s to DECK_%s", name, name)
				return ""
			}
			value, ok := lookup(name)
			switch {
			case !ok:
				report("the environment variable %s is not set", name)
				return ""
			case strings.ContainsAny(value, "\r\n"):
				report("the environment variable %s has a line break in it", name)
				return ""
			}
			return value
		})
		if rest := anyPlaceholder.FindString(line); rest != "" {
			report(`placeholder not understood: write ${{ env "DECK_NAME" }}`)
		}
		lines[i] = line
	}
	return []byte(strings.Join(lines, "\n"))
}
