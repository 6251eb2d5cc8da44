// Package attack is the engine that finds attacks in HTTP requests: Request in, Report out.
//
// Attacks change the structure of the language they are injected into. So the engine finds
// every value of a request, undoes every encoding, and asks of each language whether the
// value, read in a context where data was expected, is code. There is no list of strings.
//
// # A request's way
//
// A session walks the request, reads each value in every way, judges each reading, and sums
// up (session.go):
//
//  1. Header lines that are known to be harmless, byte for byte, are left out. (headers.go,
//     package known)
//  2. extract.Walker takes the request apart and hands out leaves: each value and each
//     name, with its place; the target, headers and cookies before the body. (session.leaf)
//  3. Names that are known to be harmless end here (package known). Of all others the byte
//     classes and telling pairs of bytes are found in one pass (value.Look). They decide
//     which languages could be meant (languages.go), and which decoders could change
//     anything (decode.Possible). For most leaves both answers are "none", and that was
//     all; short texts that are known to be harmless end here too.
//  4. reading.Reader makes all readings of the text: as it came, and with percent signs,
//     entities, escapes, look-alikes, base64, ... undone. Where one is a container (JSON in a
//     form field, a form in base64), its leaves go the same way from step 3.
//  5. Each language that could be meant judges the reading and returns a value.Match.
//     (session.judge) A short text of several words or lines is judged in fragments too: a
//     greeting or a bullet before a payload hides nothing. (undress.go)
//  6. weigh adjusts each confidence by what is known of the place and the text: some
//     headers have a grammar of their own, some texts are noise (weigh.go), some are about
//     attacks (mention.go).
//  7. Values of equal names are judged once more, joined as servers join them; and a query
//     or form in which a name looks like a piece of code is judged as a whole.
//     (parameters.go)
//  8. Findings that an exception names are dropped; the others are summed up to a score,
//     and the sensitivity's threshold makes a verdict of it. (finding.go)
//
// # Adding a language or a class
//
// A class is a row in detect's class table. A language is a package below this one that
// exports Possible and Judge (value.Match says what a confidence means), and a row in
// languages.go. Write its corpus of attacks, each beside its harmless twin, and add both to
// the matrix test, which tries them in every encoding and request shape.
//
// # Limits
//
// Everything that is read, by whom and how often ever, is counted (package work), and may be a
// constant times what was sent. A request that spends it all is an attack of the class
// protocol. A deadline, and a panic in a language, end no more than what was still to come:
// what was found decides, and the Report's Failure says what happened (failure.go). Limits
// on depth and rounds, here and in extract, make the Report say Truncated.
//
// A body that is too large to be held is walked to its end in windows. The content of files and
// the middle of long values behind what is held is passed over: the Report's Skipped says how
// much.
//
// A request in which sixteen leaves block it is not searched further: its verdict stands. The
// engine sees one request at a time: it does not know sessions, users or answers. It knows a value, not what the application does
// with it, so it cannot see attacks that are well-formed data: a wrong price, another
// user's id, a stolen token.
package attack
