// Package deck holds example deck files: quickstart.yml, which `make run` serves, and one
// file for each plugin. Every file is checked by a test.
package deck

import _ "embed"

// Quickstart is quickstart.yml.
//
//go:embed quickstart.yml
var Quickstart []byte
