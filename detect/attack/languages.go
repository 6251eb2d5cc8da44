package attack

import (
	"kongwaf/detect/attack/code"
	"kongwaf/detect/attack/crlf"
	"kongwaf/detect/attack/html"
	"kongwaf/detect/attack/inside"
	"kongwaf/detect/attack/js"
	"kongwaf/detect/attack/ldap"
	"kongwaf/detect/attack/link"
	"kongwaf/detect/attack/nosql"
	"kongwaf/detect/attack/path"
	"kongwaf/detect/attack/prototype"
	"kongwaf/detect/attack/scanner"
	"kongwaf/detect/attack/serial"
	"kongwaf/detect/attack/shell"
	"kongwaf/detect/attack/sql"
	"kongwaf/detect/attack/ssi"
	"kongwaf/detect/attack/template"
	"kongwaf/detect/attack/upload"
	"kongwaf/detect/attack/value"
	"kongwaf/detect/attack/xml"
	"kongwaf/detect/attack/xpath"
)

// language is one attacked language: a package below this one.
type language struct {
	name string
	// possible reports whether a value can hold an attack at all, by nothing but its traits,
	// pairs, source and whether it is a name.
	possible func(*value.Value) bool
	// judge looks at one decoded value.
	judge func(*value.Value) value.Match
	// structured says that the language's attacks are JSON documents as such, besides what
	// their strings hold.
	structured bool
}

// structured is the set of the languages whose attacks can be JSON.
var structured = func() (mask uint32) {
	for i := range languages {
		if languages[i].structured {
			mask |= 1 << i
		}
	}
	return mask
}()

// languages are all that the engine knows of attacks; a new one needs a row here and
// a question in ask. At most 32.
var languages = [...]language{
	{name: "sql", possible: sql.Possible, judge: sql.Judge},
	{name: "nosql", possible: nosql.Possible, judge: nosql.Judge, structured: true},
	{name: "html", possible: html.Possible, judge: html.Judge},
	{name: "js", possible: js.Possible, judge: js.Judge},
	{name: "template", possible: template.Possible, judge: template.Judge},
	{name: "xml", possible: xml.Possible, judge: xml.Judge},
	{name: "ssi", possible: ssi.Possible, judge: ssi.Judge},
	{name: "ldap", possible: ldap.Possible, judge: ldap.Judge},
	{name: "xpath", possible: xpath.Possible, judge: xpath.Judge},
	{name: "shell", possible: shell.Possible, judge: shell.Judge},
	{name: "code", possible: code.Possible, judge: code.Judge},
	{name: "path", possible: path.Possible, judge: path.Judge},
	{name: "link", possible: link.Possible, judge: link.Judge},
	{name: "crlf", possible: crlf.Possible, judge: crlf.Judge},
	{name: "serial", possible: serial.Possible, judge: serial.Judge, structured: true},
	{name: "upload", possible: upload.Possible, judge: upload.Judge},
	{name: "scanner", possible: scanner.Possible, judge: scanner.Judge},
	{name: "prototype", possible: prototype.Possible, judge: prototype.Judge, structured: true},
	{name: "inside", possible: inside.Possible, judge: inside.Judge},
}

// ask returns the set of languages for which a value is possible: the rows' own functions,
// called one by one, since calls through a table cost more than most of the answers.
func ask(v *value.Value) (mask uint32) {
	if sql.Possible(v) {
		mask |= 1 << 0
	}
	if nosql.Possible(v) {
		mask |= 1 << 1
	}
	if html.Possible(v) {
		mask |= 1 << 2
	}
	if js.Possible(v) {
		mask |= 1 << 3
	}
	if template.Possible(v) {
		mask |= 1 << 4
	}
	if xml.Possible(v) {
		mask |= 1 << 5
	}
	if ssi.Possible(v) {
		mask |= 1 << 6
	}
	if ldap.Possible(v) {
		mask |= 1 << 7
	}
	if xpath.Possible(v) {
		mask |= 1 << 8
	}
	if shell.Possible(v) {
		mask |= 1 << 9
	}
	if code.Possible(v) {
		mask |= 1 << 10
	}
	if path.Possible(v) {
		mask |= 1 << 11
	}
	if link.Possible(v) {
		mask |= 1 << 12
	}
	if crlf.Possible(v) {
		mask |= 1 << 13
	}
	if serial.Possible(v) {
		mask |= 1 << 14
	}
	if upload.Possible(v) {
		mask |= 1 << 15
	}
	if scanner.Possible(v) {
		mask |= 1 << 16
	}
	if prototype.Possible(v) {
		mask |= 1 << 17
	}
	if inside.Possible(v) {
		mask |= 1 << 18
	}
	return mask
}
