// Package shell recognises text that a command interpreter (a POSIX shell, cmd.exe,
// PowerShell) would run, where a program expected a word: operating-system command
// injection (CWE-77, CWE-78), Shellshock (CVE-2014-6271).
//
// It asks two things of a value. Does it leave its word: by an operator (; | & newline),
// a substitution ($( ) and backticks), a redirection, a quote? And does a *command* stand
// where the shell then looks for one: a name it knows, however spliced (c”at, c\at,
// /???/c?t, c$@at), with arguments that fit it? Prose has the operators and the names
// too, seldom both at the right place with fitting arguments.
//
// It is no shell: it does not track nesting, here-documents or functions, does not know
// a private program's name, and takes a document (several lines of text) for data.
package shell

import (
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack/document"
	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/words"
	"kongwaf/detect/attack/work"
)

// breaks are the classes that can end a word or begin a command.
const breaks = value.Semicolon | value.Pipe | value.Ampersand | value.Newline | value.Backtick |
	value.Dollar | value.Less | value.Greater | value.Backslash | value.BraceOpen

// Possible reports whether a value can hold a shell command at all.
// It looks at the value's Traits, Pairs, Source and IsName only.
// A single word without any mark cannot, nor can a path that does not lead to where commands live.
func Possible(v *value.Value) bool {
	t := v.Traits
	return t.Any(breaks|value.White|value.Plus|value.Quote|value.DoubleQuote|value.Caret) && t.Any(^value.Traits(value.High|value.Digit|value.White)) ||
		v.Pairs.Any(value.HeadHyphen|value.ColonColon) ||
		t.Any(value.Slash) && (t.Any(splicing|value.BracketClose) || v.Pairs.Any(value.SlashAfterN))
}

// lexer is the state of one Judge: on the stack, never shared.
type lexer struct {
	text   string
	traits value.Traits
	// plus says that + stands for a blank: the text has no other.
	plus bool
	// list caches whether the text is a list of words between separators.
	list int8
	work *work.Meter
	// lineEnd is the end of the line that was looked at last.
	lineEnd int
	// codeEnd is the end of the inline code (Markdown) that is being walked through; fenced says
	// that it is a fence's.
	codeEnd int
	fenced  bool
	// seen is what the last command looked at was like.
	seen struct {
		fit   int  // as args.fits grades it
		plain bool // its name is an everyday word too
		loud  bool // its arguments are no words of a text: an option, a host, a path of the system
	}
	// firmest is the best match that does not depend on what form the text has: what depends on
	// it, and may count for less in the end, does not stand before it.
	firmest value.Match
}

// Judge looks for a shell command in one value. The class is always RCE.
func Judge(v *value.Value) value.Match {
	if !Possible(v) || v.IsName && len(v.Text) > 256 {
		return value.Match{}
	}
	s := lexer{text: v.Text, traits: v.Traits, work: v.Work, plus: v.Traits.Any(value.Plus) && !v.Traits.Any(value.White)}
	var best value.Match
	if !v.IsName || v.Traits.Any(breaks) { // a name is no command
		best = s.start()
	}
	if best.Confidence < enough && v.Traits.Any(breaks) {
		best = s.walk(best)
	}
	if best.Shape == shapes[atStart] && interpreters.Of(v.Name) != 0 && v.Source == detect.SourceBody && !v.Traits.Any(value.White|breaks) {
		best.Confidence = min(best.Confidence, faint) // {"shell": "/bin/bash"}: nothing is run yet
	}
	if best.Confidence >= suspicious && best.Shape != definition {
		best = s.temper(best, false)
	}
	if s.firmest.Confidence > 0 {
		best = s.temper(s.firmest, true).Better(best)
	}
	return best
}

// interpreters are the fields of configurations that name a program.
var interpreters = words.New(words.Group{Kind: 1, Words: `shell interpreter entrypoint executable binary python java node ruby perl php bash loginshell login_shell
	default_shell defaultshell init program bin python_path pythonpath command runtime`})

// Confidences, by what they mean.
const (
	certain    = 0.96 // beyond doubt
	enough     = 0.93 // beyond doubt: there is no need to look on
	clear      = 0.9  // an attack, whatever the place
	telling    = 0.88 // the spelling gives it away
	likely     = 0.85
	atPlace    = 0.8 // an attack where it stands
	blocks     = 0.75
	barely     = 0.72
	doubtful   = 0.6
	inText     = 0.55 // what a document may hold
	faint      = 0.5
	suspicious = 0.4
	hint       = 0.3
)

// temper lowers the confidence of a match in running text, unless it is firm.
func (s *lexer) temper(m value.Match, firm bool) value.Match {
	switch text := s.text; {
	case document.Noise(text), strings.HasPrefix(text, "#!/") && strings.IndexByte(text, '\n') > 0: // or a script as a whole
		m.Confidence = min(m.Confidence*0.6, inText)
	case firm:
	case document.Of(text) == document.Document:
		m.Confidence = min(m.Confidence*0.6, inText)
	case document.Of(text) == document.Prose && m.Confidence < enough:
		m.Confidence *= 0.75
	}
	return m
}

func found(confidence float64, start, end int, shape string) value.Match {
	return value.Match{Class: detect.ClassRCE, Confidence: confidence, Start: start, End: end, Shape: shape}
}

// Names reports whether the text begins with the name of a command, whatever follows it.
func Names(text string) bool {
	s := lexer{text: text}
	return commands.Of(s.wordAt(s.blanks(0))) != 0
}

// Begins reports whether the text begins with a command that means something by itself: for languages that hand a string to the shell (system('id')).
func Begins(text string) bool {
	s := lexer{text: text, traits: ^value.Traits(0)}
	return s.command(s.blanks(0), afterMark, 0).Confidence >= barely
}
