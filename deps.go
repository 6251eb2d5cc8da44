//go:build deps

// Package kongwaf holds the modules in go.mod until their users have landed.
package kongwaf

import (
	_ "github.com/Kong/go-pdk/server"
	_ "github.com/Kong/go-pdk/test"
	_ "github.com/andybalholm/brotli"
	_ "github.com/gaissmai/bart"
	_ "github.com/klauspost/compress/zstd"
	_ "github.com/stretchr/testify/require"
	_ "go.yaml.in/yaml/v3"
	_ "golang.org/x/net/http2"
	_ "golang.org/x/sys/unix"
	_ "golang.org/x/term"
	_ "golang.org/x/text/encoding/charmap"
)
