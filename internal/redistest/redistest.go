// Package redistest runs Redis servers for tests, on ports of the loopback interface.
package redistest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// Server is one redis-server, which ends with the test.
type Server struct {
	// Host and Port are where it listens, and where it does again after a Restart.
	Host string
	Port int

	t       testing.TB
	program string
	args    []string
	process *exec.Cmd
}

// Start runs the program, given by testtool.Need(t, "redis-server"), and waits until it
// answers. More arguments are for options of redis-server.
func Start(t testing.TB, program string, args ...string) *Server {
	t.Helper()
	s := New(t, program, args...)
	s.Run()
	s.Await()
	return s
}

// New returns a server that does not run yet.
func New(t testing.TB, program string, args ...string) *Server {
	t.Helper()
	port := FreePort(t)
	base := []string{"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--save", "", "--dir", t.TempDir()}
	return &Server{Host: "127.0.0.1", Port: port, t: t, program: program, args: append(base, args...)}
}

// FreePort returns a port that nobody listens on.
func FreePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// Address is host:port.
func (s *Server) Address() string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

// Run starts the process, empty.
func (s *Server) Run() {
	s.t.Helper()
	s.process = exec.Command(s.program, s.args...)
	require.NoError(s.t, s.process.Start())
	process := s.process
	s.t.Cleanup(func() {
		_ = process.Process.Kill()
		_ = process.Wait()
	})
}

// Await waits until the server answers without TLS and password.
func (s *Server) Await() {
	s.t.Helper()
	client := s.Client()
	defer client.Close()
	require.Eventually(s.t, func() bool {
		return client.Ping(context.Background()).Err() == nil
	}, 20*time.Second, 10*time.Millisecond, "redis-server does not answer")
}

// Client returns a client for the test itself.
func (s *Server) Client() *redis.Client {
	return redis.NewClient(&redis.Options{Addr: s.Address(), DialerRetries: 1})
}

// Kill ends the process at once, and waits until it is gone.
func (s *Server) Kill() {
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
}

// Pause stops the process where it is: its connections stay, and nobody answers.
func (s *Server) Pause() { _ = s.process.Process.Signal(syscall.SIGSTOP) }

// Resume ends a Pause.
func (s *Server) Resume() { _ = s.process.Process.Signal(syscall.SIGCONT) }

// StartReplica runs a server that copies another one, and waits until it has.
func StartReplica(t testing.TB, program string, of *Server) *Server {
	t.Helper()
	s := Start(t, program, "--replicaof", of.Host, strconv.Itoa(of.Port))
	client := s.Client()
	defer client.Close()
	require.Eventually(t, func() bool {
		info, _ := client.InfoMap(context.Background(), "replication").Result()
		return info["Replication"]["master_link_status"] == "up"
	}, 30*time.Second, 20*time.Millisecond, "the replica does not come up")
	return s
}

// StartSentinel runs a Sentinel that watches a server and its replica under the name master,
// and makes the replica the server half a second after that has gone.
func StartSentinel(t testing.TB, program string, master *Server) *Server {
	t.Helper()
	folder := t.TempDir()
	conf := filepath.Join(folder, "sentinel.conf")
	s := &Server{Host: "127.0.0.1", Port: FreePort(t), t: t, program: program, args: []string{conf, "--sentinel"}}
	require.NoError(t, os.WriteFile(conf, fmt.Appendf(nil, "port %d\nbind 127.0.0.1\ndir %s\nsentinel monitor master %s %d 1\n"+
		"sentinel down-after-milliseconds master 500\nsentinel failover-timeout master 3000\n", s.Port, folder, master.Host, master.Port), 0o600))
	s.Run()
	s.Await()
	client := redis.NewSentinelClient(&redis.Options{Addr: s.Address()})
	defer client.Close()
	require.Eventually(t, func() bool {
		replicas, _ := client.Replicas(context.Background(), "master").Result()
		return len(replicas) == 1
	}, 30*time.Second, 50*time.Millisecond, "the Sentinel does not find the replica")
	return s
}
