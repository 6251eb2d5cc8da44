// Package keyring knows where keys come from: a config, files, and Kong's own key-auth
// credentials through its Admin API. A Ring is the keys of one such place, as they are now.
//
// Only hashes are held in memory and written to disk. What is on disk decides who is let in
// while the place itself is away, so it is written for the owner's eyes only; whoever can write
// there can let himself in, as whoever can write the file of keys can.
package keyring

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"kongwaf/detect/apikey"
	"kongwaf/kong/admin"
	"kongwaf/plugins/internal/source"
)

// The names of places, for events; a file's is its path behind "file ".
const (
	InConfig = "config"
	InKong   = "kong"
	inFile   = "file "
)

// Ring is the keys of one place. It is safe for concurrent use.
type Ring struct {
	// Name is the place, as events name it.
	Name string
	set  *apikey.Set // of a config
	// Of a place that may change:
	now    func() time.Time
	open   func() (*source.Source[*apikey.Set], error)
	source atomic.Pointer[source.Source[*apikey.Set]]
	maxAge time.Duration // how long a place may be away; 0 is for ever

	mu    sync.Mutex // of trying to open
	tried time.Time
	err   error
}

// retry is how often a place is tried that could not be opened, such as a file that is not there.
const retry = 2 * time.Second

// Fixed returns the ring of a config.
func Fixed(set *apikey.Set) *Ring { return &Ring{Name: InConfig, set: set} }

// Set returns the keys as they are now. An error says that they are not known, so that a key
// which is not in the set may be a good one all the same.
func (r *Ring) Set() (*apikey.Set, error) {
	if r.open == nil {
		return r.set, nil
	}
	from := r.source.Load()
	if from == nil {
		var err error
		if from, err = r.tryOpen(); err != nil {
			return nil, err
		}
	}
	set, ok := from.Get()
	if !ok {
		return nil, fmt.Errorf("the keys of %s are not known yet: %w", r.Name, why(from.Status()))
	}
	if r.maxAge > 0 {
		if status := from.Status(); status.Age(r.now()) > r.maxAge {
			return nil, fmt.Errorf("the keys of %s are older than allowed, %s: %w", r.Name, status.Age(r.now()).Round(time.Second), why(status))
		}
	}
	return set, nil
}

var errWaiting = errors.New("there is no answer so far")

// why returns what keeps a place from being known.
func why(s source.Status) error {
	if s.Err != nil {
		return s.Err
	}
	return errWaiting
}

// Status returns how the place stands; ok is false for a config.
func (r *Ring) Status() (status source.Status, ok bool) {
	if r.open == nil {
		return status, false
	}
	if from := r.source.Load(); from != nil {
		return from.Status(), true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return source.Status{Name: r.Name, Problem: source.Away, Err: r.err}, true
}

// tryOpen opens the place, now and then.
func (r *Ring) tryOpen() (*source.Source[*apikey.Set], error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if from := r.source.Load(); from != nil {
		return from, nil
	}
	if now := r.now(); r.tried.IsZero() || now.Sub(r.tried) >= retry {
		r.tried = now
		from, err := r.open()
		if err == nil {
			r.source.Store(from)
			return from, nil
		}
		r.err = err
	}
	return nil, fmt.Errorf("the keys of %s are not known: %w", r.Name, r.err)
}

// Admin says how Kong's own credentials are read.
type Admin struct {
	admin.Settings
	// Interval is the time between two readings.
	Interval time.Duration
	// MaxAge is how long the last good copy counts while the Admin API is away; 0 is for ever.
	MaxAge time.Duration
}

// Registry hands out rings. Its fields are set before the first use; it is safe for concurrent
// use.
type Registry struct {
	Sources *source.Registry
	Now     func() time.Time
	Logger  *slog.Logger
	// Admin is nil where the process has not been told of an Admin API.
	Admin *Admin

	mu   sync.Mutex
	kong *Ring
	live liveRings
}

// maxFile is how long a file of keys may be, in bytes.
const maxFile = 64 << 20

// File returns the ring of a file. An error says what is wrong with the path, or, where configs
// are only checked, with the file; one that is merely not there yet is tried again.
func (r *Registry) File(path string) (*Ring, error) {
	if strings.Contains(path, "://") {
		return nil, fmt.Errorf("%q is a URL: write the path of a file", path)
	}
	if err := source.CheckLocation(path); err != nil {
		return nil, err
	}
	ring := &Ring{Name: inFile + path, now: r.Now}
	ring.open = func() (*source.Source[*apikey.Set], error) {
		return source.Open(r.Sources, source.Settings{Name: ring.Name, Location: path, MaxBytes: maxFile}, source.Format[*apikey.Set]{
			Name:    "keys",
			Parse:   func(text []byte) (*apikey.Set, error) { return ParseFile(text, written(path, r.Now)) },
			Refuse:  inherit,
			Count:   (*apikey.Set).Len,
			Save:    writeHashed,
			Restore: readHashed,
		})
	}
	if _, err := ring.tryOpen(); err != nil && r.Sources.Offline {
		return nil, ring.err
	}
	return ring, nil
}

// written returns when a file was.
func written(path string, now func() time.Time) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return now()
	}
	return info.ModTime()
}

// inherit hands on when keys were used. It refuses nothing.
func inherit(old, next *apikey.Set) error {
	next.Inherit(old)
	return nil
}

// Kong returns the ring of Kong's own credentials, nil if the process has not been told of an
// Admin API.
func (r *Registry) Kong() (*Ring, error) {
	if r.Admin == nil || r.Sources.Offline {
		return nil, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kong != nil {
		return r.kong, nil
	}
	client, err := admin.New(r.Admin.Settings)
	if err != nil {
		return nil, fmt.Errorf("admin_api.%w", err)
	}
	if client.Plain() && r.Logger != nil {
		r.Logger.Warn("admin_api.url is http over the network: keys can be read on their way; write https, or a Unix socket")
	}
	reader := kongReader{client: client, registry: r, expires: map[string]time.Time{}}
	ring := &Ring{Name: InKong, now: r.Now, maxAge: r.Admin.MaxAge}
	ring.open = func() (*source.Source[*apikey.Set], error) {
		return source.Open(r.Sources, source.Settings{
			Name: ring.Name, Location: locationOf(r.Admin.URL), Interval: r.Admin.Interval, Timeout: r.Admin.Timeout, MaxBytes: maxKong,
		}, source.Format[*apikey.Set]{
			Name:   "kong keys",
			Parse:  readHashed,
			Refuse: inherit,
			Count:  (*apikey.Set).Len,
			Fetch:  reader.fetch,
		})
	}
	_, _ = ring.tryOpen()
	r.kong = ring
	return ring, nil
}

// maxKong bounds the copy of Kong's credentials, in bytes: admin.MaxCredentials of them.
const maxKong = 512 << 20

// locationOf returns the Admin API's address as a source has it: one on a Unix socket has a URL
// of its own.
func locationOf(address string) string {
	if socket, ok := strings.CutPrefix(address, "unix://"); ok {
		return (&url.URL{Scheme: "http", Host: "unix", Path: socket}).String()
	}
	return address
}

// kongReader reads Kong's credentials. The source calls it from one goroutine at a time.
type kongReader struct {
	client   *admin.Client
	registry *Registry
	expires  map[string]time.Time // of credentials that end, by id
	skipped  int                  // how many could not be used, when that was said last
}

// jitter is by how much "still so many seconds", asked for twice, may differ.
const jitter = 2 * time.Second

// fetch is a source's Fetch. It returns hashes; no key outlives its page. A source's version has
// two words, and so has Kong's mark.
func (k *kongReader) fetch(ctx context.Context, _ *source.Client, since source.Version) ([]byte, source.Version, error) {
	var list []apikey.Credential
	expires := map[string]time.Time{}
	mark, changed, err := k.client.KeyAuths(ctx, admin.Mark{ETag: since.ETag, Config: since.LastModified}, k.registry.Now(), func(c admin.KeyAuth) {
		if !c.Expires.IsZero() {
			if before, ok := k.expires[c.ID]; ok && before.Sub(c.Expires).Abs() <= jitter {
				c.Expires = before
			}
			expires[c.ID] = c.Expires
		}
		one := apikey.Credential{Key: c.Key, Entry: apikey.Entry{ID: c.ID, ConsumerID: c.ConsumerID, Expires: c.Expires, Tags: goodTags(c.Tags)}}
		list = append(list, apikey.Hashed(one))
	})
	switch {
	case err != nil:
		return nil, source.Version{}, err
	case !changed:
		return nil, source.Version{}, source.ErrUnchanged
	}
	k.expires = expires
	set, bad := apikey.Collect(list)
	if len(bad) != k.skipped && k.registry.Logger != nil {
		k.registry.Logger.Warn("credentials in Kong that cannot be used are left out", "number", len(bad))
	}
	k.skipped = len(bad)
	text, err := writeHashed(set)
	return text, source.Version{ETag: mark.ETag, LastModified: mark.Config}, err
}

func goodTags(tags []string) []string {
	var good []string
	for _, tag := range tags {
		if goodTag(tag) {
			good = append(good, tag)
		}
	}
	return good
}

// ErrNoAdmin says that a config wants Kong's own credentials of a process that cannot read them.
var ErrNoAdmin = errors.New("the server has no Admin API to read them from: set admin_api.url in the settings of kong-waf serve, or KONG_WAF_ADMIN_API_URL")
