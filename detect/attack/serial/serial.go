// Package serial recognises serialised objects that do something when they are read back
// (CWE-502): Java, PHP, .NET, Python's pickle, Ruby's Marshal, YAML tags, JavaScript's
// node-serialize, polymorphic JSON and XML with gadget classes.
//
// Serialised *data* (a PHP array of numbers, JSON-LD's "@type": "Person") is common and
// harmless; objects of named classes, and streams that only a program writes, are not
// what a client sends. View states and signed blobs cannot be judged from outside.
package serial

import (
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack/document"
	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/words"
)

// Possible reports whether a value can hold a serialised object at all.
// It looks at the value's Traits, Pairs, Source and IsName only.
func Possible(v *value.Value) bool {
	t, p := v.Traits, v.Pairs
	return p.Any(value.HeadStream|value.Tag|value.DollarMark|value.ColonColon|value.BackslashWord) || t.Any(value.Control|value.High|value.NUL|value.Newline) ||
		p.All(value.ClassColon|value.ColonDigit) || v.IsName && (t.Any(value.Slash|value.ParenOpen) || p.Any(value.Underscores)) ||
		p.Any(value.HeadPackage) && t.All(value.Colon|value.Equals) ||
		t.Any(value.Dot) && (p.Any(value.HeadPackage|value.AtKey|value.LessLetter) || t.Any(value.DoubleQuote) && t.Any(value.BracketOpen|value.BraceOpen))
}

// Confidences, by what they mean.
const (
	certain    = 0.96 // nothing else begins so
	clear      = 0.93 // a class or a tag that nobody sends
	likely     = 0.85
	blocked    = 0.75
	inText     = 0.55 // what a document may hold
	suspicious = 0.4
)

// Judge looks for a serialised object in one value. The class is always Deser.
func Judge(v *value.Value) value.Match {
	text := v.Text
	if len(text) < 4 {
		return value.Match{}
	}
	if v.IsName {
		if m := key(text); m.Confidence > 0 {
			return m
		}
	}
	var best value.Match
	switch text[0] {
	case 'r', 0xAC, 'a', 'A', 0, 'g', 'Y', 'B', '/', 0x80, 0x04, 0xFF:
		best = prefix(text)
	case 'j':
		best = connection(text)
	}
	best = best.Better(named(v))
	if best.Confidence >= clear || !v.Traits.Any(value.Colon|value.Exclamation|value.Dot|value.Newline|value.Dollar|value.Less) {
		return best
	}
	if v.Pairs.All(value.ClassColon | value.ColonDigit) {
		best = best.Better(php(text))
	}
	if v.Pairs.Any(value.Tag) {
		best = best.Better(yaml(text))
	}
	if v.Traits.Any(value.Dot) && (v.Traits.Any(value.Quote|value.DoubleQuote|value.Less) || text[0] == 'c' || text[0] == 'o' || isType(v.Name) || packaged(text)) {
		best = best.Better(gadget(v))
	}
	if v.Traits.Any(value.Newline) {
		best = best.Better(pickle(text))
	}
	if v.Pairs.Any(value.DollarMark) {
		if i := strings.Index(text, "_$$ND_FUNC$$_"); i >= 0 {
			best = best.Better(found(certain, i, i+13, "node-serialize function"))
		}
	}
	if best.Confidence >= suspicious && best.Confidence < clear && document.Of(text) == document.Document {
		best.Confidence = min(best.Confidence*0.6, inText)
	}
	return best
}

// prefix recognises streams by how they begin.
func prefix(text string) value.Match {
	switch text[0] {
	case 'r':
		if strings.HasPrefix(text, "rO0AB") && len(text) > 8 {
			return found(certain, 0, min(len(text), 16), "Java stream in base64")
		}
	case 0xAC:
		if strings.HasPrefix(text, "\xAC\xED\x00\x05") {
			return found(certain, 0, 4, "Java stream")
		}
	case 'a':
		if words.HasPrefix(text, "aced0005") && len(text) > 12 && text[8] == '7' {
			return found(certain, 0, 8, "Java stream in hex")
		}
	case 'A':
		if strings.HasPrefix(text, "AAEAAAD/////") {
			return found(certain, 0, 12, "BinaryFormatter stream in base64")
		}
	case 0:
		if strings.HasPrefix(text, "\x00\x01\x00\x00\x00\xFF\xFF\xFF\xFF") {
			return found(certain, 0, 9, "BinaryFormatter stream")
		}
	case '/':
		if strings.HasPrefix(text, "/wEy") && len(text) > 24 {
			return found(certain, 0, 4, "BinaryFormatter stream in a view state")
		}
	case 0xFF:
		if strings.HasPrefix(text, "\xFF\x01\x32") && len(text) > 16 {
			return found(certain, 0, 3, "BinaryFormatter stream in a view state")
		}
	case 'g':
		if strings.HasPrefix(text, "gASV") && len(text) > 16 || strings.HasPrefix(text, "gAJj") || strings.HasPrefix(text, "gANj") {
			return found(likely, 0, 8, "pickle in base64")
		}
	case 'Y':
		if strings.HasPrefix(text, "Y3Bvc2l4") || strings.HasPrefix(text, "Y29zCn") || strings.HasPrefix(text, "Y19fYnVpbHRpbl9f") || strings.HasPrefix(text, "Y3N1YnByb2Nlc3") {
			return found(certain, 0, 8, "pickle in base64")
		}
	case 'B':
		if strings.HasPrefix(text, "BAhvO") || strings.HasPrefix(text, "BAhVO") || strings.HasPrefix(text, "BAhbBzoVR2") || strings.HasPrefix(text, "BAhlOg") {
			return found(likely, 0, 8, "Marshal stream in base64")
		}
	case 0x80:
		if len(text) > 3 && text[1] >= 2 && text[1] <= 5 && (text[2] == 0x95 || text[2] == 'c' || text[2] == '}' || text[2] == '(') {
			return found(clear, 0, 3, "pickle")
		}
	case 0x04:
		if len(text) > 3 && text[1] == 0x08 {
			return marshal(text)
		}
	}
	return value.Match{}
}

// php recognises PHP's format: O:8:"stdClass":1:{...}, also inside arrays.
func php(text string) value.Match {
	for i := 0; i+5 < len(text); i++ {
		if i += skip(text[i:], ':'); i+5 >= len(text) {
			break
		}
		// One letter before, digits and ':"' after.
		if i == 0 || i > 1 && wordByte(text[i-2]) {
			continue
		}
		kind := text[i-1]
		if kind != 'O' && kind != 'C' && kind != 'o' {
			continue
		}
		j := i + 1
		if text[j] == '+' { // an old way around filters
			j++
		}
		n := 0
		for j < len(text) && '0' <= text[j] && text[j] <= '9' && n < 1<<12 {
			n = n*10 + int(text[j]-'0')
			j++
		}
		if n == 0 || !strings.HasPrefix(text[j:], `:"`) && !strings.HasPrefix(text[j:], `:\"`) {
			continue
		}
		name := j + 2
		end := name
		for end < len(text) && end < name+128 && (wordByte(text[end]) || text[end] == '\\') {
			end++
		}
		if end == name || end >= len(text) || text[end] != '"' {
			continue
		}
		if end-name == n || strings.HasPrefix(text[end:], `":`) {
			return found(clear, i-1, min(len(text), end+4), "PHP object")
		}
	}
	return value.Match{}
}

// yaml recognises tags that make objects of code.
func yaml(text string) value.Match {
	for i := 0; i+4 < len(text); i++ {
		if i += skip(text[i:], '!'); i+4 >= len(text) {
			break
		}
		t := text[i:]
		if c := t[1]; c != 'r' && c != 'p' && c != '<' && (c != '!' || strings.IndexByte("prjco", t[2]) < 0 || t[3] < 'a' || t[3] > 'z') {
			continue
		}
		hostile := false
		switch c := t[1]; c {
		case '!':
			k := 2
			for k < len(t) && k < 10 && 'a' <= t[k] && t[k] <= 'z' {
				k++
			}
			if k == len(t) {
				continue
			}
			switch t[2:k] {
			case "python", "perl", "ruby", "php", "js":
				hostile = t[k] == '/'
			case "java", "javax", "org":
				hostile = t[k] == '.' || t[k] == '/'
			case "com":
				hostile = strings.HasPrefix(t[k:], ".sun.")
			}
		case 'r':
			hostile = strings.HasPrefix(t, "!ruby/")
		case 'p':
			hostile = strings.HasPrefix(t, "!php/object")
		case '<':
			hostile = strings.HasPrefix(t, "!<tag:yaml.org,2002:python") || strings.HasPrefix(t, "!<tag:yaml.org,2002:java")
		}
		if hostile {
			return found(clear, i, min(len(text), i+24), "YAML object tag")
		}
	}
	return value.Match{}
}

// packages are where the classes live that gadget chains are built of.
var packages = [...]string{
	"com.sun.rowset.", "com.sun.org.apache.", "com.sun.jndi.", "com.sun.corba.", "com.sun.syndication.",
	"org.apache.commons.collections", "org.apache.commons.beanutils.", "org.apache.commons.configuration.", "org.apache.xbean.", "org.apache.xalan.",
	"org.apache.ibatis.datasource.", "org.apache.tomcat.dbcp.", "org.apache.shiro.jndi.", "org.apache.logging.log4j.", "org.apache.naming.", "org.apache.hadoop.shaded.",
	"org.codehaus.groovy.runtime.", "org.springframework.beans.factory.", "org.springframework.context.support.", "org.springframework.aop.",
	"org.hibernate.", "org.jboss.", "org.mozilla.javascript.", "org.python.core.", "org.eclipse.jetty.", "bsh.", "clojure.core$", "groovy.lang.", "ch.qos.logback.core.",
	"javax.naming.", "javax.script.", "javax.swing.", "javax.management.", "javax.xml.transform.", "java.rmi.", "java.beans.", "java.lang.runtime", "java.lang.processbuilder", "java.lang.autocloseable", "java.net.", "java.util.logging.filehandler",
	"com.mchange.v2.", "com.zaxxer.hikari.", "com.alibaba.druid.", "com.caucho.", "com.ibatis.", "com.newrelic.agent.deps.", "br.com.anteros.", "oracle.jdbc.", "net.sf.ehcache.", "jdk.nashorn.", "sun.rmi.", "sun.reflect.",
	"system.windows.data.objectdataprovider", "system.diagnostics.process", "system.management.automation.", "system.configuration.install.", "system.activities.", "system.io.fileinfo", "system.identitymodel.", "system.security.principal.", "microsoft.visualstudio.text.formatting",
}

// roots are the first two labels of the packages.
var roots = func() *words.Set {
	var list []string
	for _, p := range packages {
		list = append(list, firstTwo(p))
	}
	return words.New(words.Group{Kind: 1, Words: strings.Join(list, " ")})
}()

// firstTwo returns the first two labels of a dotted name.
func firstTwo(name string) string {
	dots := 0
	for i := 0; i < len(name) && i < 40; i++ {
		switch c := name[i]; {
		case c == '.':
			if dots++; dots == 2 {
				return name[:i]
			}
		case !wordByte(c):
			return name[:i]
		}
	}
	return name[:min(len(name), 40)]
}

// gadget recognises a class of a gadget chain where a class is named: the value of
// @type, $type, class, or an XML decoder's document.
func gadget(v *value.Value) value.Match {
	text := v.Text
	typed := isType(v.Name)
	if typed && len(text) < 256 {
		for _, p := range packages {
			if words.HasPrefix(text, p) {
				c := clear
				if v.Name == "type" {
					c = blocked
				}
				return found(c, 0, len(text), "gadget class")
			}
		}
	}
	if words.HasPrefix(text, "com.sun.rowset.") || words.HasPrefix(text, "com.sun.jndi.") || words.HasPrefix(text, "com.sun.org.apache.xalan.") || words.HasPrefix(text, "com.mchange.v2.c3p0.") || words.HasPrefix(text, "org.apache.commons.collections.functors.") {
		return found(blocked, 0, min(len(text), 48), "gadget class")
	}
	if packaged(text) && len(text) < 128 && gadgets.Of(text[strings.LastIndexByte(text, '.')+1:]) != 0 {
		return found(likely, 0, len(text), "gadget class") // ["class", {...}], however it is named
	}
	if v.Pairs.Any(value.AtKey|value.LessLetter) || strings.HasPrefix(text, `["`) || v.Traits.Any(value.BraceOpen) && strings.Contains(text, `"py/`) {
		return inner(text)
	}
	return value.Match{}
}

// pickled reports whether a key of Python's jsonpickle that builds objects by calling begins
// at the quote t[0].
func pickled(t string) bool {
	return strings.HasPrefix(t, `"py/reduce"`) || strings.HasPrefix(t, `"py/function"`) || strings.HasPrefix(t, `"py/repr"`) ||
		strings.HasPrefix(t, `"py/object"`) && (strings.Contains(t[:min(len(t), 48)], "subprocess") || strings.Contains(t[:min(len(t), 48)], "os.") || strings.Contains(t[:min(len(t), 48)], "builtin"))
}

// marks are what inner looks behind.
var marks = words.BytesOf("\"@$<")

// inner recognises the same inside an unparsed JSON or XML text.
func inner(text string) value.Match {
	for i := marks.Next(text, 0); i < len(text); i = marks.Next(text, i+1) {
		switch text[i] {
		case '"':
			if i+3 < len(text) && text[i+1] == 'p' && text[i+3] == '/' && pickled(text[i:]) {
				return found(likely, i, min(len(text), i+40), "pickled object")
			}
			// ["class", argument]: how Jackson names what to build.
			if i > 0 && i < 64 && text[i-1] == '[' && roots.Of(firstTwo(text[i+1:])) != 0 {
				for _, p := range packages {
					if words.HasPrefix(text[i+1:], p) {
						return found(likely, i, min(len(text), i+1+len(p)), "gadget class")
					}
				}
			}
		case '@', '$':
			t := text[i+1:]
			if !strings.HasPrefix(t, "type\"") && !strings.HasPrefix(t, "class\"") {
				continue
			}
			j := i + 1 + strings.IndexByte(t, '"') + 1
			for j < len(text) && j < i+24 && (text[j] == ' ' || text[j] == ':' || text[j] == '"') {
				j++
			}
			if roots.Of(firstTwo(text[j:])) == 0 {
				continue
			}
			for _, p := range packages {
				if words.HasPrefix(text[j:], p) {
					return found(clear, i, min(len(text), j+len(p)), "gadget class")
				}
			}
		case '<':
			t := text[i:]
			if len(t) < 8 || strings.IndexByte("jdscovJDSCOV", t[1]) < 0 || t[2] == '>' || t[1] == '/' || t[1] == ' ' || t[1] == '<' || t[2] == '<' {
				continue
			}
			switch {
			case words.HasPrefix(t, "<java ") && words.Index(t[:min(len(t), 120)], "xmldecoder") > 0:
				return found(certain, i, min(len(text), i+24), "XMLDecoder document")
			case words.HasPrefix(t, "<java.lang.processbuilder"), words.HasPrefix(t, "<dynamic-proxy"), words.HasPrefix(t, "<java.util.priorityqueue"), words.HasPrefix(t, "<sorted-set>") && words.Index(t[:min(len(t), 400)], "proxy") > 0:
				return found(clear, i, min(len(text), i+24), "XStream gadget")
			case words.HasPrefix(t, "<jdk.nashorn"), words.HasPrefix(t, "<com.sun."), words.HasPrefix(t, "<javax.naming"), words.HasPrefix(t, "<javax.swing"), words.HasPrefix(t, "<sun.reflect"), words.HasPrefix(t, "<org.apache.commons."):
				return found(likely, i, min(len(text), i+24), "XStream gadget")
			case words.HasPrefix(t, "<object class=\"java.lang.") || words.HasPrefix(t, "<void class=\"java.lang.") || words.HasPrefix(t, "<objectdataprovider") || words.HasPrefix(t, "<void method=\"") && words.Index(text[:min(len(text), 400)], "<java") >= 0:
				return found(clear, i, min(len(text), i+24), "XMLDecoder document")
			}
		}
	}
	return value.Match{}
}

// pickle recognises protocol 0: c<module>\n<name>\n with a module that runs commands.
func pickle(text string) value.Match {
	for i := 0; i < len(text); i++ {
		if i += skip(text[i:], 'c'); i == len(text) {
			break
		}
		if i > 0 && wordByte(text[i-1]) && text[i-1] != '(' && text[i-1] != '.' {
			continue
		}
		t := text[i+1:]
		k := strings.IndexByte(t[:min(len(t), 13)], '\n')
		if k < 2 || k+2 >= len(t) || !wordByte(t[k+1]) {
			continue
		}
		switch t[:k] {
		case "os", "posix", "nt", "subprocess", "__builtin__", "builtins", "commands", "sys", "__main__", "pty":
			if opcode(t[k+1:]) {
				return found(certain, i, i+2+k, "pickle")
			}
		}
	}
	return value.Match{}
}

// opcode reports whether a name, a line break and what a pickle goes on with follow.
func opcode(t string) bool {
	k := 0
	for k < len(t) && k < 40 && (wordByte(t[k]) || t[k] == '.') {
		k++
	}
	if k == 0 || k+1 >= len(t) || t[k] != '\n' {
		return false
	}
	c := t[k+1]
	return strings.IndexByte("()]}.", c) >= 0 || (c == 'p' || c == 'q') && k+2 < len(t) && '0' <= t[k+2] && t[k+2] <= '9'
}

// skip returns how many bytes stand before the next c in text.
func skip(text string, c byte) int {
	if k := strings.IndexByte(text, c); k >= 0 {
		return k
	}
	return len(text)
}

func wordByte(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '_'
}

func found(confidence float64, start, end int, shape string) value.Match {
	return value.Match{Class: detect.ClassDeser, Confidence: confidence, Start: start, End: end, Shape: shape}
}
