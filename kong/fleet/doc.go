// Package fleet brings the nodes that share a Redis together: the events of all of them are in
// one stream, which any node's console reads, and a client that one node puts on a list is
// on it everywhere. No request waits for Redis: each node decides by its own copy, and when Redis
// is away each goes on by itself, and they settle afterwards.
//
// # Lists
//
// A hash holds the newest change of every client, a capped stream tells of changes as they
// happen. A node publishes its own, follows the stream, and whenever it may have missed something
// (at the start, after an error) reads the whole hash and publishes what Redis does not know. The
// later change wins, by the clock of the node that made it; nodes' clocks should agree within
// a second or so. A removal stays in the hash for a week, so that nobody who was away brings the
// entry back.
//
// # Whom not to believe
//
// Whoever may write to the Redis may allow and deny anybody. What comes from there is bounded
// and checked like anything hostile, but not signed: give Redis a password and TLS.
package fleet
