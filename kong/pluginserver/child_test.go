package pluginserver

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Child starts a server in a process of its own: a copy of this test binary, in which
// TestMain finds the variable env set. go-pdk's server takes its name from the executable
// and never returns, hence the copy. Child returns the socket's path and the process.
func Child(t testing.TB, env string) (path string, process *os.Process) {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	require.NoError(t, err)
	copied := filepath.Join(dir, "rec")
	in, err := os.Open(self)
	require.NoError(t, err)
	defer in.Close()
	out, err := os.OpenFile(copied, os.O_CREATE|os.O_WRONLY, 0o700)
	require.NoError(t, err)
	_, err = io.Copy(out, in)
	require.NoError(t, err)
	require.NoError(t, out.Close())
	cmd := exec.Command(copied, "-kong-prefix", dir)
	cmd.Env = append(os.Environ(), env+"="+filepath.Join(dir, "rec.socket"))
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	path = filepath.Join(dir, "rec.socket")
	deadline := time.Now().Add(20 * time.Second)
	for {
		c, err := net.Dial("unix", path)
		if err == nil {
			c.Close()
			return path, cmd.Process
		}
		if time.Now().After(deadline) {
			t.Fatal(fmt.Errorf("the child does not listen: %w", err))
		}
		time.Sleep(5 * time.Millisecond)
	}
}
