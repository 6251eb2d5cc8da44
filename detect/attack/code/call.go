package code

import (
	"strings"

	"kongwaf/detect/attack/shell"
	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/words"
)

// call judges the call whose opening bracket stands at i.
func (s *lexer) call(i int) value.Match {
	text := s.text
	end := i
	for end > 0 && end > i-4 && (text[end-1] == ' ' || text[end-1] == '\t') {
		end--
	}
	start := end
	for start > 0 && start > end-28 && wordByte(text[start-1]) {
		start--
	}
	kind := names.Of(text[start:end])
	if text[start:end] == "constructor" && start > 0 && text[start-1] == '.' {
		if body, ok := literalOf(s.argument(i + 1)); ok && words.HasPrefix(body, "return ") {
			return found(enough, start, min(len(text), i+1+len(body)), "function by its constructor")
		}
	}
	if start > 0 && start < end && text[start-1] == '$' {
		if m := s.variable(start, end, i); m.Confidence > 0 {
			return m
		}
	}
	if kind == 0 && (i+1 >= len(text) || text[i+1]|0x20 != 'j' && text[i+1] != ' ' && (s.expr < 0 || text[start] != 'T')) {
		return value.Match{}
	}
	arg := s.argument(i + 1)
	if s.expr >= 0 && end-start == 1 && text[start] == 'T' && (words.HasPrefix(arg, "org.") || words.HasPrefix(arg, "com.")) {
		return found(enough, start, i+8, "Java class in an expression")
	}
	if words.HasPrefix(arg, "java.") || words.HasPrefix(arg, "javax.") {
		if start < end && (text[start] == 'T' && end-start == 1 || s.expr >= 0) {
			return found(certain, start, i+12, "Java class in an expression")
		}
	}
	if start == end {
		return value.Match{}
	}
	if kind == 0 || kind&^(receiver|module|fetches|ognlVar) == 0 {
		return value.Match{}
	}
	recv, recvStart, before := s.receiver(start)
	c, shape := s.weigh(kind, text[start:end], arg, recv, before)
	if (recv == 0 || recv == literal) && c < blocked && s.probe(i, text[start:end], arg) {
		c, shape = blocked, "call of a call"
	}
	if c == 0 {
		return value.Match{}
	}
	if end != i {
		c -= 0.2 // "system (see below)"
	}
	if (s.expr >= 0 || s.block) && c >= suspicious {
		c = max(c, enough)
	}
	return found(c, recvStart, min(len(text), i+1+min(len(arg), 32)), shape)
}

// argument returns the start of the first argument, at most 64 bytes, without blanks before it.
func (s *lexer) argument(i int) string {
	for i < len(s.text) && (s.text[i] == ' ' || s.text[i] == '\n' || s.text[i] == '\t') {
		i++
	}
	return s.text[i:min(len(s.text), i+64)]
}

// receiver returns the kinds of what stands before the name and a dot, where it begins,
// and the byte before all.
func (s *lexer) receiver(start int) (kind uint32, at int, before byte) {
	text := s.text
	at = start
	if start >= 2 && (text[start-1] == '.' || text[start-1] == ':' && text[start-2] == ':') {
		end := start - 1
		if text[end] == ':' {
			end--
		}
		at = end
		for at > 0 && at > end-24 && wordByte(text[at-1]) {
			at--
		}
		kind = names.Of(text[at:end]) & receiver
		if kind == 0 {
			kind = 1 << 31 // some other object
			if end > 0 && (text[end-1] == ')' || text[end-1] == '"' || text[end-1] == '\'' || text[end-1] == ']') {
				kind = 1 << 30 // a result or a literal
			}
		}
	}
	if at > 0 {
		before = text[at-1]
	}
	return kind, at, before
}

const (
	otherObject = 1 << 31
	literal     = 1 << 30
)

// literalOf returns the content of a string literal that the argument begins with.
func literalOf(arg string) (string, bool) {
	if arg == "" || arg[0] != '\'' && arg[0] != '"' && arg[0] != '`' {
		if len(arg) > 1 && arg[0] == '\\' && (arg[1] == '\'' || arg[1] == '"') {
			arg = arg[1:]
		} else {
			return "", false
		}
	}
	body := arg[1:]
	if k := strings.IndexByte(body, arg[0]); k >= 0 {
		body = body[:k]
	}
	return body, true
}

// superglobal reports whether the argument is what a request brings.
func superglobal(arg string) bool {
	return strings.HasPrefix(arg, "$_") || strings.HasPrefix(arg, "@$_") || strings.HasPrefix(arg, "${\"_") ||
		words.HasPrefix(arg, "request(") || words.HasPrefix(arg, "request.") || words.HasPrefix(arg, "request[") || words.HasPrefix(arg, "params[") || words.HasPrefix(arg, "hex2bin(") ||
		words.HasPrefix(arg, "base64_decode") || words.HasPrefix(arg, "gzinflate") || words.HasPrefix(arg, "str_rot13") ||
		words.HasPrefix(arg, "atob(") || words.HasPrefix(arg, "compile(") || words.HasPrefix(arg, "chr(") || words.HasPrefix(arg, "string.fromcharcode")
}

// weigh grades a call by the function's kind, its argument and what it is called on.
func (s *lexer) weigh(kind uint32, name, arg string, recv uint32, before byte) (float64, string) {
	body, isLiteral := literalOf(arg)
	command := isLiteral && (shell.Begins(body) || strings.HasPrefix(body, "/bin/")) || name == "qx" && shell.Begins(arg)
	inCode := s.expr >= 0 || s.block
	free := recv == 0 && before != '$' && before != '>' && before != '\\' && !(before == ' ' && s.declared())
	if kind&imports != 0 {
		if kind&unique != 0 && (words.HasPrefix(name, "__") || inCode || isLiteral && names.Of(body)&module != 0) {
			return certain, "import by name"
		}
		if isLiteral && names.Of(body)&module != 0 {
			if words.Index(body, "child_process") >= 0 || words.Index(body, "spawn_sync") >= 0 || words.Index(body, "process_wrap") >= 0 {
				return enough, "import of a process module"
			}
			if recv != 0 || inCode {
				return likely, "import by name"
			}
			if words.HasPrefix(name, "import") && len(s.text) == len(name)+len(body)+4 {
				return barely, "import by name" // nothing but import('fs')
			}
			return faint, "import by name"
		}
	}
	if kind&informs != 0 && (recv == 0 && before != '>' || recv == literal && kind&unique != 0) && (arg == "" || arg[0] == ')' || arg[0] == '-' || arg[0] == '1') {
		if kind&unique != 0 && words.HasPrefix(name, "phpinfo") {
			return clear, "information call"
		}
		return barely, "information call"
	}
	if kind&runs != 0 {
		switch {
		case words.HasPrefix(name, "processbuilder") && (recv != 0 || isLiteral || inCode):
			return likely, "Java class by name"
		case recv == receiver && words.HasPrefix(name, "open") && !strings.HasPrefix(name, "openp") && !strings.HasPrefix(body, "|"):
			return 0, "" // os.Open reads a file
		case recv == receiver && (isLiteral || superglobal(arg) || strings.HasPrefix(arg, "[") || inCode):
			if command || kind&unique != 0 || inCode {
				return certain, "command through a module"
			}
			return likely, "command through a module"
		case words.HasPrefix(name, "start") && !command && !isLiteral:
			return 0, ""
		case recv == receiver && (words.HasPrefix(name, "popen") || words.HasPrefix(name, "system") || words.HasPrefix(name, "execute")):
			return probing, "command through a module"
		case free && (command || superglobal(arg)):
			return enough, "call that runs a command"
		case free && kind&unique != 0 && (isLiteral || inCode || strings.HasPrefix(arg, "$")):
			return clear, "call that runs a command"
		case free && words.HasPrefix(name, "open") && (strings.Contains(arg, `"|`) || strings.Contains(arg, `'|`) || strings.Contains(arg, `|")`) || strings.Contains(arg, `|')`)):
			return clear, "command through a pipe"
		case free && isLiteral && (strings.IndexByte(body, ' ') < 0 || shell.Names(body)) && (words.HasPrefix(name, "system") || words.HasPrefix(name, "exec") || words.HasPrefix(name, "popen")):
			return probing, "call that runs a command"
		case free && isLiteral && words.HasPrefix(name, "open") && strings.HasPrefix(strings.TrimSpace(body), "|"):
			return clear, "command through a pipe"
		case (recv == literal || recv == otherObject) && command && (words.HasPrefix(name, "exec") || words.HasPrefix(name, "system")):
			return enough, "method that runs a command"
		case recv == literal && words.HasPrefix(name, "execute") && strings.HasPrefix(arg, ")"):
			return likely, "literal that is run as a command"
		case inCode && (words.HasPrefix(name, "system") || words.HasPrefix(name, "exec") || words.HasPrefix(name, "popen")):
			return enough, "call that runs a command"
		}
	}
	if kind&evaluates != 0 && kind&unique != 0 && recv != 0 && isLiteral && words.HasPrefix(name, "runin") {
		return blocked, "evaluation of text"
	}
	if kind&evaluates != 0 && kind&unique != 0 && recv == 0 && callback(arg) {
		return enough, "callback that runs code"
	}
	if kind&evaluates != 0 && before == '$' && recv == 0 && isLiteral && words.HasPrefix(name, "eval") {
		return probing, "evaluation of text" // $eval('1+1') of AngularJS
	}
	if kind&evaluates != 0 && (free || inCode) {
		switch {
		case superglobal(arg):
			return enough, "evaluation of input"
		case words.HasPrefix(name, "preg_replace") && isLiteral && flaggedE(body):
			return clear, "evaluation in a regular expression"
		case isLiteral && (command || phpCall(body)) && !words.HasPrefix(name, "function"):
			return likely, "evaluation of text"
		case isLiteral && names.Of(body)&(runs|evaluates) != 0 && (kind&unique != 0 || words.HasPrefix(name, "array_map")):
			return enough, "callback that runs code"
		case inCode:
			return blocked, "evaluation of text"
		case isLiteral && (words.HasPrefix(name, "eval") || words.HasPrefix(name, "assert")):
			return faint, "evaluation of text"
		}
		if inner := innerCall(arg); inner != 0 && (!words.HasPrefix(name, "assert") || inner&runs != 0 && !strings.Contains(arg[:strings.IndexByte(arg, '(')], ".")) && inner&(runs|evaluates|imports|informs) != 0 && !words.HasPrefix(name, "function") {
			return likely, "evaluation of a call"
		}
	}
	if kind&reflects != 0 {
		switch {
		case words.HasPrefix(name, "getruntime") || words.HasPrefix(name, "getenginebyname") || words.HasPrefix(name, "scriptenginemanager"):
			return enough, "Java class by name"
		case words.HasPrefix(name, "forname") && isLiteral && words.HasPrefix(body, "java"):
			return enough, "Java class by name"
		case kind&unique != 0 && (inCode || recv != 0):
			return blocked, "Java class by name"
		case inCode:
			return clear, "Java reflection in an expression"
		}
	}
	if kind&creates != 0 && isLiteral {
		if words.Index(body, "wscript") >= 0 || words.Index(body, "shell") >= 0 || words.Index(body, "xmlhttp") >= 0 || words.Index(body, "adodb") >= 0 || words.Index(body, "filesystem") >= 0 {
			return enough, "COM object by name"
		}
		return doubtful, "COM object by name"
	}
	if kind&php != 0 {
		inner := innerCall(arg)
		switch {
		case inCode:
			return clear, "call in an expression"
		case recv == 0 && superglobal(arg) && (words.HasPrefix(name, "include") || words.HasPrefix(name, "require")):
			return clear, "inclusion of input"
		case isLiteral && recv == 0 && (words.HasPrefix(name, "include") || words.HasPrefix(name, "require")) && strings.Contains(body, "://"):
			return likely, "inclusion of a remote file"
		case kind&unique != 0 && recv == 0 && (superglobal(arg) || isLiteral && len(body) > 2):
			return blocked, "file function of PHP"
		case recv == 0 && inner&(informs|unique) == informs|unique, recv == 0 && inner&runs != 0 && inner&unique != 0:
			return blocked, "call of a call"
		}
	}
	return 0, ""
}

// declared reports whether the text reads like a declaration: func system(, def exec(.
func (s *lexer) declared() bool {
	for _, word := range [...]string{"func ", "function ", "def ", "void ", "int ", "class ", "fn "} {
		if words.Index(s.text[:min(len(s.text), 64)], word) >= 0 {
			return true
		}
	}
	return false
}

// innerCall returns the kinds of the function that the argument calls first.
func innerCall(arg string) uint32 {
	k := strings.IndexByte(arg, '(')
	if c := strings.IndexByte(arg, ')'); c >= 0 && c < k {
		return 0 // the bracket of another call
	}
	if k <= 0 {
		return 0
	}
	start := k
	for start > 0 && wordByte(arg[start-1]) {
		start--
	}
	return names.Of(arg[start:k])
}

// phpCall reports whether a text holds a call of a function that runs code or tells of the server.
func phpCall(body string) bool {
	return innerCall(body)&(runs|evaluates|informs|imports) != 0
}

// flaggedE reports whether a regular expression literal ends with the flag e: /x/e.
func flaggedE(body string) bool {
	if len(body) < 3 {
		return false
	}
	k := strings.LastIndexByte(body, body[0])
	return k > 0 && strings.IndexByte(body[k:], 'e') > 0
}

// backtick judges a backtick inside an expression or code block, which PHP, Perl and
// Ruby run as a command.
func (s *lexer) backtick(i int) value.Match {
	if i+1 < len(s.text) && shell.Begins(s.text[i+1:min(len(s.text), i+97)]) {
		return found(enough, i, min(len(s.text), i+24), "backticks in code")
	}
	return value.Match{}
}

// reflection reports whether a chain of Python's special attributes begins that leads from
// an object to other classes or to a module's globals; x.__class__.__name__ is everyday.
func reflection(t string) bool {
	switch {
	case strings.HasPrefix(t, "__class__."):
		t = t[len("__class__."):]
	case strings.HasPrefix(t, "__init__."):
		return strings.HasPrefix(t, "__init__.__globals__")
	}
	for _, name := range [...]string{"__base__", "__bases__", "__mro__"} {
		if strings.HasPrefix(t, name) && len(t) > len(name) && (t[len(name)] == '.' || t[len(name)] == '[') {
			return true
		}
	}
	return strings.HasPrefix(t, "__subclasses__()")
}

// dunder recognises Python's way from any object to its modules.
func (s *lexer) dunder(i int) value.Match {
	t := s.text[i:]
	if strings.HasPrefix(t, "__import__") || strings.HasPrefix(t, "__builtins__") {
		return found(likely, i, i+10, "import by name")
	}
	if i > 0 && s.text[i-1] == '.' && reflection(t) {
		return found(clear, i, min(len(s.text), i+24), "reflection in Python")
	}
	if strings.HasPrefix(t, "_$$ND_FUNC$$_") {
		return found(certain, i, i+13, "serialised function")
	}
	return value.Match{}
}
