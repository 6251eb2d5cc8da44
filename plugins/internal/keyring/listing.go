package keyring

import (
	"cmp"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
	"weak"

	"kongwaf/detect/apikey"
	"kongwaf/kong/metrics"
)

// Listing is what a running server knows of keys: no key, no hash.
type Listing struct {
	Written time.Time     `json:"written"`
	Sources []ListedPlace `json:"sources"`
	Keys    []ListedKey   `json:"keys"`
	// More is how many keys were left out, for there are too many to list.
	More int `json:"more,omitempty"`
}

// ListedPlace is a place where keys are known from.
type ListedPlace struct {
	Name    string    `json:"name"`
	Keys    int       `json:"keys"`
	Checked time.Time `json:"checked,omitzero"` // when its keys were last known to be the newest
	Problem string    `json:"problem,omitempty"`
}

// ListedKey is a key.
type ListedKey struct {
	ID        string    `json:"id"`
	Consumer  string    `json:"consumer"` // a username, or an id
	Source    string    `json:"source"`
	NotBefore time.Time `json:"not_before,omitzero"`
	Expires   time.Time `json:"expires,omitzero"`
	Scoped    bool      `json:"scoped,omitempty"`
	Used      time.Time `json:"used,omitzero"` // since the worker started
}

// maxListed is how many keys a listing has. Places come in the order of their names, so a large
// one does not push a small one out unless it stands before it.
const maxListed = 10_000

// liveRings are the rings that plugins hold.
type liveRings struct {
	mu    sync.Mutex
	rings []weak.Pointer[Ring]
}

// Use notes that a plugin holds rings.
func (r *Registry) Use(rings []*Ring) {
	r.live.mu.Lock()
	defer r.live.mu.Unlock()
	for _, ring := range rings {
		if p := weak.Make(ring); !slices.Contains(r.live.rings, p) {
			r.live.rings = append(r.live.rings, p)
		}
	}
}

// held returns the rings that are still held.
func (r *Registry) held() []*Ring {
	r.live.mu.Lock()
	defer r.live.mu.Unlock()
	var held []*Ring
	r.live.rings = slices.DeleteFunc(r.live.rings, func(p weak.Pointer[Ring]) bool {
		ring := p.Value()
		if ring != nil {
			held = append(held, ring)
		}
		return ring == nil
	})
	slices.SortStableFunc(held, func(a, b *Ring) int { return cmp.Compare(a.Name, b.Name) })
	return held
}

// Listing returns what is known of the keys that plugins hold.
func (r *Registry) Listing() Listing {
	l := Listing{Written: r.Now().UTC(), Sources: []ListedPlace{}, Keys: []ListedKey{}}
	type listed struct{ source, id string }
	seen := map[listed]bool{}
	places := map[*apikey.Set]bool{}
	for _, ring := range r.held() {
		set, err := ring.Set()
		if set != nil && places[set] {
			continue // several instances of a plugin share it
		}
		places[set] = set != nil
		place := ListedPlace{Name: ring.Name, Keys: set.Len()}
		if status, ok := ring.Status(); ok {
			place.Checked = status.Checked
			if status.Err != nil {
				err = cmp.Or(err, status.Err)
			}
		}
		if err != nil {
			place.Problem = err.Error()
		}
		l.Sources = append(l.Sources, place)
		for key := range set.All {
			if seen[listed{ring.Name, key.ID}] {
				continue
			}
			if len(l.Keys) >= maxListed {
				l.More++
				continue
			}
			seen[listed{ring.Name, key.ID}] = true
			l.Keys = append(l.Keys, ListedKey{
				ID: key.ID, Consumer: cmp.Or(key.Consumer, key.ConsumerID), Source: ring.Name,
				NotBefore: key.NotBefore, Expires: key.Expires, Scoped: !key.Scope.Empty(), Used: key.Used(),
			})
		}
	}
	return l
}

// ListingFile is the listing's name in the data folder.
const ListingFile = "keys.json"

// publishEvery is how often the listing is written, and uses are counted.
const publishEvery = 5 * time.Second

// Publish writes the listing to the folder, for the console and kong-waf keys list, and counts uses
// in the metrics, now and then until ctx ends. Without a folder it only counts.
func (r *Registry) Publish(ctx context.Context, folder string, numbers *metrics.Table) {
	tick := time.NewTicker(publishEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			r.PublishOnce(folder, numbers)
		case <-ctx.Done():
			return
		}
	}
}

// PublishOnce is one turn of Publish.
func (r *Registry) PublishOnce(folder string, numbers *metrics.Table) {
	held := r.held()
	if len(held) == 0 {
		return
	}
	r.count(held, numbers)
	if folder == "" {
		return
	}
	if err := writeListing(folder, r.Listing()); err != nil && r.Logger != nil {
		r.Logger.Warn("the list of keys was not written", "error", err)
	}
}

// maxCounted is how many keys a place may have for each to be counted by itself: a time series a
// key is for those who look at each of them.
const maxCounted = 32

// count adds what was used since the last time to the metrics.
func (r *Registry) count(held []*Ring, numbers *metrics.Table) {
	for _, ring := range held {
		set, err := ring.Set()
		if err != nil {
			continue
		}
		for key := range set.All {
			uses := key.TakeUses()
			if uses == 0 {
				continue
			}
			id := key.ID
			if set.Len() > maxCounted {
				id = ""
			}
			numbers.Number(metrics.KeyRequests, ring.Name, id).Add(uses)
		}
	}
}

func writeListing(folder string, l Listing) error {
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(folder, ListingFile+".new-*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(folder, ListingFile))
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// ReadListing reads what Publish has written to a folder.
func ReadListing(folder string) (Listing, error) {
	var l Listing
	text, err := os.ReadFile(filepath.Join(folder, ListingFile))
	if err != nil {
		return l, err
	}
	return l, json.Unmarshal(text, &l)
}
