// Package deck holds example deck files: quickstart.yml and modes.yml, which `make run` and
// `make demo-attack` serve, and files for each plugin. Every file is checked by a test.
package deck

import "embed"

// Files are all of them.
//
//go:embed *.yml
var Files embed.FS

// Quickstart is quickstart.yml.
//
//go:embed quickstart.yml
var Quickstart []byte

// Modes is modes.yml, which `make demo-attack` serves.
//
//go:embed modes.yml
var Modes []byte
