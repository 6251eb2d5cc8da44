package reputation

import (
	"fmt"
	"time"
)

// List is a list that a client is on. The text forms are part of the machine formats.
type List uint8

// The lists. Where entries of several lists hold for a client, allow comes before deny, and
// deny before grey, however long the ranges are.
const (
	None  List = iota
	Grey       // suspicious: attacks of it are refused where those of others are only reported
	Deny       // refused
	Allow      // never refused, only reported
	lists
)

var listNames = [lists]string{"none", "grey", "deny", "allow"}

// ParseList returns the list with a name.
func ParseList(name string) (List, error) {
	for l := None + 1; l < lists; l++ {
		if listNames[l] == name {
			return l, nil
		}
	}
	return None, fmt.Errorf("%q is no list: write allow, deny or grey", clip(name))
}

// String returns the list's name.
func (l List) String() string { return listNames[min(l, lists-1)] }

// MarshalText implements encoding.TextMarshaler.
func (l List) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. It knows "none" too.
func (l *List) UnmarshalText(text []byte) (err error) {
	if *l = None; string(text) != listNames[None] {
		*l, err = ParseList(string(text))
	}
	return err
}

// Bounds on an entry's texts, in bytes.
const (
	MaxReason = 128
	MaxNode   = 32
)

// Entry is one client on one list.
type Entry struct {
	Client Client `json:"client"`
	List   List   `json:"list"`
	// Reason is why: a person's words, or what the client did.
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"`
	// Until is when it ends; the zero time is never.
	Until time.Time `json:"until,omitzero"`
	// Manual says that a person wrote it.
	Manual bool `json:"manual"`
	// Node is where it was made, at most MaxNode bytes of it.
	Node string `json:"node,omitempty"`
	// Changed is when it was made or changed, on that node's clock.
	Changed time.Time `json:"changed"`
	// Level is how often the client has been listed, less what time has made good.
	Level int `json:"level,omitempty"`
}

// Validate refuses what cannot be kept. The error names the field.
func (e *Entry) Validate() error {
	switch {
	case e.Client.IsZero():
		return fmt.Errorf("client: missing: %w", errClient)
	case e.List == None || e.List >= lists:
		return fmt.Errorf("list: missing: write allow, deny or grey")
	case len(e.Reason) > MaxReason:
		return fmt.Errorf("reason: longer than %d bytes", MaxReason)
	case !printable(e.Reason):
		return fmt.Errorf("reason: not plain text: no control characters, no line breaks")
	case !printable(e.Node):
		return fmt.Errorf("node: not plain text")
	case e.List == Allow && !e.Manual:
		return fmt.Errorf("list: only people allow")
	case !e.Manual && e.Until.IsZero():
		return fmt.Errorf("until: missing: what nobody wrote must end")
	case !e.Until.IsZero() && !e.Until.After(e.Since):
		return fmt.Errorf("until: not after since")
	}
	return nil
}

// holds reports whether the entry holds at a time.
func (e *Entry) holds(now time.Time) bool {
	return e.List != None && (e.Until.IsZero() || now.Before(e.Until))
}
