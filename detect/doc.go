// Package detect is the vocabulary that everything in this project shares: what a
// request is, which classes of attack there are, what was found where, and what a
// check concluded.
//
// It is a leaf: it imports nothing of ours, knows no Kong, no network, no logger and
// no clock. The engine that finds attacks is detect/attack; address sets, API keys and
// rate limits are its neighbours. Any Go server can use them without Kong.
package detect
