package lists

import (
	"errors"
	"fmt"
	"time"

	"kongwaf/detect/reputation"
)

// Bounds on what another node may say.
const (
	maxAhead     = 5 * time.Minute     // of its clock
	maxAutomatic = 32 * 24 * time.Hour // of an automatic entry
)

// Apply takes over a change that another node made, unless something later is known of the
// client. What no node of ours would say is refused: whoever writes to what nodes share is not
// to be believed more than that.
func (k *Keeper) Apply(c Change) error {
	now := k.opt.Now()
	if c.Client.IsZero() {
		return errors.New("client: missing")
	}
	if c.Changed.IsZero() || c.Changed.After(now.Add(maxAhead)) {
		return fmt.Errorf("changed: %v cannot be", c.Changed)
	}
	if c.Over(now) {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	known, have := k.opt.Table.Get(now, c.Client)
	if at := k.removed[c.Client]; !at.Before(c.Changed) || have && known.Changed.UnixMilli() >= c.Changed.UnixMilli() {
		return nil
	}
	if c.List == reputation.None {
		if have && known.Manual || c.Manual {
			k.opt.Table.Remove(now, c.Client)
			k.remember(c.Client, c.Changed)
		}
		return nil
	}
	e := c.Entry
	if e.Node == "" {
		e.Node = "unknown"
	}
	e.Level = min(max(e.Level, 0), 60)
	if err := k.credible(&e, now); err != nil {
		return err
	}
	if have && !known.Manual && !e.Manual && (known.List > e.List || known.List == e.List && !known.Until.Before(e.Until)) {
		return nil // what is known here is stricter
	}
	return k.opt.Table.Put(now, e)
}

// credible refuses an entry that neither a person nor a rule makes.
func (k *Keeper) credible(e *reputation.Entry, now time.Time) error {
	if err := e.Validate(); err != nil {
		return err
	}
	if e.Manual {
		if wide(e.Client) {
			return fmt.Errorf("client: %v %w", e.Client, ErrWide)
		}
		return nil
	}
	p := e.Client.Prefix()
	switch {
	case e.Until.After(now.Add(maxAutomatic)):
		return fmt.Errorf("until: %v is too far", e.Until)
	case p.IsValid() && (p.Addr().Is4() && p.Bits() < 32 || p.Addr().Is6() && p.Bits() < 16):
		return fmt.Errorf("client: %v: rules list clients, no ranges", e.Client)
	case p.IsValid() && k.opt.Rules.Exempt.Contains(p.Addr()):
		return fmt.Errorf("client: %v is exempt here", e.Client)
	}
	return nil
}

// Changes returns all that is known here, for others who may not know it: entries and
// removals.
func (k *Keeper) Changes() (all []Change) {
	for _, e := range k.Entries() {
		all = append(all, Change{e})
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for c, at := range k.removed {
		all = append(all, Change{reputation.Entry{Client: c, Manual: true, Since: at, Changed: at, Node: k.opt.Node}})
	}
	return all
}
