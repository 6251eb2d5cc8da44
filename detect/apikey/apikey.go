// Package apikey knows API keys by their SHA-256 hashes: whom a presented key belongs to,
// without keeping any key.
//
// # Why a lookup by hash is safe
//
// A presented key is hashed, and the hash is looked up in a map. The map's comparison may
// stop at the first byte that differs, so its time can tell something about how far two
// hashes agree. That helps nobody: to steer the hash of a guess towards the hash of a key,
// byte by byte, an attacker would have to find preimages of chosen prefixes and would end
// with the hash, not the key. Hashing itself takes a time that depends on the length of the
// presented key only. What the map finds is compared again in constant time, and what it does
// not find is compared too, so that known and unknown keys do the same work.
//
// The hashes are not keyed with a secret of the process: it would lie in the same memory, and
// whoever can read that sees presented keys too.
//
// # Limits
//
// The hash is neither salted nor slow: a lookup must not cost a CPU second. So a stolen set
// of hashes protects keys that were drawn at random (128 bits and more), not passwords that
// people have thought of. No error text and no String method shows a key or a hash.
package apikey

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
)

// MaxKeyLength is the length in bytes beyond which a presented key is unknown without
// being hashed, and a configured key is refused.
const MaxKeyLength = 4096

// Credential is one key as it is configured: Key or KeySHA256, and whom it belongs to.
type Credential struct {
	// Key is the key itself; it is hashed and not kept.
	Key string
	// KeySHA256 is the SHA-256 of the key, 64 hexadecimal digits.
	KeySHA256 string
	Entry     Entry
}

// Entry is what is known about a key. It holds no secret.
type Entry struct {
	// ID identifies the credential, for logs and for the upstream. Optional.
	ID string
	// Consumer is the name of the consumer, ConsumerID its id. One of them is needed.
	Consumer   string
	ConsumerID string
	// NotBefore and Expires bound when the key is valid: from NotBefore on, and not at
	// Expires any more. A zero time is no bound.
	NotBefore, Expires time.Time
	// Scope is what the key may be used for; nil is everything.
	Scope *Scope
	// Tags are words about the key, such as "plan:gold".
	Tags []string
}

// Valid reports whether the key is valid at a time, and if not, whether it was before.
func (e *Entry) Valid(now time.Time) (valid, expired bool) {
	expired = !e.Expires.IsZero() && !now.Before(e.Expires)
	return !expired && (e.NotBefore.IsZero() || !now.Before(e.NotBefore)), expired
}

// Key is a key of a set.
type Key struct {
	Entry
	hash Hash
	used atomic.Int64 // Unix seconds
	uses atomic.Uint64
}

// String names the consumer only, so that printing a key does not show its hash.
func (k *Key) String() string { return fmt.Sprintf("key of consumer %q", k.Consumer) }

// GoString is String.
func (k *Key) GoString() string { return k.String() }

// Hash returns the SHA-256 of the key.
func (k *Key) Hash() Hash { return k.hash }

// Touch notes that the key was used.
func (k *Key) Touch(now time.Time) {
	k.uses.Add(1)
	if s := now.Unix(); k.used.Load() != s {
		k.used.Store(s)
	}
}

// TakeUses returns how often the key was used since it was asked last.
func (k *Key) TakeUses() uint64 { return k.uses.Swap(0) }

// Used returns when the key was used last, to the second, the zero time if it was not since it is known.
func (k *Key) Used() time.Time {
	if s := k.used.Load(); s != 0 {
		return time.Unix(s, 0).UTC()
	}
	return time.Time{}
}

// Hash is the SHA-256 of a key.
type Hash [sha256.Size]byte

// Set is a set of keys, immutable but for when they were used. The zero value and nil are
// empty sets. It is safe for concurrent use.
type Set struct {
	index map[Hash]int32
	keys  []Key
}

// New makes a set. The error is EntryErrors and names every credential that cannot be used;
// two credentials with the same key are an error, because only one could ever be found.
func New(credentials []Credential) (*Set, error) {
	s, bad := Collect(credentials)
	if bad != nil {
		return nil, bad
	}
	return s, nil
}

// Collect is New for keys that somebody else keeps in order: it makes a set of the credentials
// that can be used, and names the others.
func Collect(credentials []Credential) (*Set, EntryErrors) {
	s := &Set{index: make(map[Hash]int32, len(credentials)), keys: make([]Key, 0, len(credentials))}
	var places []int // of the keys
	var bad EntryErrors
	for i := range credentials {
		c := &credentials[i]
		h, err := c.sum()
		if err == nil {
			err = c.Entry.check()
		}
		if at, ok := s.index[h]; ok && err == nil {
			err = fmt.Errorf("has the same key as entry %d: a key can belong to one consumer only", places[at])
		}
		if err != nil {
			bad = append(bad, EntryError{Index: i, Err: err})
			continue
		}
		s.index[h] = int32(len(s.keys))
		s.keys, places = append(s.keys, Key{hash: h, Entry: c.Entry}), append(places, i)
	}
	return s, bad
}

// check refuses what could never be used.
func (e *Entry) check() error {
	switch {
	case e.Consumer == "" && e.ConsumerID == "":
		return errors.New("has no consumer: write whom the key belongs to")
	case !e.Expires.IsZero() && !e.NotBefore.Before(e.Expires):
		return errors.New("expires before it becomes valid")
	}
	return e.Scope.check()
}

// Inherit takes over when and how often keys were used from a set that this one replaces.
func (s *Set) Inherit(old *Set) {
	if s == nil || old == nil {
		return
	}
	for i := range s.keys {
		if at, ok := old.index[s.keys[i].hash]; ok {
			s.keys[i].used.Store(old.keys[at].used.Load())
			s.keys[i].uses.Store(old.keys[at].uses.Swap(0))
		}
	}
}

// Hashed returns the credential with the hash in the place of the key, for who keeps it longer
// than the key may be kept.
func Hashed(c Credential) Credential {
	if h, err := c.sum(); err == nil {
		c.Key, c.KeySHA256 = "", hex.EncodeToString(h[:])
	}
	return c
}

// sum returns the hash of the credential's key. Its errors do not repeat the key.
func (c *Credential) sum() (Hash, error) {
	switch {
	case c.Key != "" && c.KeySHA256 != "":
		return Hash{}, errors.New("has both key and key_sha256: write one of them")
	case len(c.Key) > MaxKeyLength:
		return Hash{}, fmt.Errorf("has a key longer than %d bytes", MaxKeyLength)
	case c.Key != "":
		return sha256.Sum256([]byte(c.Key)), nil
	case c.KeySHA256 == "":
		return Hash{}, errors.New("has no key: write key or key_sha256")
	}
	var h Hash
	if len(c.KeySHA256) != hex.EncodedLen(len(h)) {
		return Hash{}, fmt.Errorf("has a key_sha256 of %d characters: SHA-256 is 64 hexadecimal digits", len(c.KeySHA256))
	}
	if _, err := hex.Decode(h[:], []byte(c.KeySHA256)); err != nil {
		return Hash{}, errors.New("has a key_sha256 that is not hexadecimal")
	}
	return h, nil
}

// Search looks for a presented key in several sets and returns it as the first one has it, and
// which set that is; nil if it is in none. It is found exactly as presented: keys are bytes,
// with case and white space. The empty key is never known.
//
// Every presented key costs the same, known or not and wherever it is known: one hash, and one
// lookup and one comparison in each set.
func Search(sets []*Set, presented string) (key *Key, set int) {
	return search(sets, presented, nil)
}

// work counts what a search does.
type work struct{ hashed, lookups, compared int }

func search(sets []*Set, presented string, w *work) (found *Key, at int) {
	if presented == "" || len(presented) > MaxKeyLength {
		return nil, 0
	}
	var buf [256]byte // keeps the usual key off the heap
	h := Hash(sha256.Sum256(append(buf[:0], presented...)))
	if w != nil {
		w.hashed += len(presented)
	}
	for i, s := range sets {
		if key := s.find(&h, w); key != nil && found == nil {
			found, at = key, i
		}
	}
	return found, at
}

// find returns the key with the hash. What the map does not have is compared with a key of
// nobody.
func (s *Set) find(h *Hash, w *work) *Key {
	key := &nobody
	if s != nil {
		if i, ok := s.index[*h]; ok {
			key = &s.keys[i]
		}
	}
	equal := subtle.ConstantTimeCompare(key.hash[:], h[:]) == 1
	if w != nil {
		w.lookups++
		w.compared += len(h)
	}
	if !equal || key == &nobody {
		return nil
	}
	return key
}

var nobody Key

// Lookup returns the entry of a presented key; see Search.
func (s *Set) Lookup(presented string) (*Key, bool) {
	key, _ := Search([]*Set{s}, presented)
	return key, key != nil
}

// All calls yield for each key, in the order of the credentials.
func (s *Set) All(yield func(*Key) bool) {
	if s == nil {
		return
	}
	for i := range s.keys {
		if !yield(&s.keys[i]) {
			return
		}
	}
}

// Len returns the number of keys.
func (s *Set) Len() int {
	if s == nil {
		return 0
	}
	return len(s.keys)
}

// String says how many keys there are, so that printing a set shows none of them.
func (s *Set) String() string { return fmt.Sprintf("%d API keys", s.Len()) }

// GoString is String: %#v must not show hashes either.
func (s *Set) GoString() string { return s.String() }

// String names the consumer only, so that printing a credential does not show its key.
func (c Credential) String() string {
	return fmt.Sprintf("credential of consumer %q", c.Entry.Consumer)
}

// GoString is String: %#v must not show the key either.
func (c Credential) GoString() string { return c.String() }

// EntryError is a credential that cannot be used.
type EntryError struct {
	Index int // its place, from 0
	Err   error
}

// Error returns "[2]: reason", so that a caller may put the list's name in front.
func (e EntryError) Error() string { return fmt.Sprintf("[%d]: %v", e.Index, e.Err) }

// Unwrap returns the reason.
func (e EntryError) Unwrap() error { return e.Err }

// EntryErrors are all the credentials that cannot be used.
type EntryErrors []EntryError

// Error lists the first bad credentials and counts the rest.
func (e EntryErrors) Error() string {
	const listed = 10
	texts := make([]string, 0, listed+1)
	for i := range e {
		if i == listed {
			texts = append(texts, fmt.Sprintf("and %d more", len(e)-i))
			break
		}
		texts = append(texts, e[i].Error())
	}
	return strings.Join(texts, "; ")
}

// Unwrap lets errors.As find each EntryError.
func (e EntryErrors) Unwrap() []error {
	list := make([]error, len(e))
	for i := range e {
		list[i] = e[i]
	}
	return list
}
