package ratelimit

import (
	"crypto/sha256"
	"encoding/binary"
)

// Key is the keyed hash of an identifier. It is good for one table only.
type Key struct{ bucket, tag uint64 }

// Event is the keyed hash of what tells one event from all others, such as the id that the
// gateway gives a request and the id of the plugin. The zero Event is "not to be remembered".
type Event uint64

// Key returns the key of an identifier that is made of parts, such as a plugin id, a route
// and an address. ("a", "bc") and ("ab", "c") are different.
func (t *Table) Key(parts ...string) Key {
	sum := t.hash('k', parts)
	tag := binary.LittleEndian.Uint64(sum[8:]) >> 16
	return Key{bucket: binary.LittleEndian.Uint64(sum[:]) % t.buckets, tag: max(1, tag)}
}

// Event returns the fingerprint of an event.
func (t *Table) Event(parts ...string) Event {
	sum := t.hash('e', parts)
	return Event(max(1, binary.LittleEndian.Uint64(sum[:])))
}

// hash returns the SHA-256 of the table's secret, the kind and the parts, each with its
// length. The secret comes first: nobody sees the hash, so its length cannot be extended.
func (t *Table) hash(kind byte, parts []string) [sha256.Size]byte {
	var buf [256]byte // keeps the usual identifier off the heap
	b := append(append(buf[:0], t.secret[:]...), kind)
	for _, part := range parts {
		b = binary.LittleEndian.AppendUint64(b, uint64(len(part)))
		b = append(b, part...)
	}
	return sha256.Sum256(b)
}
