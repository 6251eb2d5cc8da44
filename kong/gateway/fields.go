package gateway

import "strings"

// field is one header line, with the bytes that were sent.
type field struct{ name, value string }

// fields are header lines in their order. Names compare without regard to case.
type fields []field

func (f fields) get(name string) (string, bool) {
	for i := range f {
		if strings.EqualFold(f[i].name, name) {
			return f[i].value, true
		}
	}
	return "", false
}

func (f fields) has(name string) bool {
	_, ok := f.get(name)
	return ok
}

func (f fields) values(name string) []string {
	var out []string
	for i := range f {
		if strings.EqualFold(f[i].name, name) {
			out = append(out, f[i].value)
		}
	}
	return out
}

// set does what ngx.req.set_header does: the first line of that name is replaced where it
// stands, the others go, further values follow at the end. No values removes the header.
func (f *fields) set(name string, values ...string) {
	kept := (*f)[:0:0]
	for _, h := range *f {
		switch {
		case !strings.EqualFold(h.name, name):
			kept = append(kept, h)
		case len(values) > 0:
			kept = append(kept, field{name, values[0]})
			values = values[1:]
			for _, v := range values {
				kept = append(kept, field{name, v})
			}
			values = nil
		}
	}
	for _, v := range values {
		kept = append(kept, field{name, v})
	}
	*f = kept
}

func (f *fields) add(name, value string) { *f = append(*f, field{name, value}) }

func (f *fields) del(name string) { f.set(name) }
