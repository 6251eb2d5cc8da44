package check

import (
	"kongwaf/kong/schema"
	"kongwaf/plugins/internal/source"
)

// Location is the form of the place of a list or a database.
func Location() schema.Format {
	return schema.Format{
		Name:     "location",
		Patterns: []string{"^/.+$", "^https?://.+$"},
		Err:      "must be an absolute path such as /etc/kong-waf/list.txt, or a URL such as https://example.com/list.txt",
		Check:    source.CheckLocation,
	}
}
