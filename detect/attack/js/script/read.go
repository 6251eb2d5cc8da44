package script

import "strings"

// Reading is what a text would do if it were run as JavaScript. The zero value means
// that nothing in it would act.
type Reading struct {
	// Calls says that something is called: f(1), (f)(1), f`1`, new F.
	Calls bool
	// Assigns says that a variable or a member is assigned to.
	Assigns bool
	// Hostile says that what is called, read or assigned is what attacks are after: a
	// dialog, an evaluator, the document, a constructor's constructor, a computed member.
	Hostile bool
	// Firm says that Hostile rests on more than names that programs of other languages and
	// of servers have, too: self.close(), constructor(x), throw new Error(x), f(x, Function).
	Firm bool
	// Whole says that the text was read to its end without a contradiction.
	Whole bool
	// Vague says that something is called that attacks call, and everybody else too: open.
	Vague bool
	// Controls says that control flow or declarations were seen: a listing, not a payload.
	Controls bool
	// Words counts names, Stop is where reading ended, and Looked how far was looked ahead.
	Words, Stop, Looked int
}

// Acts reports whether running the text would do anything.
func (r Reading) Acts() bool { return r.Calls || r.Assigns }

// name classes of identifiers
const (
	plain   = iota
	keyword // may stand beside an operand: return x, new X, typeof x
	doer    // a function that attacks call: alert, eval
	vague   // the same, but an everyday name too: open, write, print
	global  // an object that attacks reach through: document, window
	prize   // a member that attacks read or set: cookie, innerHTML, constructor
)

// bracket is what stood before an open bracket.
type bracket struct {
	operand bool // an operand: a call or a member access
	reach   int8
	callee  int  // the class of the name before it
	call    bool // it opens the arguments of a call
	head    bool // if, while, for, with, catch: a statement follows, not an operator
}

// Cost is what reading a byte as a script costs, in passes of others.
const Cost = 4

// maxRead bounds how many tokens are read; a longer program has shown what it is by then.
const maxRead = 4096

// Read reads s as a sequence of JavaScript statements.
func Read(s string) Reading {
	var (
		r        Reading
		l        = lexer{src: s}
		operand  bool // the last token ended an operand
		last     token
		lastName = plain // class of the last word, if it was the last token
		member   bool    // the last token was "." or "?."
		doing    bool    // a doer was named and not called yet
		reach    int8    // 1: a global was named, 2: with a member
		selfish  bool    // ... and that is the program's own object there: self, parent
		everyday bool    // ... that programs of other languages have, too
		tamed    bool    // ... a member that browsers' API has no name for here
		owned    bool    // the last word was a member
		computed bool    // the last bracket that closed held a string or sum, after an operand
		brackets [32]bracket
		depth    int
		unknown  bool // `throw` or onerror seen: alert=onerror tricks
		heading  bool // the last token was a word with a head in brackets behind it
	)
	for range maxRead {
		t := l.next(operand)
		r.Stop, r.Looked = t.start, l.pos
		if t.kind == end {
			r.Whole = true
			break
		}
		if t.broken && t.kind != template && !operand {
			// A string without end still is one for what stands before it.
			r.Whole = l.pos >= len(s)
			break
		}
		switch t.kind {
		case word:
			class := classify(s[t.start:t.stop])
			if !member {
				reach = 0
			}
			if operand && !t.newline && lastName != keyword && class != keyword {
				return r
			}
			r.Words++
			switch class {
			case keyword:
				operand, heading = false, headed(s[t.start:t.stop])
				if w := s[t.start:t.stop]; w == "this" && !member {
					reach = max(reach, 1)
					everyday, selfish = true, true
				}
				if w := s[t.start:t.stop]; w == "this" || w == "null" || w == "true" || w == "false" || w == "super" {
					operand = true
				}
				switch s[t.start:t.stop] {
				case "throw":
					unknown = true
				case "if", "else", "for", "while", "return", "function", "const", "let", "class", "export", "switch", "case", "break":
					r.Controls = true
				}
			case doer:
				// model.eval(): a method of something that no browser has.
				doing, operand = !member || reach > 0, true
			case global:
				if !member {
					reach = max(reach, 1)
					everyday = everywhere(s[t.start:t.stop])
					selfish = everyday && !page(s[t.start:t.stop])
				}
				operand = true
			case prize:
				if member {
					w := s[t.start:t.stop]
					if w == "cookie" && reach > 0 {
						r.Hostile, r.Firm = true, true
					}
					switch {
					case reach > 0 || !common(w):
						reach = 2
					case w == "constructor":
						reach = 1 // a constructor's constructor evaluates
					}
				}
				operand = true
			default:
				operand = true
			}
			if member && reach == 1 && !(class == prize && common(s[t.start:t.stop])) {
				reach, tamed = 2, everyday && (class == plain || class == vague && selfish && !opens(s[t.start:t.stop]))
				if tame(s[t.start:t.stop]) {
					reach = 0
				}
			}
			owned = member
			lastName, member = class, false
		case number, text:
			if operand && !t.newline && lastName != keyword {
				return r
			}
			operand, lastName, member = true, plain, false
			if t.kind == text && last.kind == punct && last.op == '[' && depth > 0 && depth <= len(brackets) &&
				brackets[depth-1].reach > 0 && prizeInside(s[t.start:t.stop]) {
				r.Hostile, r.Firm = true, true
			}
		case template:
			if operand && !t.newline && lastName != keyword {
				if t.broken || last.kind == number || last.kind == text {
					return r
				}
				r.Calls = true
				r.Hostile = r.Hostile || doing || computed || reach == 2
				r.Firm = r.Firm || doing || computed || reach == 2 && !tamed
			}
			operand, lastName, member = true, plain, false
		case punct:
			computedNow := false
			classOfLast, depthBefore := lastName, depth
			switch t.op {
			case '(':
				if operand && last.kind != number && (last.kind != text || last.op == '/') || last.kind == punct && last.op == '?' && last.len == 2 {
					if last.kind == text {
						break
					}
					if t.space && last.kind == word && !literalArgument(s, t.stop) {
						// "confirm (yes or no)" is how people write.
						if lastName == doer {
							doing = false
						}
						break
					}
					r.Calls = true
					if doing || computed || lastName == prize && !(owned && converts(s[last.start:last.stop])) || reach == 2 || unknown ||
						lastName == prize && quoteBehind(s, t.stop) {
						r.Hostile = true
					}
					if doing || computed || lastName == prize && owned && !converts(s[last.start:last.stop]) || reach == 2 && !tamed {
						r.Firm = true
					}
					if lastName == vague && literalArgument(s, t.stop) {
						r.Vague = true
					}
				}
				if depth < len(brackets) {
					brackets[depth] = bracket{operand: operand, call: operand, reach: reach, callee: classOfLast, head: heading && last.kind == word && lastName == keyword}
				}
				depth++
				operand, reach = false, 0
			case '}':
				operand = true
			case ')':
				if depth--; depth >= 0 && depth < len(brackets) {
					reach = brackets[depth].reach
					operand = !brackets[depth].head
				} else {
					operand = true
				}
				depth = max(depth, 0)
			case '[':
				if depth < len(brackets) {
					// "see [x](y)": a link in a sentence is no member.
					brackets[depth] = bracket{operand: operand && !(t.space && last.kind == word), reach: reach}
				}
				depth++
				operand, reach = false, 0
			case ']':
				if depth--; depth >= 0 && depth < len(brackets) {
					b := brackets[depth]
					if b.operand && (last.kind == text || last.kind == template || last.kind == punct) {
						computedNow = true
					}
					if reach = b.reach; reach == 1 {
						reach = 2
					}
				}
				depth = max(depth, 0)
				operand = true
			case '.':
				if t.space && operand && !t.newline || !operand {
					return r
				}
				if t.stop < len(s) && byteClass[s[t.stop]] != cWord && s[t.stop] != '.' {
					return r // the end of a sentence
				}
				member = true
				operand = false
			case '?':
				member = t.len == 2
				operand = false
			case '=':
				switch {
				case t.len == 1 && operand && last.kind != number && last.kind != text:
					r.Assigns = true
					// "event=click" and "location=Berlin" are pairs; "location='//evil'" and
					// "document.title=1" are not.
					if reach == 2 || (lastName == global || lastName == doer) && literalBehind(s, t.stop) && !argument(brackets[:], depth) {
						r.Hostile = true
						r.Firm = r.Firm || !(reach == 2 && tamed)
					}
				case t.len == 2 && s[t.start+1] == '>':
					r.Whole = false
				}
				operand = false
			case ';', ',':
				if t.op == ';' {
					reach = 0
				}
				operand = false
			case '+', '-':
				if !(t.len == 2 && operand && s[t.start+1] == t.op) {
					operand = false
				}
			case '@', '#':
				return r
			default:
				if t.len >= 2 && t.op != '=' && t.op != '!' && s[t.stop-1] == '=' && operand && t.op != '<' && t.op != '>' {
					r.Assigns = true
				}
				operand = false
			}
			computed = computedNow
			lastName = plain
			if t.op != '.' && !(t.op == '?' && t.len == 2) {
				member = false
			}
			if (t.op == ')' || t.op == ',') && classOfLast == doer && depthBefore > 0 && r.Calls {
				r.Hostile = true // handed to another function, to be called there
				if depthBefore <= len(brackets) && brackets[depthBefore-1].callee != plain {
					r.Firm = true // and that is one which calls: map, find
				}
			}
			if t.op == ')' && last.kind == punct && last.op == '(' && r.Calls && doing {
				r.Hostile, r.Firm = true, true
			}
		}
		last = t
	}
	return r
}

// argument reports whether the innermost open bracket holds the arguments of a call of
// something harmless: names there are those of arguments, f(prompt="x").
func argument(brackets []bracket, depth int) bool {
	if depth == 0 || depth > len(brackets) {
		return false
	}
	b := &brackets[depth-1]
	return b.call && b.callee == plain
}

// everywhere reports whether programs that no browser runs have an object of this name.
func everywhere(w string) bool {
	switch w {
	case "self", "parent", "top", "globalThis", "window", "document", "frames":
		return true
	}
	return false
}

// page reports whether a global is the browser's page or window by its very name.
func page(w string) bool { return w == "window" || w == "document" || w == "globalThis" }

// opens reports whether a method is one by which a page is written or left.
func opens(w string) bool {
	return w == "open" || w == "write" || w == "import" || w == "replace" || w == "assign"
}

// common reports whether a member that attacks reach for is one of many programs' objects,
// too, so that only that of the page tells.
func common(w string) bool {
	switch w {
	case "cookie", "innerHTML", "outerHTML", "srcdoc", "__proto__", "contentDocument", "defaultView", "ownerDocument",
		"__defineGetter__", "__defineSetter__", "__lookupGetter__":
		return false
	}
	return true
}

// quoteBehind reports whether a string or template follows.
func quoteBehind(s string, i int) bool {
	for i < len(s) && s[i] == ' ' {
		i++
	}
	return i < len(s) && byteClass[s[i]] == cQuote
}

// converts reports whether a member is one that every object has and programs call.
func converts(w string) bool {
	return w == "toString" || w == "valueOf" || w == "search" || w == "constructor"
}

// headed reports whether a statement follows what stands in brackets behind the keyword.
func headed(w string) bool {
	return w == "if" || w == "while" || w == "for" || w == "with" || w == "catch"
}

// literalArgument reports whether what follows an opening parenthesis is a literal, a
// nested call or nothing: what a call has and a remark in brackets has not.
func literalArgument(s string, i int) bool {
	for i < len(s) && s[i] == ' ' {
		i++
	}
	if i >= len(s) {
		return true
	}
	switch c := s[i]; {
	case byteClass[c] == cQuote, c == ')', c == '/', c == '[', c == '(':
		return true
	case byteClass[c] == cDigit:
		j := i
		for j < len(s) && byteClass[s[j]] == cDigit {
			j++
		}
		return j < len(s) && (s[j] == ')' || s[j] == ',')
	case byteClass[c] == cWord:
		j := i
		for j < len(s) && byteClass[s[j]] == cWord {
			j++
		}
		return j < len(s) && (s[j] == '.' && j+1 < len(s) && byteClass[s[j+1]] == cWord || s[j] == '(' || s[j] == '[')
	}
	return false
}

// literalBehind reports whether a string, a template or a member expression follows.
func literalBehind(s string, i int) bool {
	for i < len(s) && s[i] == ' ' {
		i++
	}
	if i >= len(s) {
		return false
	}
	if byteClass[s[i]] == cQuote || s[i] == '[' || s[i] == '(' {
		return true
	}
	j := i
	for j < len(s) && byteClass[s[j]] == cWord {
		j++
	}
	class := classify(s[i:j])
	return class == doer || class != plain && j < len(s) && (s[j] == '.' || s[j] == '(' || s[j] == '[')
}

// prizeInside reports whether a quoted name is one that attacks take as a computed member.
func prizeInside(quoted string) bool {
	if len(quoted) < 3 {
		return false
	}
	switch classify(quoted[1 : len(quoted)-1]) {
	case doer, prize, global:
		return true
	}
	return false
}

// classify returns the class of a word. \u escapes in it are undone first: only an
// attacker writes \u0061lert.
func classify(w string) int {
	if strings.IndexByte(w, '\\') < 0 {
		return classOf(w)
	}
	if len(w) > 64 {
		return plain
	}
	var buf [24]byte
	n := 0
	for i := 0; i < len(w); {
		if n == len(buf) {
			return plain
		}
		c := w[i]
		if c != '\\' {
			buf[n] = c
			n++
			i++
			continue
		}
		v, j := 0, i+2
		for j < len(w) && (isHex(w[j]) || w[j] == '{' || w[j] == '}') && j < i+10 {
			if isHex(w[j]) {
				v = v<<4 | hexValue(w[j])
			}
			j++
			if j == i+6 && i+2 < len(w) && w[i+2] != '{' || w[j-1] == '}' {
				break
			}
		}
		if v >= 0x80 || j == i+2 {
			return plain
		}
		buf[n] = byte(v)
		n++
		i = j
	}
	return classOf(string(buf[:n]))
}

func hexValue(c byte) int {
	switch {
	case c <= '9':
		return int(c - '0')
	case c >= 'a':
		return int(c-'a') + 10
	}
	return int(c-'A') + 10
}
