package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// freeAddress returns an address of the loopback that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// startDemo starts what `make run` starts, with its temporary files in a folder of its own.
func startDemo(t *testing.T, listen string) (cmd *exec.Cmd, temp string) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	temp, err = os.MkdirTemp("", "demo") // t.TempDir's long names do not fit into a socket's
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(temp) })
	cmd = exec.Command(self, "demo", "--listen", listen, "--upstream", freeAddress(t), "--console", "off")
	cmd.Env = append(os.Environ(), asMain+"=1", "TMPDIR="+temp)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })

	lines := bufio.NewScanner(out)
	first := true
	for lines.Scan() {
		if first {
			require.Contains(t, lines.Text(), "not Kong")
			first = false
		}
		if strings.HasPrefix(lines.Text(), "Ctrl-C") {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return cmd, temp
		}
	}
	t.Fatal("the demo ended before it was ready")
	return nil, ""
}

// TestDemo runs the README's main job in processes of its own: the six things to try answer
// as promised, and after Ctrl-C nothing is left.
func TestDemo(t *testing.T) {
	listen := freeAddress(t)
	cmd, temp := startDemo(t, listen)

	status := func(method, path, contentType, body string, key bool) int {
		request, err := http.NewRequest(method, "http://"+listen+path, strings.NewReader(body))
		require.NoError(t, err)
		if key {
			request.Header.Set("apikey", "demo-key")
		}
		if contentType != "" {
			request.Header.Set("Content-Type", contentType)
		}
		answer, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		readAll(t, answer.Body)
		return answer.StatusCode
	}
	require.Equal(t, 200, status("GET", "/api/users?name=O%27Brien", "", "", true))
	require.Equal(t, 200, status("POST", "/api/users", "application/json", `{"name":"Ann","note":"select the best; it's fine"}`, true))
	require.Equal(t, 403, status("GET", "/api/users?name="+url.QueryEscape("' OR 1=1 -- "), "", "", true))
	require.Equal(t, 401, status("GET", "/api/users", "", "", false))
	require.Equal(t, 403, status("GET", "/office", "", "", false))
	refused := 0
	for range 7 {
		if status("GET", "/limited", "", "", false) == 429 {
			refused++
		}
	}
	require.GreaterOrEqual(t, refused, 1, "two of seven; one if a minute ends between them")

	children := childrenOf(t, cmd.Process.Pid)
	require.NotEmpty(t, children, "the plugin server is a process of its own")
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	require.NoError(t, cmd.Wait(), "Ctrl-C is no failure")
	for _, pid := range children {
		require.Eventually(t, func() bool { return !alive(pid) }, 5*time.Second, 20*time.Millisecond, "process %d is left", pid)
	}
	left, err := os.ReadDir(temp)
	require.NoError(t, err)
	require.Empty(t, left, "temporary files are left")
	_, err = net.Dial("tcp", listen)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
}

func TestDemoSaysWhichPortIsTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	taken := l.Addr().String()
	for _, args := range [][]string{
		{"--listen", taken, "--upstream", freeAddress(t), "--console", "off"},
		{"--listen", freeAddress(t), "--upstream", taken, "--console", "off"},
		{"--listen", freeAddress(t), "--upstream", freeAddress(t), "--console", taken},
	} {
		var stderr strings.Builder
		require.Equal(t, 1, runDemo(args, nil, io.Discard, &stderr))
		require.Contains(t, stderr.String(), taken+" is in use by another program")
		require.Contains(t, stderr.String(), "make run")
	}
}

// childrenOf returns the processes below a process, at any depth.
func childrenOf(t *testing.T, pid int) (pids []int) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(t, err)
	parents := map[int]int{}
	for _, file := range stats {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		var child, parent int
		var state string
		_, _ = fmt.Sscanf(string(text), "%d", &child)
		_, _ = fmt.Sscanf(string(text[strings.LastIndexByte(string(text), ')')+1:]), " %s %d", &state, &parent)
		parents[child] = parent
	}
	for child := range parents {
		for p := parents[child]; p > 1; p = parents[p] {
			if p == pid {
				pids = append(pids, child)
				break
			}
		}
	}
	return pids
}

// alive reports whether a process runs; one that has ended and is not collected does not.
func alive(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	return !strings.HasPrefix(string(text[strings.LastIndexByte(string(text), ')')+1:]), " Z")
}
