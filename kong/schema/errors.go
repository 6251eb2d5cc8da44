package schema

import (
	"fmt"
	"strings"
)

// maxErrors bounds how many problems of one config are listed; the rest is counted.
const maxErrors = 25

// FieldError is one problem of a config.
type FieldError struct {
	// Path names the field: "config.allow[2]"; list places count from 0.
	Path string
	// Problem says what is wrong and what to write instead. It never holds a secret.
	Problem string
}

// Error returns "path: problem".
func (e FieldError) Error() string { return e.Path + ": " + e.Problem }

// Errors are the problems of a config, in the order of its fields.
type Errors []FieldError

// Error returns all problems in one line, separated by "; ".
func (e Errors) Error() string {
	texts := make([]string, len(e))
	for i := range e {
		texts[i] = e[i].Error()
	}
	return strings.Join(texts, "; ")
}

// Unwrap lets errors.As find each FieldError.
func (e Errors) Unwrap() []error {
	list := make([]error, len(e))
	for i := range e {
		list[i] = e[i]
	}
	return list
}

// capped returns the errors with those past the limit replaced by their number.
func (e Errors) capped() Errors {
	if len(e) <= maxErrors {
		return e
	}
	more := len(e) - maxErrors
	return append(e[:maxErrors:maxErrors], FieldError{Path: "config", Problem: fmt.Sprintf("and %d more problems", more)})
}
