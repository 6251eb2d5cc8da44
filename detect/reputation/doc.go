// Package reputation keeps, per client, what has been found out about it: the lists allow,
// deny and grey. People write entries; and clients who attack, guess keys or run into limits
// become automatic ones, for a time that doubles. Time is passed in.
//
// A client is an address (an IPv6 network of a length that [Rules] say, for who has one
// address has a network), any range that a person writes, a consumer, or a key.
//
// # Where it lives
//
// A [Table] lies in a fixed piece of memory: ordinary memory ([New]), or memory that several
// processes have mapped. One process writes ([Open]), any number read ([Read]) without a
// lock: each slot has a sequence number that is odd while the slot is written, and who reads
// such a slot reads again. A writer that dies in the middle leaves one slot that nobody can
// read, until the next writer clears it.
//
// # Memory
//
// The size is fixed: [Size] bytes for a number of clients. A client falls, by a hash with a
// secret of the table, into a bucket of 16 slots. When a bucket is full, a new one takes the
// place of
//
//  1. who is on no list (any more), those that never were on one first, then the one that was
//     quiet the longest;
//  2. and only if the new one is itself put on a list: the automatic grey entry that ends
//     soonest, then the automatic deny entry that ends soonest.
//
// What a person has written is never displaced. So somebody with a great many addresses can
// make the table forget who has struck once or twice; he does not free a denied client by it,
// unless by having so many of his own addresses denied, and then those end last. [Stats] count both.
//
// # Whom not to believe
//
// An address is the attacker's only if nobody else has it. Behind a proxy that the gateway
// does not know (trusted_ips) all clients have the proxy's address; with trusted_ips that are
// too wide the client writes its own; behind a shared address somebody attacks so that all
// are refused; and a web page makes its visitors' browsers send attacks. So rules deny nobody
// unless they are told to, list no address of [Rules.Exempt], and what a request was not refused
// for never leads to more than grey.
package reputation
