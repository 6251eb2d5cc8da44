// Package suggest reads recorded events and says what would silence those that look like
// false positives: presets, expectations or exceptions, the harshest mode that is then safe,
// and what each of these would let through.
//
// Events alone prove nothing. What the package goes by is who sent them: a false positive is
// what many clients that attack nowhere else send to one place, on several days, again and
// again; an attack is what one client tries at many places. The thresholds are Rules. Whoever
// has enough addresses, patience and restraint can look like a false positive, which is why
// every suggestion carries its evidence and its price, why classes that no ordinary client
// sends are only ever doubtful, and why nothing is applied by itself.
//
// All of an event is an attacker's text, names of places included: who prints a report must
// escape it for where it stands.
package suggest
