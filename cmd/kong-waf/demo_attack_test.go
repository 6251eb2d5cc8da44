package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDemoAttack: the table is as the modes promise, and the command says so itself.
func TestDemoAttack(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	temp, err := os.MkdirTemp("", "attack")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(temp) })
	console := freeAddress(t)
	cmd := exec.Command(self, "demo-attack", "--exit", "--listen", freeAddress(t), "--upstream", freeAddress(t), "--console", console)
	cmd.Env = append(os.Environ(), asMain+"=1", "TMPDIR="+temp)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	t.Logf("%s", out)
	fields := strings.Join(strings.Fields(string(out)), " ")
	require.Contains(t, fields, "mode requests passed reported blocked "+
		"off good 10 0 0 bad 10 0 0 "+
		"monitoring good 10 0 0 bad 0 10 0 "+
		"safe_blocking good 10 0 0 bad 0 10 0 "+
		"safe_blocking, from grey good 10 0 0 bad 0 0 10 "+
		"block good 10 0 0 bad 0 0 10")
	require.NotContains(t, fields, "http://"+console, "with --exit there is no console left to look at")
	left, err := os.ReadDir(temp)
	require.NoError(t, err)
	require.Empty(t, left)
}
