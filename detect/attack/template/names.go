package template

// strength of a name that occurs in an expression
const (
	nothing  = iota
	context  // an object that engines hand to templates: config, request
	mild     // an everyday method, telling only on a context object: items, attr
	systemic // a class of the runtime: File, System
	reaching // leads from an object to its class, its globals, a shell: constructor, system
	dunder   // Python's reflection and engines' internals: no placeholder has it
)

// joinWord reports whether a word stands between operands.
func joinWord(w string) bool {
	if len(w) > 10 {
		return false
	}
	switch w {
	case "in", "is", "not", "and", "or", "if", "else", "for", "as", "new", "matches", "instanceof", "eq", "ne", "gt", "lt", "ge", "le", "div", "mod", "typeof",
		"return", "import", "from", "with", "include", "let", "var", "each", "b":
		return true
	}
	return false
}

// exposing reports whether an object of a template's context shows secrets or a way out by
// itself when it is printed.
func exposing(name string) bool {
	switch name {
	case "config", "self", "settings", "_context", "ENV", "constructor", "environ", "request", "lipsum", "cycler", "joiner", "url_for", "applicationScope", "sessionScope", "requestScope",
		"pageContext", "initParam", "get_flashed_messages":
		return true
	}
	return false
}

// tells reports whether a member of an object tells of the server that runs the template:
// process.env, request.server.
func tells(object, member string) bool {
	switch object {
	case "process":
		return member == "env" || member == "mainModule" || member == "argv" || member == "versions" || member == "binding"
	case "request":
		return member == "server" || member == "environ" || member == "application" || member == "args" || member == "cookies" || member == "form"
	case "pageContext":
		return member == "request" || member == "response" || member == "session" || member == "servletContext" || member == "class"
	case "facesContext":
		return member == "externalContext" || member == "getExternalContext" || member == "application"
	case "globalThis", "global":
		return member == "process"
	}
	return false
}

// strengthOf returns what a name leads to. The names are of what engines and their
// languages offer (Jinja, Twig, Freemarker, Velocity, Smarty, Mako, ERB, Thymeleaf,
// AngularJS; Python, PHP, Java, Ruby and Node below them).
func strengthOf(w string) int {
	if len(w) >= 5 && w[0] == '_' && w[1] == '_' && w[len(w)-1] == '_' && w[len(w)-2] == '_' {
		return dunder
	}
	if len(w) < 2 || len(w) > 32 {
		return nothing
	}
	switch w {
	case "_self", "_TemplateReference__context", "_NSAttr__parent", "_mmarker", "_with_template", "registerUndefinedFilterCallback",
		"registerUndefinedFunction", "getRuntime", "ProcessBuilder", "subclasses", "ScriptEngineManager", "mainModule":
		return dunder
	case "applicationScope", "sessionScope", "requestScope", "pageScope", "pageContext", "initParam",
		"config", "request", "self", "settings", "app", "cycler", "joiner", "namespace", "lipsum", "url_for", "get_flashed_messages",
		"session", "application", "smarty", "process", "global", "globals", "environment", "handler":
		return context
	case "items", "iteritems", "itervalues", "attr", "os", "toUpperCase", "charAt", "env", "loader", "get", "readline", "import_string", "popitem":
		return mild
	case "File", "IO", "Dir", "Process", "System", "Open3":
		return systemic
	case "constructor", "getClass", "forName", "Runtime", "exec", "execSync", "spawn", "system", "popen", "passthru", "shell_exec", "eval", "mro",
		"child_process", "subprocess", "getFilter", "newInstance", "getEngineByName", "ClassLoader", "getDeclaredConstructor", "getMethod", "invoke",
		"dump", "phpinfo", "file_get_contents", "readFile", "readFileSync", "Kernel", "file_excerpt", "call_user_func", "create_function", "builtins",
		"importlib", "linecache", "from_string", "render_template_string", "getProtectedMethod", "Execute", "ObjectConstructor", "JythonRuntime",
		"getServletContext", "getResource", "fread", "proc_open", "fromCharCode", "globalThis", "$eval", "SECRET_KEY", "classLoader", "check_output", "instance_eval":
		return reaching
	}
	return nothing
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
