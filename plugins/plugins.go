// Package plugins lists the Kong plugins of this product. This is the only registry.
package plugins

import (
	"log/slog"

	"kongwaf/kong/pluginserver"
	"kongwaf/plugins/gate"
	"kongwaf/plugins/internal/check"
	"kongwaf/plugins/internal/keyring"
	"kongwaf/plugins/iprestriction"
	"kongwaf/plugins/keyauth"
	"kongwaf/plugins/ratelimiting"
	"kongwaf/plugins/wafdetect"
)

// Version is the version of the plugins and of the binary.
const Version = check.Version

// Shared is the state of the process that plugins share; see check.Shared.
type Shared = check.Shared

// Admin says how Kong's own key-auth credentials are read; see keyring.Admin.
type Admin = keyring.Admin

// KeyListing is what a running server knows of keys; see keyring.Listing.
type (
	KeyListing  = keyring.Listing
	ListedPlace = keyring.ListedPlace
	ListedKey   = keyring.ListedKey
)

// KeyListingFile is the name of the listing in the data folder.
const KeyListingFile = keyring.ListingFile

// ReadKeyListing reads the listing in a data folder.
func ReadKeyListing(folder string) (KeyListing, error) { return keyring.ReadListing(folder) }

// NewShared returns shared state that logs to the logger.
func NewShared(logger *slog.Logger) *Shared { return check.NewShared(logger) }

// Secret returns a random key for a table of counters.
func Secret() [16]byte { return check.Secret() }

// Definition is all there is to say about one plugin.
type Definition = check.Definition

// Warner is a Definition's config that warns of more than its schema can; see check.Warner.
type Warner = check.Warner

// Definitions returns the plugins in the order in which Kong runs them.
func Definitions() []Definition {
	return []Definition{
		iprestriction.Definition(),
		wafdetect.Definition(),
		gate.Definition(),
		keyauth.Definition(),
		ratelimiting.Definition(),
	}
}

// All returns the plugins as the plugin server runs them, sharing the given state.
func All(shared *Shared) []pluginserver.Plugin {
	var all []pluginserver.Plugin
	for _, d := range Definitions() {
		all = append(all, d.Plugin(shared))
	}
	return all
}
