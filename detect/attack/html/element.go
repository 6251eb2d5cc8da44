package html

// element is an element that matters here; the others are plain.
type element uint8

const (
	plain element = iota
	scriptElement
	styleElement
	frame  // iframe, frame: loads a document
	loader // object, embed, applet: runs what it loads
	layer  // layer, ilayer, bgsound, import: old loaders
	base
	meta
	link
	form
	isindex
	animate   // SVG and SMIL animation, which can set any attribute
	island    // xml, data island of old browsers
	foreign   // svg, math: other rules for their content
	text      // title, textarea, noscript, xmp ...: content is no markup
	importing // import, listener: behaviours and XML events
)

// elementOf returns the element with the given name, in any case, with any prefix before a
// colon and with NULs in it.
func elementOf(name string) element {
	if len(name) == 1 {
		return plain
	}
	var buf [16]byte
	n := 0
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case c == 0:
		case c == ':':
			n = 0
		case n == len(buf):
			return plain
		default:
			buf[n] = lower(c)
			n++
		}
	}
	switch string(buf[:n]) {
	case "script", "handler":
		return scriptElement
	case "style":
		return styleElement
	case "iframe", "frame", "fencedframe":
		return frame
	case "object", "embed", "applet":
		return loader
	case "layer", "ilayer", "bgsound", "event-source", "frameset":
		return layer
	case "base":
		return base
	case "meta":
		return meta
	case "link":
		return link
	case "form":
		return form
	case "isindex":
		return isindex
	case "animate", "set", "animatemotion", "animatetransform", "animatecolor", "animation", "transition":
		return animate
	case "xml":
		return island
	case "svg", "math":
		return foreign
	case "title", "textarea", "noscript", "xmp", "noembed", "noframes", "plaintext", "comment", "template", "select", "option":
		return text
	case "import", "listener":
		return importing
	}
	return plain
}

// rawText reports whether the element's content is not read as markup, so that its end tag
// breaks out of a context.
func rawText(e element) bool {
	return e == text || e == scriptElement || e == styleElement || e == frame
}

// attribute is an attribute that matters here.
type attribute uint8

const (
	plainAttr attribute = iota
	handlerAttr
	styleAttr
	srcAttr  // src, data, code, codebase, classid, archive: what a loader loads
	hrefAttr // href, xlink:href
	srcdocAttr
	httpEquivAttr
	contentAttr
	relAttr
	targetNameAttr  // attributeName of an animation
	targetValueAttr // to, from, values, by of an animation
	dataSourceAttr  // datasrc, datafld
	dataFormatAttr  // dataformatas
	actionAttr
	quietAttr // title, alt ...: shown, never followed
	charsetAttr
	idAttr
	boundAttr // v-on:click, @click, ng-click: run by a framework
	noticeAttr
	typeAttr
)

// attributeOf returns the attribute with the given name, in any case, NULs and leading
// marks (quotes, backticks, slashes left over from another context) ignored.
func attributeOf(name string) attribute {
	i := 0
	for i < len(name) && !isLetter(name[i]) && name[i] != '@' {
		i++
	}
	if len(name)-i < 2 {
		return plainAttr
	}
	var buf [32]byte
	n := 0
	for ; i < len(name); i++ {
		if name[i] == 0 {
			continue
		}
		if n == len(buf) {
			break
		}
		buf[n] = lower(name[i])
		n++
	}
	w := buf[:n]
	if n >= 4 && w[0] == 'o' && w[1] == 'n' {
		for k := 2; k < n; k++ {
			if !isLetter(w[k]) && w[k] != '-' && w[k] != '_' {
				// onerror"..., onload\: marks that a filter or a browser drops
				if k >= 5 && w[k] != ':' && w[k] != '.' && w[k] != '(' {
					return handlerAttr
				}
				return plainAttr
			}
		}
		return handlerAttr
	}
	switch string(w) {
	case "style":
		return styleAttr
	case "src", "data", "code", "codebase", "classid", "archive", "lowsrc", "dynsrc", "object", "mvar":
		return srcAttr
	case "href", "xlink:href", "x:href", "folder":
		return hrefAttr
	case "srcdoc":
		return srcdocAttr
	case "http-equiv":
		return httpEquivAttr
	case "content":
		return contentAttr
	case "rel":
		return relAttr
	case "attributename":
		return targetNameAttr
	case "to", "from", "values", "by":
		return targetValueAttr
	case "datasrc", "datafld":
		return dataSourceAttr
	case "dataformatas":
		return dataFormatAttr
	case "action", "formaction":
		return actionAttr
	case "title", "alt", "placeholder", "class", "label", "summary", "lang", "aria-label":
		return quietAttr
	case "charset":
		return charsetAttr
	case "type":
		return typeAttr
	case "id", "name":
		return idAttr
	case "implementation", "handler":
		return noticeAttr
	}
	switch {
	case n > 5 && string(w[:5]) == "v-on:", n > 1 && w[0] == '@', n > 3 && string(w[:3]) == "ng-", n > 8 && string(w[:8]) == "data-ng-", n > 2 && string(w[:2]) == "x-",
		n > 2 && string(w[:2]) == "v-", n > 3 && string(w[:3]) == "hx-":
		return boundAttr
	}
	return plainAttr
}
