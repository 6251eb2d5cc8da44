package main

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/internal/redisclient"
	"kongwaf/internal/redistest"
	"kongwaf/internal/testtool"
)

func TestRedisSettings(t *testing.T) {
	folder := t.TempDir()
	secret := filepath.Join(folder, "secret")
	require.NoError(t, os.WriteFile(secret, []byte("s3\n"), 0o600))
	file := filepath.Join(folder, "kong-waf.yaml")
	for _, tc := range []struct {
		name, yaml, err string
		want            redisclient.Settings
	}{
		{name: "a server", yaml: "address: r:6379", want: redisclient.Settings{Addresses: "r:6379"}},
		{name: "a server with all there is", yaml: "address: '[::1]:6379', username: u, password_file: " + secret + ", database: 3, tls: true, tls_server_name: n, tls_ca_file: f, timeout_ms: 50",
			want: redisclient.Settings{Addresses: "[::1]:6379", Username: "u", Password: "s3", Database: 3, TLS: true, ServerName: "n", CAFile: "f", Timeout: 50 * time.Millisecond}},
		{name: "a cluster, by its nodes", yaml: "address: 'a:1, b:2'", want: redisclient.Settings{Addresses: "a:1,b:2", Cluster: true}},
		{name: "a cluster, by one node", yaml: "address: a:1, cluster: true", want: redisclient.Settings{Addresses: "a:1", Cluster: true}},
		{name: "Sentinels", yaml: "address: 'a:1,b:2', sentinel_master: m, sentinel_username: u, sentinel_password_file: " + secret,
			want: redisclient.Settings{Addresses: "a:1,b:2", Master: "m", SentinelUsername: "u", SentinelPassword: "s3"}},
		{name: "no address", yaml: "database: 1", err: "redis.address: missing"},
		{name: "no port", yaml: "address: r", err: `redis.address: "r" is no host:port`},
		{name: "a URL", yaml: "address: redis://r:6379", err: "redis.address: "},
		{name: "an empty one among several", yaml: "address: 'a:1,,b:2'", err: `redis.address: "" is no host:port`},
		{name: "a port that is none", yaml: "address: r:66000", err: "redis.address: "},
		{name: "both kinds", yaml: "address: a:1, cluster: true, sentinel_master: m", err: "redis.cluster and redis.sentinel_master"},
		{name: "a Sentinel's password alone", yaml: "address: a:1, sentinel_password_file: " + secret, err: "redis.sentinel_master: missing"},
		{name: "a cluster's database", yaml: "address: 'a:1,b:1', database: 2", err: "redis.database: a cluster has only database 0, not 2"},
		{name: "a certificate without TLS", yaml: "address: a:1, tls_ca_file: f", err: "redis.tls: true is missing"},
		{name: "no such password", yaml: "address: a:1, password_file: " + folder + "/none", err: "redis.password_file: "},
		{name: "no time", yaml: "address: a:1, timeout_ms: 0", err: "redis.timeout_ms"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(file, []byte("redis: {"+tc.yaml+"}\n"), 0o600))
			set, err := loadSettings(file, nil)
			var got redisclient.Settings
			if err == nil {
				got, err = set.Redis.settings()
			}
			if tc.err != "" {
				require.ErrorContains(t, err, tc.err)
				return
			}
			require.NoError(t, err)
			tc.want.Verify = true
			if tc.want.Timeout == 0 {
				tc.want.Timeout = 2 * time.Second
			}
			require.Equal(t, tc.want, got)
		})
	}
}

// TestRedisClientVerifies: with TLS the server is who it says, by the file's certificate and
// the name, or nobody is talked to.
func TestRedisClientVerifies(t *testing.T) {
	program := testtool.Need(t, "redis-server")
	secure := redistest.NewTLS(t)
	redistest.Start(t, program, secure.Args...)
	r := redisSettings{Address: "127.0.0.1:" + strconv.Itoa(secure.Port), TLS: true, TLSCAFile: secure.CAFile, TLSServerName: "redis.test", TimeoutMS: 5000}
	ping := func() error {
		client, err := r.client()
		require.NoError(t, err)
		defer client.Close()
		return client.Ping(context.Background()).Err()
	}
	require.NoError(t, ping())
	r.TLSServerName = "other.test"
	require.ErrorContains(t, ping(), "other.test")
	r.TLSServerName, r.TLSCAFile = "redis.test", ""
	require.ErrorContains(t, ping(), "unknown authority")
	r.TLSCAFile = filepath.Join(t.TempDir(), "none")
	_, err := r.client()
	require.ErrorContains(t, err, "redis.tls_ca_file: ")
}
