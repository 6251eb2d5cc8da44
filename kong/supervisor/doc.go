// Package supervisor keeps Kong's connections alive while the process that serves them
// dies, hangs or is replaced, so that no request fails.
//
// The supervisor owns the listening socket. It accepts each connection, keeps a duplicate
// of it, and passes it to the worker, a child process, which serves it directly: no event
// passes through the supervisor. In memory that both share the worker notes whether a
// connection is idle or in mid-event. When the worker dies, a new one goes on with the idle
// connections; those in mid-event are closed softly, and Kong asks again. Commands that
// are no events (a new instance above all, which Kong does not ask for twice) are read
// and answered by the supervisor itself, with the worker's help, so that neither the
// command nor its answer can be lost; it tells each new worker which instances there are.
//
// A worker waits for its connections with an epoll of its own and runs an event where it
// learns of it, see loop; a handler that takes long holds up nobody. One restriction comes
// with it: a handler that asks Kong something must not have locked its thread
// (runtime.LockOSThread).
//
// While there is no worker, events wait for the next one, which takes milliseconds. An event
// that ends workers is found out: what was under way at a death is tried alone, in a worker
// of its own, and what ends that one too is answered by the plugin's failure policy, see
// quarantine. Only if no worker gets ready or handles anything for Timing.Fallback, the
// supervisor answers every event by that policy. It runs no other code of a plugin's, so it
// is not expected to die; if it does, its workers die with it, and Kong answers 500 until
// it is back.
//
// The supervisor watches over the path that Kong connects to, see owner.
//
// It needs Linux: memfd, SOCK_SEQPACKET, epoll, and the signal at a parent's death.
package supervisor
