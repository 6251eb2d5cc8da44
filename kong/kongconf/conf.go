// Package kongconf reads the settings that a Kong runs with, from its kong.conf and the
// environment, and writes those that kong-waf needs. It knows the syntax and how Kong puts
// the two together; what is good or bad about a setting is for package doctor to say.
//
// Files are an operator's; nothing that stands in them is run.
package kongconf

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Value is a setting, and where it stands.
type Value struct {
	Text string
	At   string // file:line, or the variable's name; "" for one that is not set
}

// Conf holds settings by their names in kong.conf. The zero value is empty and ready.
type Conf struct {
	values map[string]Value
	// Overruled are settings that a later line of the same file sets again: Kong takes the
	// last one.
	Overruled []Overruled
}

// Overruled is a setting that stands twice in a file.
type Overruled struct {
	Key          string
	First, Again Value
}

// maxLine is how long a line may be, in bytes.
const maxLine = 1 << 20

// Read reads a kong.conf over what is there already.
func (c *Conf) Read(name string, r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	here := map[string]bool{}
	for n := 1; lines.Scan(); n++ {
		key, text, ok := strings.Cut(uncomment(lines.Text()), "=")
		key = strings.TrimSpace(key)
		if !ok || key == "" {
			if key != "" {
				return fmt.Errorf("%s:%d: %q is no setting: write KEY = VALUE", name, n, key)
			}
			continue
		}
		value := Value{Text: strings.TrimSpace(text), At: fmt.Sprintf("%s:%d", name, n)}
		if here[key] {
			c.Overruled = append(c.Overruled, Overruled{Key: key, First: c.values[key], Again: value})
		}
		here[key] = true
		c.set(key, value)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// uncomment takes off a comment: # begins one wherever it stands, unless a backslash stands
// before it.
func uncomment(line string) string {
	for i := range len(line) {
		if line[i] == '#' && (i == 0 || line[i-1] != '\\') {
			line = line[:i]
			break
		}
	}
	return strings.ReplaceAll(line, `\#`, "#")
}

// Environ puts the variables KONG_KEY over what is there, as Kong does. Kong-waf's own,
// KONG_WAF_KEY, are no settings of Kong.
func (c *Conf) Environ(environ []string) {
	for _, entry := range environ {
		name, text, _ := strings.Cut(entry, "=")
		key, ok := strings.CutPrefix(name, "KONG_")
		if !ok || strings.HasPrefix(key, "WAF_") {
			continue
		}
		c.set(strings.ToLower(key), Value{Text: text, At: name})
	}
}

func (c *Conf) set(key string, value Value) {
	if c.values == nil {
		c.values = map[string]Value{}
	}
	c.values[key] = value
}

// Get returns a setting; one that is not set has no At, and the default as its text.
func (c *Conf) Get(key, otherwise string) Value {
	if v, ok := c.values[key]; ok {
		return v
	}
	return Value{Text: otherwise}
}

// Keys calls visit for each setting, in no order.
func (c *Conf) Keys(visit func(key string, value Value)) {
	for key, value := range c.values {
		visit(key, value)
	}
}

// List returns the parts of a setting that has several, with commas.
func (v Value) List() []string {
	var parts []string
	for part := range strings.SplitSeq(v.Text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// On reports whether the setting says yes, as Kong reads it.
func (v Value) On() bool {
	switch strings.ToLower(v.Text) {
	case "on", "true", "1", "yes":
		return true
	}
	return false
}

// ParseSize returns what nginx takes as a size ("8k", "1m", "4096"), in bytes.
func ParseSize(text string) (int64, error) {
	digits, unit := strings.ToLower(text), int64(1)
	for suffix, factor := range map[string]int64{"k": 1 << 10, "m": 1 << 20, "g": 1 << 30} {
		if rest, ok := strings.CutSuffix(digits, suffix); ok {
			digits, unit = rest, factor
			break
		}
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%q is no size such as 64k or 1m", text)
	}
	return int64(n) * unit, nil
}
