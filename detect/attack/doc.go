// Package attack is the engine that finds attacks in HTTP requests: Request in, Report out.
//
// Attacks change the structure of the language they are injected into. So the engine finds
// every value of a request, undoes every encoding, and asks of each language whether the
// value, read in a context where data was expected, is code. There is no list of strings.
//
// # A request's way
//
//  1. Header lines that were found harmless before, byte for byte, are left out.
//     (clearedlines.go)
//  2. extract.Walker takes the request apart and hands out leaves: each value and each
//     name, with its place. (session.walk)
//  3. Names that were found harmless before end here (knownnames.go). Of all others the
//     byte classes and telling pairs of bytes are found in one pass (value.Look). They
//     decide which languages could be meant (possible.go), and which decoders could change
//     anything (decode.Possible). For most leaves both answers are "none", and that was
//     all; short texts that were found harmless before end here too (cleared.go).
//     (session.leaf)
//  4. Each language that could be meant judges the text and returns a value.Match.
//  5. decode.Forms makes the other readings of the text: percent, entities, escapes,
//     look-alikes, base64, ... Each is judged like the text itself.
//  6. Where a reading is a container (JSON in a form field, a form in base64), the walker
//     hands out its leaves, and they go the same way from step 3. (session.reading)
//  7. Values of equal names are judged once more, joined as servers join them; and a query
//     or form in which a name looks like a piece of code is judged as a whole.
//     (pollution.go)
//  8. What a text mentions rather than uses counts as suspicious only: a bug report may quote
//     an attack (mention.go, document.Talk). weigh adjusts each confidence by what is known
//     of the place and the text: some headers have a grammar of their own, some texts are
//     noise, some fields are for programs or prompts. (weigh.go, package place)
//  9. Findings that an exception names are dropped; the others are summed up to a score,
//     and the sensitivity's threshold makes a verdict of it. (finding.go)
//
// # Adding a language or a class
//
// A class is a row in detect's class table. A language is a package below this one that
// exports Possible and Judge (value.Match says what a confidence means), a row in
// languages.go, and a question in ask there. Write its corpus of attacks, each beside its harmless twin, and add both to
// the matrix test, which tries them in every encoding and request shape.
//
// # Limits
//
// Everything runs under budgets in bytes, values, depth and rounds, here and in extract;
// when one runs out the Report says Truncated. A request in which sixteen leaves block it is
// not searched further: its verdict stands. The engine sees one request at a time: it
// does not know sessions, users or answers. It knows a value, not what the application does
// with it, so it cannot see attacks that are well-formed data: a wrong price, another
// user's id, a stolen token.
package attack
