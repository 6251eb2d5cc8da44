package value

// Traits is the set of byte classes that occur in a text: one bit for each class. A
// language package declares which traits its attacks cannot do without, and is not asked
// about values that lack them.
type Traits uint64

// The byte classes. Every byte belongs to exactly one.
const (
	Letter       Traits = 1 << iota // A-Z a-z
	Digit                           // 0-9
	Space                           // ' '
	Tab                             // \t \v \f
	Newline                         // \r \n
	NUL                             // 0x00
	Control                         // other bytes below 0x20, and 0x7f
	High                            // 0x80 and above: UTF-8 or binary
	Exclamation                     // !
	DoubleQuote                     // "
	Hash                            // #
	Dollar                          // $
	Percent                         // %
	Ampersand                       // &
	Quote                           // '
	ParenOpen                       // (
	ParenClose                      // )
	Star                            // *
	Plus                            // +
	Comma                           // ,
	Hyphen                          // -
	Dot                             // .
	Slash                           // /
	Colon                           // :
	Semicolon                       // ;
	Less                            // <
	Equals                          // =
	Greater                         // >
	Question                        // ?
	At                              // @
	BracketOpen                     // [
	Backslash                       // \
	BracketClose                    // ]
	Caret                           // ^
	Underscore                      // _
	Backtick                        // `
	BraceOpen                       // {
	Pipe                            // |
	BraceClose                      // }
	Tilde                           // ~
)

// White is any white space.
const White = Space | Tab | Newline

// Word is what identifiers, numbers and most harmless values are made of.
const Word = Letter | Digit | Underscore | Hyphen | Dot

// classes maps each byte to its class.
var classes = func() (t [256]Traits) {
	for c := range 256 {
		switch {
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z':
			t[c] = Letter
		case '0' <= c && c <= '9':
			t[c] = Digit
		case c == 0:
			t[c] = NUL
		case c == '\t' || c == '\v' || c == '\f':
			t[c] = Tab
		case c == '\r' || c == '\n':
			t[c] = Newline
		case c < 0x20 || c == 0x7f:
			t[c] = Control
		case c >= 0x80:
			t[c] = High
		}
	}
	const marks = " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
	bits := [len(marks)]Traits{
		Space, Exclamation, DoubleQuote, Hash, Dollar, Percent, Ampersand, Quote, ParenOpen,
		ParenClose, Star, Plus, Comma, Hyphen, Dot, Slash, Colon, Semicolon, Less, Equals,
		Greater, Question, At, BracketOpen, Backslash, BracketClose, Caret, Underscore,
		Backtick, BraceOpen, Pipe, BraceClose, Tilde,
	}
	for i := range len(marks) {
		t[marks[i]] = bits[i]
	}
	return t
}()

// ClassOf returns the class of one byte.
func ClassOf(c byte) Traits { return classes[c] }

// Any reports whether at least one of the classes in want occurs.
func (t Traits) Any(want Traits) bool { return t&want != 0 }

// All reports whether every class in want occurs.
func (t Traits) All(want Traits) bool { return t&want == want }

// Only reports whether nothing but the classes in allowed occurs.
func (t Traits) Only(allowed Traits) bool { return t&^allowed == 0 }
