package script

// classOf returns the class of a name of the language or of the browser's API. The lists
// are of what the platform offers an attacker (HTML standard, sections 7 and 8; DOM; Web
// APIs), not of payloads.
func classOf(w string) int {
	if len(w) < 2 && w != "$" || len(w) > 22 {
		return plain
	}
	switch w {
	case "break", "case", "catch", "const", "continue", "debugger", "default", "delete", "do", "else", "export", "finally", "for",
		"function", "if", "in", "instanceof", "let", "new", "of", "return", "switch", "throw", "try", "typeof", "var", "void", "while",
		"with", "yield", "await", "async", "class", "extends", "this", "null", "true", "false", "super":
		return keyword
	case "alert", "confirm", "prompt", "eval", "Function", "setTimeout", "setInterval", "setImmediate", "execScript", "atob", "btoa",
		"fromCharCode", "fromCodePoint", "importScripts", "XMLHttpRequest", "WebSocket", "EventSource", "postMessage", "writeln",
		"decodeURIComponent", "unescape", "getScript", "createContextualFragment", "insertAdjacentHTML", "insertAdjacentElement",
		"setAttribute", "appendChild", "createElement", "sendBeacon", "showModalDialog", "queueMicrotask", "requestAnimationFrame",
		"decodeURI", "parseHTML", "setHTML", "setHTMLUnsafe", "expression", "navigate", "pushState", "replaceState",
		"AsyncFunction", "GeneratorFunction", "msSetImmediate", "getOwnPropertyNames", "ActiveXObject", "MsgBox", "msgbox":
		return doer
	case "open", "write", "print", "import", "find", "close", "click", "focus", "assign", "replace", "reload", "$", "jQuery", "ajax",
		"map", "from", "call", "apply", "bind", "require", "log", "prototype", "throws", "get", "post", "Reflect", "fetch", "Image":
		return vague
	case "document", "window", "location", "self", "top", "parent", "frames", "globalThis", "opener", "navigator", "localStorage",
		"sessionStorage", "history", "onerror", "indexedDB", "caches", "Components", "contentWindow", "$event":
		return global
	case "cookie", "innerHTML", "outerHTML", "srcdoc", "constructor", "__proto__", "domain", "defaultView", "contentDocument",
		"documentElement", "body", "href", "ownerDocument", "__defineGetter__", "__defineSetter__", "__lookupGetter__", "valueOf",
		"toString", "hash", "search", "referrer", "innerText", "designMode":
		return prize
	}
	return plain
}

// tame reports whether a member of the document or window only finds, listens or measures:
// what people ask about and paste.
func tame(w string) bool {
	switch w {
	case "getElementById", "querySelector", "querySelectorAll", "getElementsByClassName", "getElementsByTagName", "getElementsByName",
		"addEventListener", "removeEventListener", "ready", "width", "height", "innerWidth", "innerHeight", "screen", "matchMedia",
		"userAgent", "language", "length", "back", "forward", "go", "getItem", "scrollTo", "title", "activeElement", "readyState":
		return true
	}
	return false
}
