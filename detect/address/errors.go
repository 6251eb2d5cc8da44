package address

import (
	"fmt"
	"strings"
)

// maxListed bounds how many bad entries one error text lists.
const maxListed = 10

// EntryError is a bad entry of a list.
type EntryError struct {
	Index int // its place, from 0
	Err   error
}

// Error returns "[2]: reason", so that a caller may put the list's name in front.
func (e EntryError) Error() string { return fmt.Sprintf("[%d]: %v", e.Index, e.Err) }

// Unwrap returns the reason.
func (e EntryError) Unwrap() error { return e.Err }

// EntryErrors are all the bad entries of a list.
type EntryErrors []EntryError

// Error lists the first bad entries and counts the rest.
func (e EntryErrors) Error() string {
	texts := make([]string, 0, maxListed+1)
	for i := range e {
		if i == maxListed {
			texts = append(texts, fmt.Sprintf("and %d more", len(e)-i))
			break
		}
		texts = append(texts, e[i].Error())
	}
	return strings.Join(texts, "; ")
}

// Unwrap lets errors.As find each EntryError.
func (e EntryErrors) Unwrap() []error {
	list := make([]error, len(e))
	for i := range e {
		list[i] = e[i]
	}
	return list
}
