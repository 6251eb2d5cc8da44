package schema

import (
	"fmt"

	"kongwaf/kong/schema/internal/luapattern"
)

// Format is a form that strings must have, for the rule format=NAME: Kong knows it by Lua
// patterns, which cannot say everything, and we by Check, which can.
type Format struct {
	Name string
	// Patterns are Lua patterns. A string that matches none is refused by Kong; whatever
	// Check accepts must match one.
	Patterns []string
	// Err is what Kong then says, such as "must be an address".
	Err string
	// Check returns what is wrong with a string, and what to write instead.
	Check func(string) error
}

// WithFormat makes a format known to the rules format=NAME of a config.
func WithFormat(f Format) Option { return func(s *Schema) { s.formats = append(s.formats, f) } }

// resolveFormats gives every rule format=NAME its format.
func (s *Schema) resolveFormats() error {
	for i := range s.formats {
		f := &s.formats[i]
		for _, pattern := range f.Patterns {
			if _, err := luapattern.Compile(pattern); err != nil {
				return fmt.Errorf("format %s: %w", f.Name, err)
			}
		}
		if len(f.Patterns) == 0 || f.Err == "" || f.Check == nil {
			return fmt.Errorf("format %s: needs patterns, an error text and a check", f.Name)
		}
	}
	return s.config.resolveFormats("config", s.formats)
}

func (f *field) resolveFormats(path string, formats []Format) error {
	if f == nil {
		return nil
	}
	if f.formatName != "" {
		for i := range formats {
			if formats[i].Name == f.formatName {
				f.format = &formats[i]
			}
		}
		if f.format == nil {
			return fmt.Errorf("%s: there is no format %q: give it to Of, with WithFormat", path, f.formatName)
		}
	}
	for _, sub := range []*field{f.elements, f.keys, f.values} {
		if err := sub.resolveFormats(path, formats); err != nil {
			return err
		}
	}
	for _, sub := range f.fields {
		if err := sub.resolveFormats(path+"."+sub.name, formats); err != nil {
			return err
		}
	}
	return nil
}

// Passes reports whether Kong lets a string through. The zero Format lets nothing through.
func (f *Format) Passes(s string) bool {
	for _, source := range f.Patterns {
		if p, err := luapattern.Compile(source); err == nil && p.Match(s) {
			return true
		}
	}
	return false
}

// attributes returns the format as Kong wants it.
func (f *Format) attributes() object {
	return object{{"patterns", f.Patterns}, {"err", f.Err}}
}
