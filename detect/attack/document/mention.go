package document

import (
	"strings"

	"kongwaf/detect/attack/words"
)

// Talk is what is known of a text as people write it to each other: how much natural
// language it holds outside of its code, and whether it is about security. The zero value is
// that of the empty text.
//
// What runs a payload does not care for the words around it, so words around it prove
// nothing. But people write about attacks: bug reports, advisories, tutorials, questions. Such
// a text has sentences, and it mentions the payload rather than using it: it quotes it as
// code, or it says what it is. Both sides cannot be had where a page shows a posted text as
// raw HTML: a browser does not know Markdown's backticks. There an attacker who writes a
// little essay with the payload in backticks gets less than a block. The other choice would
// refuse every bug report, answer and README on the sites where people write them, and those
// sites do not show posts as raw HTML, or else the first README would have broken them.
type Talk struct {
	text      string
	words     int // of natural language, outside of code
	sentences int
	subject   int // words that say what the text is about: "payload", "escape", "vulnerability"
	rows      int // of tables
	from, to  int // the payload
	// spans are the text's pieces of code, in order.
	spans  [maxSpans]span
	nspans int
	// Searches that failed, so that the cost stays linear: a fence of no fewer marks than
	// these closes nowhere behind, and so many marks of quotation were none.
	unclosed, failed int
	paragraph        int // where the paragraph ends that was looked at last
}

// span is a piece of code with its marks: text[start:end].
type span struct{ start, end int }

// maxSpans bounds the pieces of code that are told apart; later ones are no code.
const maxSpans = 64

// How much language makes a text that is about something.
const (
	essayWords    = 20 // with code quoted in two sentences: a text, whatever it is about
	reportWords   = 4  // with code quoted, and about security or in a table
	accountWords  = 10 // without any quotation, in a sentence, about security
	plainWords    = 5  // without any quotation, and plainly about security
	plainSubject  = 2
	questionWords = 3  // in a message: "Is this XSS? ..."
	carefulWords  = 16 // for what acts wherever a program writes it down
)

// TalkOf reads a text in which text[from:to] is a payload, whose own words are none of the
// text's. Its cost is linear in the text's length, up to a bound.
func TalkOf(text string, from, to int) (t Talk) {
	const most = 16 // evidence may go on into what follows
	t.text, t.from, t.to = text, from, min(to, from+most)
	if len(text) > look {
		text = text[:look]
	}
	lineStart := true
	for i := 0; i < len(text); {
		if end, ok := t.code(text, i, lineStart); end > i {
			if ok && t.nspans < maxSpans {
				t.spans[t.nspans] = span{start: i, end: end}
				t.nspans++
			}
			i, lineStart = end, false
			continue
		}
		c := text[i]
		if c == '|' && lineStart {
			t.rows++
		}
		if !isWordByte(c) {
			lineStart = c == '\n'
			i++
			continue
		}
		start := i
		for i < len(text) && isWordByte(text[i]) {
			i++
		}
		lineStart = false
		t.word(text, start, i)
	}
	return t
}

// word counts the word text[start:end], if it is one of natural language: it stands between
// blanks and the marks of sentences.
func (t *Talk) word(text string, start, end int) {
	if !opensWord(text, start) || t.from <= start && start < t.to {
		return
	}
	mark := byte(' ')
	if end < len(text) {
		mark = text[end]
	}
	last := end+1 >= len(text) || text[end+1] <= ' '
	switch {
	case mark <= ' ':
	case strings.IndexByte(".!?", mark) >= 0 && last:
		t.sentences++
	case strings.IndexByte(",:;)", mark) >= 0 && (last || mark == ')'):
	case strings.IndexByte("\"'*]-_", mark) >= 0:
	default:
		return
	}
	if end-start < 2 && text[start] != 'a' && text[start] != 'I' && text[start] != 'A' {
		return
	}
	t.words++
	if isSubject(text[start:end]) {
		t.subject++
	}
}

// opensWord reports whether a word of natural language may begin at a position.
func opensWord(text string, i int) bool {
	if i > 0 && strings.IndexByte("\"'", text[i-1]) >= 0 {
		i-- // an attribute's value is none: id="xss"
		return i == 0 || text[i-1] <= ' ' || text[i-1] == '('
	}
	return i == 0 || strings.IndexByte(" \t\n\r(*>#-_[", text[i-1]) >= 0
}

// code returns where the piece of code ends that begins at i: a fence that is closed, inline
// code within its paragraph, a short quotation. If none does, it returns what to pass over.
func (t *Talk) code(text string, i int, lineStart bool) (end int, ok bool) {
	c := text[i]
	if c == '"' {
		if t.failed == maxSpans {
			return i, false
		}
		if end = quotation(text, i); end == i {
			t.failed++
		}
		return end, end > i
	}
	if c != '`' && !(c == '~' && lineStart) {
		return i, false
	}
	n := i
	for n < len(text) && text[n] == c {
		n++
	}
	run := text[i:n]
	switch {
	case len(run) >= 3 && lineStart:
		if t.unclosed > 0 && len(run) >= t.unclosed {
			return n, false
		}
		for k := n; k < len(text); {
			j := strings.Index(text[k:], "\n"+run)
			if j < 0 {
				break
			}
			k += j + 1 + len(run)
			if k == len(text) || text[k] <= ' ' || text[k] == c {
				return k, true
			}
		}
		t.unclosed = len(run)
		return n, false
	case c == '~':
		return n, false
	}
	if n > t.paragraph {
		t.paragraph = len(text)
		if j := strings.Index(text[n:], "\n\n"); j >= 0 {
			t.paragraph = n + j
		}
	}
	j := strings.Index(text[n:t.paragraph], run)
	if j < 0 {
		return n, false
	}
	return n + j + len(run), true
}

// quotation returns where the quotation ends whose mark is at i, i if it is none: marks stand
// at the outer sides of what is quoted.
func quotation(text string, i int) int {
	const longest = 200
	if i > 0 && text[i-1] > ' ' && text[i-1] != '(' || i+1 >= len(text) || text[i+1] <= ' ' {
		return i
	}
	for k := i + 1; k < len(text) && k < i+longest && text[k] != '\n'; k++ {
		if text[k] == '"' && text[k-1] > ' ' && (k+1 == len(text) || text[k+1] <= ' ' || strings.IndexByte(".,:;!?)", text[k+1]) >= 0) {
			return k + 1
		}
	}
	return i
}

// Manner says how a payload may be mentioned.
type Manner uint8

// The manners.
const (
	// Anywhere is the ordinary way.
	Anywhere Manner = iota
	// InMessage is the way in which people write to each other: short.
	InMessage
	// Careful is for what acts wherever a program merely writes it down, as a log's lookups
	// do: only a whole account of it mentions it.
	Careful
)

// Mentions reports whether what stands at a position of the text is mentioned there by a text
// about it, or a string or comment of a program's source.
func (t *Talk) Mentions(at int, manner Manner) bool {
	quoted := t.Quoted(at)
	switch {
	case manner == Careful:
		return t.words >= carefulWords && t.sentences > 0 && t.subject > 0
	case t.words < questionWords:
	case quoted && t.words >= essayWords && t.sentences >= 2,
		quoted && t.words >= reportWords && (t.subject > 0 || t.rows > 1),
		t.words >= accountWords && t.sentences > 0 && t.subject > 0,
		t.words >= plainWords && t.subject >= plainSubject,
		manner == InMessage && t.subject > 0:
		return true
	}
	return Listing(t.text) && InLiteral(t.text, at)
}

// Quoted reports whether a position lies in a piece of code.
func (t *Talk) Quoted(at int) bool {
	for _, s := range t.spans[:t.nspans] {
		if s.start <= at && at < s.end {
			return true
		}
	}
	return false
}

// AppendUnquoted appends the text with its pieces of code blanked out, byte for byte: what it
// says besides what it quotes.
func (t *Talk) AppendUnquoted(dst []byte) []byte {
	base := len(dst)
	dst = append(dst, t.text...)
	for _, s := range t.spans[:t.nspans] {
		for i := s.start; i < s.end; i++ {
			if c := &dst[base+i]; *c != '\n' {
				*c = ' '
			}
		}
	}
	return dst
}

// isWordByte reports whether a byte is a letter, or part of one in UTF-8.
func isWordByte(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || c >= 0x80 }

// isSubject reports whether a word says that a text is about security.
func isSubject(word string) bool {
	if len(word) < 3 || len(word) > 20 {
		return false
	}
	if acronyms.Of(word) != 0 {
		return true
	}
	for _, stem := range subjects {
		if words.HasPrefix(word, stem) {
			return true
		}
	}
	return false
}

// subjects are the stems of the words with which people talk about attacks, acronyms the
// words that are none.
var (
	subjects = [...]string{
		"attack", "bypass", "escap", "exploit", "firewall", "hack", "hijack", "inject", "malicious", "mitigat", "payload",
		"penetrat", "pentest", "phish", "reflected", "remediat", "reproduc", "sanit", "scanner", "security", "travers", "untrusted", "vulnerab",
		"angreif", "angriff", "atacante", "ataque", "attaqu", "inyec", "sicherheit", "vulnér",
	}
	acronyms = words.New(words.Group{Kind: 1, Words: "cve csrf cvss evil idor lfi oscp owasp poc pwned rce sqli ssrf ssti waf xss xxe"})
)
