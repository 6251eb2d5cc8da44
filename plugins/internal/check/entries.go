package check

import "fmt"

// Entries returns one error for each bad entry of a list, each naming the entry: the
// libraries' errors begin with "[2]: ", and know nothing of fields.
func Entries(field string, err error) []error {
	if err == nil {
		return nil
	}
	if list, ok := err.(interface{ Unwrap() []error }); ok {
		var errs []error
		for _, e := range list.Unwrap() {
			errs = append(errs, fmt.Errorf("%s%w", field, e))
		}
		return errs
	}
	return []error{fmt.Errorf("%s: %w", field, err)}
}
