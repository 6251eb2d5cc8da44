package console

import (
	"testing"

	"kongwaf/detect"
)

// TestEveryClassHasAText: an event's page says what its class means.
func TestEveryClassHasAText(t *testing.T) {
	for _, class := range detect.Classes() {
		if describe(class.String()) == class.String() {
			t.Errorf("classTexts has no text for %q", class)
		}
	}
}
