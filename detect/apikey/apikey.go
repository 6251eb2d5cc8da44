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
// presented key only. The one entry that the map finds is compared again in constant time,
// so that the verdict does not rest on the map's hash function.
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
}

// Set is an immutable set of keys. The zero value and nil are empty sets. It is safe for
// concurrent use.
type Set struct {
	entries map[hash]stored
}

type hash [sha256.Size]byte

type stored struct {
	hash  hash
	entry Entry
}

// New makes a set. The error is EntryErrors and names every credential that cannot be used;
// two credentials with the same key are an error, because only one could ever be found.
func New(credentials []Credential) (*Set, error) {
	s := &Set{entries: make(map[hash]stored, len(credentials))}
	places := make(map[hash]int, len(credentials))
	var bad EntryErrors
	for i := range credentials {
		c := &credentials[i]
		h, err := c.sum()
		if err == nil && c.Entry.Consumer == "" && c.Entry.ConsumerID == "" {
			err = errors.New("has no consumer: write whom the key belongs to")
		}
		if err == nil {
			if first, ok := places[h]; ok {
				err = fmt.Errorf("has the same key as entry %d: a key can belong to one consumer only", first)
			} else {
				places[h] = i
				s.entries[h] = stored{hash: h, entry: c.Entry}
			}
		}
		if err != nil {
			bad = append(bad, EntryError{Index: i, Err: err})
		}
	}
	if bad != nil {
		return nil, bad
	}
	return s, nil
}

// sum returns the hash of the credential's key. Its errors do not repeat the key.
func (c *Credential) sum() (hash, error) {
	switch {
	case c.Key != "" && c.KeySHA256 != "":
		return hash{}, errors.New("has both key and key_sha256: write one of them")
	case len(c.Key) > MaxKeyLength:
		return hash{}, fmt.Errorf("has a key longer than %d bytes", MaxKeyLength)
	case c.Key != "":
		return sha256.Sum256([]byte(c.Key)), nil
	case c.KeySHA256 == "":
		return hash{}, errors.New("has no key: write key or key_sha256")
	}
	var h hash
	if len(c.KeySHA256) != hex.EncodedLen(len(h)) {
		return hash{}, fmt.Errorf("has a key_sha256 of %d characters: SHA-256 is 64 hexadecimal digits", len(c.KeySHA256))
	}
	if _, err := hex.Decode(h[:], []byte(c.KeySHA256)); err != nil {
		return hash{}, errors.New("has a key_sha256 that is not hexadecimal")
	}
	return h, nil
}

// Lookup returns the entry of a presented key, exactly as presented: keys are bytes, with
// case and white space. The empty key is never known.
func (s *Set) Lookup(presented string) (Entry, bool) {
	if s == nil || presented == "" || len(presented) > MaxKeyLength {
		return Entry{}, false
	}
	var buf [256]byte // keeps the usual key off the heap
	h := hash(sha256.Sum256(append(buf[:0], presented...)))
	found, ok := s.entries[h]
	if !ok || subtle.ConstantTimeCompare(found.hash[:], h[:]) != 1 {
		return Entry{}, false
	}
	return found.entry, true
}

// Len returns the number of keys.
func (s *Set) Len() int {
	if s == nil {
		return 0
	}
	return len(s.entries)
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
