// Package ratelimit counts calls in fixed calendar windows (second, minute, hour, day,
// month, year; UTC, as Kong's policy "local"), in sliding windows, or by GCRA; see [Shape].
// Several limits at once, all or nothing. A limit of N admits exactly N calls in a window,
// at any concurrency. A refused call counts nothing. Time is passed in.
//
// # Where the counters live
//
// A [Table] lies in a fixed piece of memory: ordinary memory ([New]), or memory that several
// processes have mapped ([Open]), so that counters survive the death of a worker process.
// It is changed by single atomic operations only. No lock exists that a dead process could
// hold: whoever finds an operation half done completes it.
//
// The table is an array of slots of one cache line, in buckets of 64. A caller's identifier
// is hashed with a secret of the table (SHA-256, first 128 bits): some bits choose the
// bucket, 48 bits are kept to tell identifiers apart. So two of a million identifiers share
// a counter with a probability of about one in 10^8, and nobody outside can bring it about.
//
// A slot holds an intent word and one counter for each period. The intent of a slot at rest
// is the second of its last call; the windows of all its counters follow from that. A call
// reads the slot, decides, writes what it wants to do into a journal cell (the counters' new
// values, which windows have ended), and then swaps the intent for a pointer to that cell. This one
// compare-and-swap is the decision: before it nothing has been counted, after it everything
// will be, by the caller or by whoever comes next. A sequence number in the intent and in
// the counters makes sure that nothing is applied twice.
//
// # Memory
//
// The size is fixed when the table is made: 128 bytes for each client that is to be tracked,
// half of the slots being kept free on average. Slots whose windows have ended are reused
// first; a sliding window or a GCRA level is taken to have ended when the calendar's has.
// If a bucket is full of windows that still run, the one that ends soonest is
// dropped, and counted in [Stats]: its client starts afresh. With a table made for n
// clients this practically does not happen before n are tracked.
//
// # Crashes, and events that are repeated
//
// A worker may die at any instruction, and the gateway then repeats the event that it was
// working on. An [Event] given to Allow is remembered until Done. Guaranteed, if the memory
// survives and the repeated event comes within two minutes with the same fingerprint:
//
//   - an event that was counted before the crash is admitted again and not counted again;
//   - an event that was not counted before the crash is judged and counted as if new;
//   - never is an event counted in some of its windows and not in others.
//
// Not guaranteed:
//
//   - An event that was counted and is never repeated stays counted.
//   - An event that was refused is not remembered; repeated, it is judged again and may be
//     admitted if its window has ended meanwhile.
//   - Two calls of Allow with the same event at the same time (not: one after the other) may
//     both be counted.
//   - If more events are between Allow and Done than the journal has room for ([Events] in
//     all, fewer if they crowd), the oldest are forgotten and would be counted twice.
//     Stats.Forgotten says how often.
//   - A process that dies between taking a journal cell and its compare-and-swap, a few
//     instructions, loses that cell until the memory is made anew.
//   - Memory that something else writes to. Garbage in it can cause wrong verdicts or
//     ErrContended, but no panic and no endless loop.
//
// # Clocks
//
// Processes share one clock. A call up to five minutes older than the last one of its slot
// is counted in the windows of that last call; if it is older than that, the clock is taken
// to have been set back, and all windows begin anew.
package ratelimit
