package ratelimiting

import (
	"slices"
	"strings"

	"kongwaf/plugins/internal/facts"
)

// The values of limit_by.
const (
	byConsumer   = "consumer"
	byCredential = "credential"
	byIP         = "ip"
	byService    = "service"
	byHeader     = "header"
	byPath       = "path"

	maxParts = 6 // of what is counted together
)

// The values of fallback.
const (
	fallbackDeny = "deny"
	fallbackNone = "none"
)

// missing says why a request is not counted under anybody.
type missing uint8

const (
	missingNothing missing = iota
	missingAddress
	missingDenied
	missingUncounted
)

// callers tells who a request is counted as.
type callers struct {
	by           []string // all of them together
	fallback     string
	header, path string
	prefix       int // of IPv6 addresses
}

func (c *Config) callers() callers {
	by := c.LimitByAll
	if len(by) == 0 {
		by = []string{c.LimitBy}
	}
	return callers{by: by, fallback: c.Fallback, header: c.HeaderName, path: c.Path, prefix: c.IPv6Prefix}
}

func (c *callers) counts(by string) bool { return slices.Contains(c.by, by) }

func (c *callers) need() facts.Need {
	var n facts.Need
	if c.fallback != fallbackDeny && c.fallback != fallbackNone || c.counts(byIP) {
		n.Kinds |= facts.ClientIP
	}
	for _, by := range c.by {
		switch by {
		case byConsumer:
			n.Kinds |= facts.Consumer | facts.Credential
		case byCredential:
			n.Kinds |= facts.Credential
		case byService:
			n.Kinds |= facts.Service
		case byPath:
			n.Kinds |= facts.Path
		}
	}
	return n
}

// of appends what a request is counted under: for each part of which kind it is, and the
// part. Where one is not known the fallback decides.
func (c *callers) of(f *facts.Facts, who []string) ([]string, missing) {
	for _, by := range c.by {
		id := c.part(by, f)
		if id == "" {
			switch c.fallback {
			case fallbackDeny:
				return nil, missingDenied
			case fallbackNone:
				return nil, missingUncounted
			}
			if by, id = byIP, c.part(byIP, f); id == "" {
				return nil, missingAddress
			}
		}
		who = append(who, by, id)
	}
	return who, missingNothing
}

// part returns one part, empty if it is not known.
func (c *callers) part(by string, f *facts.Facts) string {
	switch by {
	case byConsumer:
		if f.Consumer.ID != "" {
			return f.Consumer.ID
		}
		return f.Credential
	case byCredential:
		return f.Credential
	case byService:
		return f.ServiceID
	case byHeader:
		return f.Header(c.header)
	case byPath:
		if f.Path == c.path {
			return c.path
		}
		return ""
	}
	return c.network(f.ClientIP)
}

// network returns the network that an IPv6 address is counted with, and other text as it is.
func (c *callers) network(text string) string {
	if c.prefix == 0 || c.prefix == 128 || !strings.Contains(text, ":") {
		return text
	}
	addr := facts.ParseIP(text)
	if !addr.Is6() || addr.Is4In6() {
		return text
	}
	network, err := addr.WithZone("").Prefix(c.prefix)
	if err != nil {
		return text // no prefix of 1 to 128 bits fails
	}
	return network.String()
}
