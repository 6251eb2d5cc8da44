package template

import "strings"

// maxExpression is how far one expression is read, in bytes.
const maxExpression = 1024

// shapes that the verdict on a whole text asks for
const (
	shapeReflection = "reflection"
	shapeCall       = "call that runs"
)

// reading is what one expression came to.
type reading struct {
	confidence float64
	shape      string
	stop       int  // behind the closing delimiter, or where reading ended
	closed     bool // the closing delimiter was found
	valid      bool // nothing contradicts that this is an expression
	constant   bool // arithmetic on literals alone
	variables  bool // a variable with a dollar sign occurs
	fragment   bool // two colons begin it
	exposes    bool // one name alone, of an object that holds an application's settings or requests

	// while reading
	operand  bool // the last token ended an operand
	joins    bool // ... and was a word that joins operands: in, is, and, if
	shell    bool // a default value of a shell's variable
	spaced   bool // white space stands before the token
	helper   bool // operands stand in a row: a helper's arguments
	operands int
}

func (p *reading) see(confidence float64, shape string) {
	if confidence > p.confidence {
		p.confidence, p.shape = confidence, shape
	}
}

// another begins an operand and reports whether one may stand here.
func (p *reading) another(d *delimiter) bool {
	if p.operand && !p.joins && !d.statement {
		// Handlebars and Go write calls so: {{index .Labels "x"}}.
		if !p.spaced || d.open != "{{" {
			p.valid = false
			return false
		}
		p.helper = true
	}
	p.operands++
	return true
}

// expression judges what stands behind the opening delimiter at i and returns the position
// behind what was read.
func (r *reader) expression(i int, d *delimiter) int {
	var p reading
	from := i + 2
	if d.open == "{%" {
		if file := included(r.src[from:min(len(r.src), from+96)]); file > 0 {
			r.see(blocked, i, from+file, "inclusion of a file")
		}
		// {%print(7*7)%} prints where {{ }} is filtered; {% debug %} prints the whole context.
		rest := strings.TrimLeft(r.src[from:min(len(r.src), from+32)], " -")
		if strings.HasPrefix(rest, "print") {
			from = min(len(r.src), from+32) - len(rest) + len("print")
		} else if strings.HasPrefix(rest, "debug") && strings.HasPrefix(strings.TrimLeft(rest[5:], " "), "%}") {
			r.see(probing, i, from+32, "directive")
		}
	}
	r.read(&p, from, d)
	switch {
	case p.shape == shapeReflection:
		c := p.confidence
		if !p.closed {
			c = probing
			if d.open == "<%" {
				c = faint // a format of printf beside Python's own names
			}
		}
		r.see(c, i, p.stop, p.shape)
	case !p.closed || !p.valid:
	case p.constant && d.probe > 0:
		c := d.probe
		if from > i+2 {
			c = likely
		}
		r.see(c, i, p.stop, "sum of constants")
	case p.exposes && strings.TrimRight(r.src[p.stop:], " .!?\n") == "":
		r.see(barely, i, p.stop, "context object") // nothing behind it: no placeholder in a text
	case d.open == "${" && from+1 < len(r.src) && r.src[from] == '.' && letter(r.src[from+1]):
		r.see(probing, i, p.stop, "variable of the engine's own") // ${.version} of Freemarker
	case d.open == "~{" && p.fragment:
		r.see(probing, i, p.stop, "fragment expression")
	case d.open == "${" && lookup(r.src[from:p.stop]):
		c := doubtful
		if i == 0 && p.stop == len(r.src) {
			c = barely
		}
		r.see(c, i, p.stop, "lookup of the system")
	default:
		r.see(p.confidence, i, p.stop, p.shape)
	}
	return p.stop
}

// read reads an expression from position from until its closing delimiter, or until two
// tokens contradict that it is one. Statements (d.statement) may hold several operands in a
// row.
func (r *reader) read(p *reading, from int, d *delimiter) {
	s := r.src
	*p = reading{valid: true}
	limit := min(len(s), from+maxExpression)
	var (
		lastName  int
		word      bool   // ... and was a word
		literal   bool   // the operand is a literal
		member    bool   // the last token was a dot behind an operand
		filtering bool   // the last token was a pipe
		filterArg bool   // inside the brackets of a filter
		before    string // the name before
		contexts  bool
		system    bool // a class of the runtime was named
		reached   bool
		calls     int
		depth     int
		operators int
		times     int
		names     int
	)
	i := from
	// Marks that belong to the delimiter: {{=, {{#, {{-, <%=, {{{.
	for i < limit && strings.IndexByte("=#-~!&^:@>/", s[i]) >= 0 {
		p.fragment = p.fragment || s[i] == ':' && i+1 < limit && s[i+1] == ':'
		i++
	}
	for i < limit {
		c := s[i]
		if depth == 0 && c == d.close[0] && strings.HasPrefix(s[i:], d.close) {
			p.closed = true
			p.stop = i + len(d.close)
			break
		}
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
			p.spaced = true
			continue
		case c == '"' || c == '\'' || c == '\\' && i+1 < limit && (s[i+1] == '"' || s[i+1] == '\''):
			// A backslash before the quote comes from a string that the value was cut out of.
			escaped := c == '\\'
			if escaped {
				i++
				c = s[i]
			}
			if !p.another(d) {
				p.stop = i
				return
			}
			start := i + 1
			stop := start
			for stop < limit && s[stop] != c {
				if s[stop] == '\\' && !escaped {
					stop++
				}
				stop++
			}
			stop = min(stop, limit)
			text := s[start:stop]
			if escaped {
				text = strings.TrimSuffix(text, `\`)
			}
			if d.open == "${" && strings.HasPrefix(text, "$") {
				p.shell = true // ${1+"$@"}
			}
			switch quoted(text) {
			case dunder:
				p.see(certain, shapeReflection)
			case reaching:
				switch {
				case p.helper && text == "constructor":
					p.see(likely, shapeReflection)
				case filterArg || reached || contexts || calls > 0:
					p.see(clear, "function by name")
				}
				reached = true
			}
			i = min(stop+1, limit)
			p.spaced = false
			p.operand, literal, word, p.joins, member, lastName, filtering = true, true, false, false, false, nothing, false
			continue
		case letter(c) || c == '_' || c == '$' && i+1 < limit && (letter(s[i+1]) || s[i+1] == '_' || s[i+1] == '!'):
			j := i + 1
			for j < limit && (letter(s[j]) || '0' <= s[j] && s[j] <= '9' || s[j] == '_' || s[j] == '$') {
				j++
			}
			name := s[i:j]
			join := joinWord(name)
			if !member {
				if !join && !filtering && !p.another(d) {
					p.stop = i
					return
				}
				literal = false
			}
			if c == '$' {
				p.variables = true
			}
			names++
			lastName = strengthOf(name)
			switch {
			case member && (literal && name == "class" || name == "constructor" && (literal || from < limit && s[from] == '#')): // also {{#with a.b.constructor}}
				p.see(likely, shapeReflection)
			case member && tells(before, name):
				p.see(likely, "context object's member")
			}
			before = name
			switch lastName {
			case dunder:
				p.see(certain, shapeReflection)
			case reaching:
				reached = true
				if filtering {
					p.see(likely, "filter that runs")
				}
				if member && contexts {
					p.see(blocked, "context object's method")
				}
			case mild:
				if filtering && name == "attr" {
					p.see(likely, "filter that runs")
				}
			case context:
				if !member {
					contexts = true
				}
			case systemic:
				if !member {
					system = true
				}
			}
			if filtering {
				filterArg = true
			}
			filtering = false
			p.operand, word, p.joins, member, p.spaced = true, true, join, false, false
			i = j
			continue
		case '0' <= c && c <= '9':
			if !p.another(d) {
				p.stop = i
				return
			}
			for i < limit && ('0' <= s[i] && s[i] <= '9' || s[i] == '.' && i+1 < limit && '0' <= s[i+1] && s[i+1] <= '9') {
				i++
			}
			if i < limit && (letter(s[i]) || s[i] == '_') {
				p.valid = false
				p.stop = i
				return
			}
			p.operand, literal, word, p.joins, member, lastName, filtering = true, true, false, false, false, nothing, false
			p.spaced = false
			continue
		}
		gap := p.spaced
		p.spaced = false
		switch c {
		case '.':
			if p.operand {
				member = true
			} else {
				literal = false
			}
			i++
			lastName = nothing
			if i < limit && s[i] <= ' ' && !d.statement {
				p.valid = false
				p.stop = i
				return
			}
			continue
		case '(':
			depth++
			if p.operand && !p.joins && !(gap && d.open == "{{" && lastName != reaching) {
				calls++
				switch {
				case lastName == reaching:
					p.see(likely, shapeCall)
				case lastName == mild && contexts:
					p.see(likely, "context object's method")
				case system && lastName != systemic:
					p.see(blocked, shapeCall)
				case word && literal:
					p.see(barely, "method of a literal")
				case contexts:
					p.see(doubtful, "context object's method")
				}
			}
			p.operand, literal = false, false
		case '[':
			depth++
			p.operand, literal = false, false
		case ')', ']':
			if depth--; depth < 0 {
				if !d.statement {
					p.valid = false
				}
				p.stop = i
				return
			}
			if depth == 0 {
				filterArg = false
			}
			// A list or group of literals is a literal: []., ().
			p.operand, literal = true, c == ']' || i > from && s[i-1] == '('
			word = false
			i++
			lastName, p.joins, member, filtering = nothing, false, false, false
			continue
		case '{', '}':
			// A map, as an operand of its own.
			switch {
			case c == '{' && !p.operand && i > from:
				depth++
				i++
				lastName, word, p.joins, member, filtering = nothing, false, false, false, false
				continue
			case c == '}' && depth > 0:
				depth--
				p.operand, literal = true, true
				i++
				lastName, word, p.joins, member, filtering = nothing, false, false, false, false
				continue
			}
			if !d.statement {
				p.valid = false
				p.stop = i
				return
			}
			p.operand = false
		case '|':
			if i+1 < limit && s[i+1] == '|' {
				i++
			} else {
				filtering = true
			}
			i++
			p.operand, member, word, p.joins, lastName = false, false, false, false, nothing
			continue
		case '?':
			// Freemarker: "x"?new(), x?api
			rest := s[i+1 : limit]
			if strings.HasPrefix(rest, "new()") || strings.HasPrefix(rest, "api.") || strings.HasPrefix(rest, "eval") || strings.HasPrefix(rest, "interpret") {
				p.see(certain, shapeReflection)
			}
			p.operand, literal = false, false
		case '*', '+', '-', '/', '%', '^', '~':
			if p.operand {
				operators++
			}
			if c == '*' || c == '+' {
				times++
			}
			p.operand = false
		case '=', '<', '>', '!', '&', ',', ':':
			p.operand, literal = false, false
		case '`':
			j := strings.IndexByte(s[i+1:limit], '`')
			if j > 0 && !p.operand && (d.open == "<%" || d.open == "#{") {
				p.see(likely, "command")
				p.operand = true
				i += j + 2
				continue
			}
			p.valid = false
			p.stop = i
			return
		case ';':
			if !d.statement && d.open != "{{" {
				p.valid = false
				p.stop = i
				return
			}
			p.operand = false
		default:
			if !d.statement || c < ' ' || c >= 0x80 {
				p.valid = false
				p.stop = i
				return
			}
			p.operand = false
		}
		i++
		lastName, word, p.joins, member, filtering = nothing, false, false, false, false
	}
	if !p.closed {
		p.stop = i
	}
	if reached && p.helper && names == 1 {
		p.see(probing, shapeCall) // {{ exec "id" }}
	}
	if reached && calls > 0 {
		p.see(probing, shapeCall)
	}
	if contexts {
		p.see(faint, "context object")
	}
	p.exposes = names == 1 && exposing(strings.Trim(s[from:min(i, len(s))], " =-"))
	p.constant = names == 0 && !p.shell && p.operand && p.operands >= 2 && operators >= 1 &&
		(times > 0 || operators == 1) // 2024-01-01 is a date && depth == 0
}

// quoted returns the strength of a name given as a string: engines look attributes and
// functions up by name. An escaped underscore is only written to hide one.
func quoted(text string) int {
	if strings.HasPrefix(text, "__") && (len(text) <= 6 || strings.HasSuffix(text, "__")) { // also the beginning of one that is put together
		return dunder
	}
	if strings.IndexByte(text, '\\') >= 0 && (strings.Contains(text, `\x5f`) || strings.Contains(text, `\137`) || strings.Contains(text, `\u005f`)) {
		return dunder
	}
	if strings.HasPrefix(text, "freemarker.template") || strings.HasPrefix(text, "java.lang") || strings.HasPrefix(text, "javax.script") {
		return reaching
	}
	if s := strengthOf(text); s == reaching {
		return s
	}
	return nothing
}
