package ratelimiting

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/internal/redistest"
	"kongwaf/internal/testtool"
	"kongwaf/plugins/internal/facts"
)

func TestBadRedis(t *testing.T) {
	for config, want := range map[string]string{
		`"redis":{"port":1}`:                                                                "policy redis needs to know where Redis is: set one of 'config.redis.host'",
		`"redis":{"host":"r","timeout":0}`:                                                  "config.redis.timeout: 0 leaves Redis no time",
		`"redis":{"host":"r"},"redis_timeout":0`:                                            "config.redis.timeout: 0 leaves Redis no time",
		`"redis":{"host":"r"},"redis_host":"s"`:                                             "config.redis_host and config.redis.host say different things",
		`"redis":{"host":"r","password":"one"},"redis_password":"two"`:                      "config.redis_password and config.redis.password say different things",
		`"redis":{"cluster_nodes":[{"host":"r"}],"database":1}`:                             "config.redis.database: a cluster has only database 0",
		`"redis":{"cluster_nodes":[{"host":"r"}],"sentinel_nodes":[{"host":"r"}]}`:          "set one of them",
		`"redis":{"sentinel_nodes":[{"host":"r"}]}`:                                         "config.redis.sentinel_master",
		`"redis":{"host":"r","ssl_ca_file":"/ca.pem"}`:                                      "config.redis.ssl_ca_file: nothing is verified by it unless ssl and ssl_verify are true",
		`"redis":{"host":"r","ssl":true,"ssl_verify":true,"ssl_ca_file":"/does/not/exist"}`: "config.redis.ssl_ca_file: open /does/not/exist",
		`"redis":{"host":"r","ssl":true,"ssl_verify":true,"ssl_ca_file":"redis_test.go"}`:   "redis_test.go holds no certificate in PEM form",
	} {
		_, err := compile(t, `{"minute":5,"policy":"redis",`+config+`}`)
		require.ErrorContains(t, err, want, config)
		require.NotContains(t, err.Error(), "two", "a password")
	}
}

func TestDeadlineLeavesTimeForRedis(t *testing.T) {
	for config, want := range map[string]time.Duration{
		`{"minute":5}`: time.Second,
		`{"minute":5,"policy":"redis","redis":{"host":"r"}}`:                     3 * time.Second,
		`{"minute":5,"policy":"redis","redis":{"host":"r"},"redis_timeout":100}`: 1100 * time.Millisecond,
	} {
		c := &Config{}
		require.NoError(t, Definition().Schema().Decode([]byte(config), c))
		require.Equal(t, want, c.Deadline(), config)
	}
}

// TestRedisSettings: each way to name and to reach a Redis reaches it, and counts there.
// Whoever is not let in gets an error that says why.
func TestRedisSettings(t *testing.T) {
	program := testtool.Need(t, "redis-server")
	cert := redistest.NewTLS(t)
	s := redistest.Start(t, program, append(cert.Args, "--user", "waf", "on", ">secret", "~kong-waf:*", "resetchannels", "-@all", "+eval", "+evalsha", "+time", "+hmget", "+hset", "+ttl", "+expire", "+exists", "+set", "+select", "+ping", "+client", "+hello")...)
	const wait = `"timeout":10000`
	tls := fmt.Sprintf(`"host":"127.0.0.1","port":%d,"ssl":true,%s`, cert.Port, wait)
	flat := fmt.Sprintf(`"redis_host":"127.0.0.1","redis_port":%d,"redis_timeout":10000`, s.Port)
	plain := fmt.Sprintf(`"host":"127.0.0.1","port":%d,%s`, s.Port, wait)
	for _, tc := range []struct {
		name, config string
		database     int
		fault        string
	}{
		{name: "plain", config: `"redis":{` + plain + `}`},
		{name: "the old names", config: flat + `,"redis_database":2,"redis_username":"waf","redis_password":"secret"`, database: 2},
		{name: "the old names of TLS", config: fmt.Sprintf(`"redis":{"ssl_ca_file":%q},"redis_host":"127.0.0.1","redis_port":%d,"redis_ssl":true,"redis_ssl_verify":true,"redis_server_name":"redis.test","redis_timeout":10000`, cert.CAFile, cert.Port)},
		{name: "another database", config: `"redis":{"database":3,` + plain + `}`, database: 3},
		{name: "a user with rights on our keys only", config: `"redis":{"username":"waf","password":"secret",` + plain + `}`},
		{name: "a wrong password", config: `"redis":{"username":"waf","password":"wrong-one",` + plain + `}`, fault: "WRONGPASS"},
		{name: "TLS, not verified", config: `"redis":{` + tls + `}`},
		{name: "TLS, verified", config: fmt.Sprintf(`"redis":{"ssl_verify":true,"server_name":"redis.test","ssl_ca_file":%q,%s}`, cert.CAFile, tls)},
		{name: "TLS, another name", config: fmt.Sprintf(`"redis":{"ssl_verify":true,"server_name":"other.test","ssl_ca_file":%q,%s}`, cert.CAFile, tls), fault: "redis.test, not other.test"},
		{name: "TLS, nobody vouches", config: `"redis":{"ssl_verify":true,"server_name":"redis.test",` + tls + `}`, fault: "certificate"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			client := s.Client()
			defer client.Close()
			require.NoError(t, client.FlushAll(context.Background()).Err())
			one, err := compile(t, `{"year":1,"policy":"redis","fault_tolerant":false,`+tc.config+`}`)
			require.NoError(t, err)
			f := &facts.Facts{ClientIP: "192.0.2.1", RequestID: "a"}
			v := one.Judge(f)
			if tc.fault != "" {
				require.Equal(t, 500, v.Status)
				require.ErrorContains(t, v.Fault, tc.fault)
				require.NotContains(t, v.Fault.Error(), "wrong-one")
				return
			}
			require.NoError(t, v.Fault)
			require.False(t, v.Denied)
			require.False(t, one.Judge(f).Denied, "a repeated event is not counted again")
			f.RequestID = "b"
			require.Equal(t, 429, one.Judge(f).Status)
			space, err := client.InfoMap(context.Background(), "keyspace").Result()
			require.NoError(t, err)
			require.Contains(t, space["Keyspace"], fmt.Sprint("db", tc.database))
			require.Len(t, space["Keyspace"], 1)
		})
	}
}

// TestFaultTolerant: what requests get while Redis is away is for fault_tolerant to say, not
// for on_error, and is no judgement that somebody would take for one.
func TestFaultTolerant(t *testing.T) {
	server := redistest.New(t, testtool.Need(t, "redis-server")) // it does not run yet
	for _, tolerant := range []bool{true, false} {
		one, err := compile(t, fmt.Sprintf(`{"year":1,"policy":"redis","on_error":"deny","fault_tolerant":%v,"redis":{"host":"127.0.0.1","port":%d,"timeout":5000}}`, tolerant, server.Port))
		require.NoError(t, err)
		for range 6 { // the breaker opens meanwhile
			v := one.Judge(&facts.Facts{ClientIP: "192.0.2.1"})
			require.False(t, v.Failed)
			require.Equal(t, !tolerant, v.Denied)
			require.Equal(t, map[bool]string{true: "Redis is away, the request was not counted", false: "store_away"}[tolerant], v.Reason)
			require.ErrorContains(t, v.Fault, "connection refused")
			require.Empty(t, v.Response.Set, "no limits are told")
			if !tolerant {
				require.Equal(t, 500, v.Status)
				require.Equal(t, "An unexpected error occurred", v.Message)
			}
		}
	}
}

// TestLocalNeedsNoRedis: what says where Redis is does not matter to the policy local.
func TestLocalNeedsNoRedis(t *testing.T) {
	_, err := compile(t, `{"minute":5,"redis":{"host":"r","timeout":0}}`)
	require.NoError(t, err)
	_, err = compile(t, fmt.Sprintf(`{"minute":5,"redis_host":"r","redis":{"host":"s","ssl_ca_file":%q}}`, filepath.Join(t.TempDir(), "none")))
	require.NoError(t, err)
}
