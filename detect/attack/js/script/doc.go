// Package script reads a text as JavaScript and says what it would do: nothing, call
// something, or reach for what only an attacker wants (dialogs, eval, cookies, the DOM).
//
// It is neither a parser nor an interpreter. It walks tokens and keeps one fact, whether
// the last token ended an operand; two operands in a row are no program but prose, and
// reading ends there. So "call me (please)" is nothing and "alert(1)//rest" is a call.
// Its limits: names that a program puts together at run time are only seen by how they
// are used ("x['al'+'ert'](1)"), and what follows a contradiction is not seen.
package script
