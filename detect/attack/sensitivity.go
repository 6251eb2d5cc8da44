package attack

import "fmt"

// Sensitivity says how sure the engine must be before it calls a request blocked. The
// zero value is Medium.
type Sensitivity uint8

// The sensitivities. Their text forms are part of the plugins' config.
const (
	// Medium blocks what is an attack: the default.
	Medium Sensitivity = iota
	// Low blocks only what is an attack beyond doubt. Of what Medium blocks it leaves what an
	// API for it may be sent: whole SQL statements, sensitive paths, addresses of the own
	// network, queries about a GraphQL schema.
	Low
	// High also blocks what is merely suspicious.
	High
)

// threshold is the score at which a request counts as blocked; value.Match documents the
// scale.
var thresholds = [...]float64{Medium: 0.7, Low: 0.8, High: 0.4}

var sensitivityNames = [...]string{Medium: "medium", Low: "low", High: "high"}

// ParseSensitivity returns the sensitivity with the given name; "" is Medium.
func ParseSensitivity(name string) (Sensitivity, error) {
	if name == "" {
		return Medium, nil
	}
	for s, own := range sensitivityNames {
		if own == name {
			return Sensitivity(s), nil
		}
	}
	return Medium, fmt.Errorf("%q is not a sensitivity: low, medium or high", name)
}

// String returns the sensitivity's name.
func (s Sensitivity) String() string {
	if int(s) < len(sensitivityNames) {
		return sensitivityNames[s]
	}
	return fmt.Sprintf("sensitivity(%d)", uint8(s))
}
