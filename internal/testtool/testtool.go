// Package testtool is for tests that need a program which a machine may not have: they
// are skipped without it, and fail where everything must run (REQUIRE_ALL=1, as in CI).
// .ci/skipped counts the calls of Need and says after `make test` what was left out.
package testtool

import (
	"os"
	"os/exec"
	"testing"
)

// Need returns the path of a program, or ends the test.
func Need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	switch {
	case err == nil:
		return path
	case os.Getenv("REQUIRE_ALL") == "1":
		t.Fatalf("%s is missing and REQUIRE_ALL is set: install it (apt-get install %s)", program, program)
	default:
		t.Skipf("%s is missing", program)
	}
	return ""
}
