package expect

import (
	"kongwaf/detect"
)

// kind says what is ordinary content.
type kind struct {
	// whole reports whether the text is of the kind from its first byte to its last.
	whole func(*Sight) bool
	// shapes are, by class, those that such a text may show; an empty list is all of them.
	shapes map[detect.Class][]string
}

var (
	ownPaths     = []string{"sensitive path", "hidden file"}
	ownAddresses = []string{"loopback address", "private address"}
	commands     = []string{
		"command as value", "command after operator", "command substitution", "compound command", "compound command of cmd.exe",
		"command made of variables", "command made by a substitution", "redirection to the network", "shell in a variable",
		"evaluation in PowerShell", "option that runs a command", "option that writes a file", "option that sends a file",
	}
	programs = []string{
		"command through a module", "evaluation of input", "call that runs a command", "method that runs a command", "callback that runs code", "call of a call", "import by name",
		"function by its constructor", "backticks in code", "reflection in Python", "literal that is run as a command",
		"command substitution", "hostile expression", "hostile member", "script",
	}
)

// kinds is the whole table. What a shape is not named for stays an attack: JNDI and other
// lookups, which act when they are logged, are in no row, nor are disguises.
var kinds = [kindCount]kind{
	Code: {whole: program, shapes: map[detect.Class][]string{
		detect.ClassRCE: programs, detect.ClassXSS: programs,
		detect.ClassPathTraversal: ownPaths, detect.ClassSSRF: ownAddresses,
	}},
	HTML: {whole: markup, shapes: map[detect.Class][]string{
		detect.ClassXSS: {
			"script element", "script element with a source", "script element, empty", "event handler",
			"script in a style", "script in a style sheet", "document in a frame", "embedded object", "loaded style sheet",
			"script address", "handler of a client framework",
		},
	}},
	SQL:   {whole: statement, shapes: map[detect.Class][]string{detect.ClassSQLi: nil}},
	Shell: {whole: script, shapes: map[detect.Class][]string{detect.ClassRCE: commands, detect.ClassPathTraversal: ownPaths, detect.ClassSSRF: ownAddresses}},
	Paths: {whole: path, shapes: map[detect.Class][]string{detect.ClassPathTraversal: ownPaths, detect.ClassScanner: {"probe path"}}},
	URLs:  {whole: address, shapes: map[detect.Class][]string{detect.ClassSSRF: ownAddresses}},
	Mongo: {whole: query, shapes: map[detect.Class][]string{detect.ClassNoSQLi: {"operator as a name", "query operator"}}},
	GraphQL: {whole: func(*Sight) bool { return true }, shapes: map[detect.Class][]string{
		detect.ClassGraphQL: {Introspection},
	}},
	PromQL: {whole: selector, shapes: map[detect.Class][]string{detect.ClassPathTraversal: ownPaths, detect.ClassSSRF: ownAddresses}},
}

// Introspection is the shape of a query about a GraphQL schema.
const Introspection = "introspection"
