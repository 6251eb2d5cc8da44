// Package rule judges requests by rules that an operator has written: virtual patches, which
// close a hole in an application before the application can be mended.
//
// A rule asks for what a request says, not for what it means: a method, a path, an address,
// the text at a place. It must not be possible to say the same so that the rule does not see
// it and the application does. So values are read as the attack engine reads them (package
// extract takes the request apart, package reading undoes encodings), a path also with its
// dots and slashes resolved, and names also as those frameworks read them that change them.
//
// Rules that refuse or report read widely: they hold if a server could read the request so
// that they do. Rules that allow read narrowly: they hold only if no server could read it so
// that they do not. A negated condition is read the other way round.
//
// A set without a rule for the request's method, path and address costs a comparison for
// each rule; with one that asks for values, the request is walked once, the body only if a
// rule asks for the body. All of it is linear in what was sent.
package rule
