package reputation

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf8"
)

// MaxName is how long a consumer or a key may be named, in bytes.
const MaxName = 64

// kind tells what a Client is.
type kind uint8

const (
	kindNone kind = iota
	kindRange
	kindConsumer
	kindKey
)

// Client is who an entry is about. The zero value is nobody. Clients can be compared.
type Client struct {
	kind   kind
	prefix netip.Prefix
	name   string
}

// Range returns the clients with an address in the range.
func Range(p netip.Prefix) Client {
	if !p.IsValid() {
		return Client{}
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return Client{kind: kindRange, prefix: p.Masked()}
}

// Consumer returns the consumer with an id or username; nobody if it has none that fits.
func Consumer(name string) Client { return named(kindConsumer, name) }

// Key returns the caller with a credential's id; nobody if that does not fit.
func Key(id string) Client { return named(kindKey, id) }

func named(k kind, name string) Client {
	if name == "" || len(name) > MaxName {
		return Client{}
	}
	return Client{kind: k, name: name}
}

// The words before a client that has no address.
const (
	consumerWord = "consumer:"
	keyWord      = "key:"
)

var errClient = errors.New("write an address (203.0.113.9), a range (198.51.100.0/24, 2001:db8::/32), consumer:NAME or key:ID")

// Parse reads a client as String writes it. A range with bits set behind its length is refused.
func Parse(text string) (Client, error) {
	for word, k := range map[string]kind{consumerWord: kindConsumer, keyWord: kindKey} {
		name, ok := strings.CutPrefix(text, word)
		if !ok {
			continue
		}
		switch {
		case name == "" || !printable(name):
			return Client{}, fmt.Errorf("%q: no name behind %s", clip(text), word)
		case len(name) > MaxName:
			return Client{}, fmt.Errorf("%q...: the name is longer than %d bytes: write the id", clip(text), MaxName)
		}
		return named(k, name), nil
	}
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		return Range(netip.PrefixFrom(addr, addr.BitLen())), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return Client{}, fmt.Errorf("%q is no client: %w", clip(text), errClient)
	}
	if p != p.Masked() {
		return Client{}, fmt.Errorf("%q has bits set behind its length: write %s", clip(text), p.Masked())
	}
	return Range(p), nil
}

// String returns the client's text form: an address, a range, consumer:NAME, key:ID.
func (c Client) String() string {
	switch {
	case c.kind == kindConsumer:
		return consumerWord + c.name
	case c.kind == kindKey:
		return keyWord + c.name
	case c.kind == kindRange && c.prefix.IsSingleIP():
		return c.prefix.Addr().String()
	case c.kind == kindRange:
		return c.prefix.String()
	}
	return ""
}

// IsZero reports whether the client is nobody.
func (c Client) IsZero() bool { return c.kind == kindNone }

// Prefix returns the range of addresses, an invalid one if the client is a consumer or a key.
func (c Client) Prefix() netip.Prefix { return c.prefix }

// MarshalText implements encoding.TextMarshaler.
func (c Client) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Client) UnmarshalText(text []byte) error {
	parsed, err := Parse(string(text))
	if err == nil {
		*c = parsed
	}
	return err
}

// printable reports whether a text is valid UTF-8 without control characters.
func printable(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 }) < 0
}

// clip shortens what somebody else wrote, for an error text.
func clip(s string) string { return strings.ToValidUTF8(s[:min(len(s), 100)], "?") }
