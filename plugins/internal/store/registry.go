package store

import (
	"runtime"
	"sync"
	"weak"

	"kongwaf/internal/redisclient"
)

// Registry hands out stores: the same one to all who want the same settings, so that
// connections and what is known of Redis are shared by the instances of a plugin, which come
// and go. A store that nobody holds any more is closed. The zero value is ready; it is safe
// for concurrent use.
type Registry struct {
	mu     sync.Mutex
	stores map[redisclient.Settings]weak.Pointer[Store]
}

// Store returns the store for the settings.
func (r *Registry) Store(s redisclient.Settings) (*Store, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known := r.stores[s].Value(); known != nil {
		return known, nil
	}
	store, err := open(s)
	if err != nil {
		return nil, err
	}
	if r.stores == nil {
		r.stores = map[redisclient.Settings]weak.Pointer[Store]{}
	}
	pointer := weak.Make(store)
	r.stores[s] = pointer
	runtime.AddCleanup(store, func(inner *shared) {
		go func() { // not to hold up other cleanups
			inner.settle()
			inner.close()
		}()
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.stores[s] == pointer {
			delete(r.stores, s)
		}
	}, store.shared)
	return store, nil
}

// GiveBack gives back the shares of all stores: for a process that serves no longer.
func (r *Registry) GiveBack() {
	r.mu.Lock()
	var stores []*Store
	for _, known := range r.stores {
		if store := known.Value(); store != nil {
			stores = append(stores, store)
		}
	}
	r.mu.Unlock()
	for _, store := range stores {
		store.settle()
	}
}
