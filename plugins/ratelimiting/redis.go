package ratelimiting

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"kongwaf/internal/redisclient"
	"kongwaf/kong/schema"
)

// Redis is where the counters are under the policy redis.
type Redis struct {
	Host             string `json:"host,omitempty" doc:"Name or address of the Redis server."`
	Port             int    `json:"port" default:"6379" kong:"between=0:65535" doc:"Port of the Redis server."`
	Username         string `json:"username,omitempty" kong:"referenceable" doc:"Username for the Redis server, with Redis 6 or later."`
	Password         string `json:"password,omitempty" kong:"encrypted,referenceable,lenmin=0" doc:"Password for the Redis server."`
	SSL              bool   `json:"ssl" default:"false" doc:"Whether the connection to Redis uses TLS."`
	SSLVerify        bool   `json:"ssl_verify" default:"false" doc:"Whether the Redis server's certificate is verified."`
	SSLCAFile        string `json:"ssl_ca_file,omitempty" doc:"File on this node with the certificates, in PEM form, that ssl_verify trusts. By default those of the system."`
	ServerName       string `json:"server_name,omitempty" doc:"The server name for TLS (SNI), and the one that ssl_verify asks for. By default the host."`
	Timeout          int    `json:"timeout" default:"2000" kong:"between=0:2147483646" doc:"How long a request may wait for Redis in all, in milliseconds."`
	Database         int    `json:"database" default:"0" doc:"The number of the Redis database. A cluster has only 0."`
	ClusterNodes     []Node `json:"cluster_nodes,omitempty" doc:"Nodes of a Redis Cluster, instead of host and port. One that answers is enough."`
	SentinelNodes    []Node `json:"sentinel_nodes,omitempty" doc:"Sentinels that know where the server is, instead of host and port. One that answers is enough."`
	SentinelMaster   string `json:"sentinel_master,omitempty" doc:"The name under which the Sentinels know the server."`
	SentinelUsername string `json:"sentinel_username,omitempty" kong:"referenceable" doc:"Username for the Sentinels."`
	SentinelPassword string `json:"sentinel_password,omitempty" kong:"encrypted,referenceable,lenmin=0" doc:"Password for the Sentinels."`
}

// Node is the address of one of several servers.
type Node struct {
	Host string `json:"host" kong:"required" doc:"Name or address of the server."`
	Port int    `json:"port" default:"6379" kong:"between=0:65535" doc:"Port of the server; Sentinels usually listen on 26379."`
}

// NeedsRedis says that the policy redis cannot do without a server; the prefix says where
// the fields are.
func NeedsRedis(prefix string) schema.EntityCheck {
	return schema.ConditionalAtLeastOneOf(schema.Condition{
		IfField: prefix + "policy", IfMatch: schema.Match{Eq: policyRedis},
		ThenAtLeastOneOf: []string{prefix + "redis.host", prefix + "redis_host", prefix + "redis.cluster_nodes", prefix + "redis.sentinel_nodes"},
		ThenErr:          "policy redis needs to know where Redis is: set one of %s",
	})
}

// redis returns what the config says of Redis. Where the old flat fields are set, they
// count: Kong fills the new ones in with their defaults, so nobody can tell whether those
// were written.
func (c *Config) redis(field string) (redisclient.Settings, error) {
	r := c.Redis
	for _, old := range []struct {
		name    string
		was     string
		nowHas  *string
		flatHas string
	}{
		{name: "redis_host", was: "host", nowHas: &r.Host, flatHas: c.RedisHost},
		{name: "redis_username", was: "username", nowHas: &r.Username, flatHas: c.RedisUsername},
		{name: "redis_password", was: "password", nowHas: &r.Password, flatHas: c.RedisPassword},
		{name: "redis_server_name", was: "server_name", nowHas: &r.ServerName, flatHas: c.RedisServerName},
	} {
		if old.flatHas == "" {
			continue
		}
		if *old.nowHas != "" && *old.nowHas != old.flatHas {
			return redisclient.Settings{}, fmt.Errorf("%s.%s and %s.redis.%s say different things: leave the first one out, it is the old name", field, old.name, field, old.was)
		}
		*old.nowHas = old.flatHas
	}
	override(&r.Port, c.RedisPort)
	override(&r.Timeout, c.RedisTimeout)
	override(&r.Database, c.RedisDatabase)
	override(&r.SSL, c.RedisSSL)
	override(&r.SSLVerify, c.RedisSSLVerify)
	return r.settings(field + ".redis")
}

// override sets a field to what the old one of the same meaning says, if it is there.
func override[T any](field, old *T) {
	if old != nil {
		*field = *old
	}
}

func (r *Redis) settings(field string) (redisclient.Settings, error) {
	s := redisclient.Settings{
		Username: r.Username, Password: r.Password, Database: r.Database,
		TLS: r.SSL, Verify: r.SSLVerify, ServerName: r.ServerName, CAFile: r.SSLCAFile,
		Timeout: time.Duration(r.Timeout) * time.Millisecond,
	}
	cluster, sentinel := len(r.ClusterNodes) > 0, len(r.SentinelNodes) > 0
	switch {
	case r.Timeout == 0:
		return s, fmt.Errorf("%s.timeout: 0 leaves Redis no time to answer: set the milliseconds that a request may wait, such as 2000", field)
	case cluster && sentinel:
		return s, fmt.Errorf("%s.cluster_nodes and %s.sentinel_nodes: set one of them; the nodes of a cluster need no Sentinels", field, field)
	case cluster && r.Database != 0:
		return s, fmt.Errorf("%s.database: a cluster has only database 0, not %d", field, r.Database)
	case sentinel && r.SentinelMaster == "":
		return s, fmt.Errorf("%s.sentinel_master: sentinel_nodes needs the name under which they know the server", field)
	case r.SSLCAFile != "" && !(r.SSL && r.SSLVerify):
		return s, fmt.Errorf("%s.ssl_ca_file: nothing is verified by it unless ssl and ssl_verify are true", field)
	case cluster:
		s.Cluster, s.Addresses = true, join(r.ClusterNodes)
	case sentinel:
		s.Master, s.Addresses = r.SentinelMaster, join(r.SentinelNodes)
		s.SentinelUsername, s.SentinelPassword = r.SentinelUsername, r.SentinelPassword
	case r.Host == "":
		return s, fmt.Errorf("%s.host: policy redis needs the name or address of the server", field)
	default:
		s.Addresses = join([]Node{{Host: r.Host, Port: r.Port}})
	}
	return s, nil
}

// join lists addresses as redisclient wants them.
func join(nodes []Node) string {
	list := make([]string, len(nodes))
	for i, n := range nodes {
		list[i] = net.JoinHostPort(n.Host, strconv.Itoa(n.Port))
	}
	return strings.Join(list, ",")
}

// Deadline implements check.Config: waiting for Redis does not count as computing.
func (c *Config) Deadline() time.Duration {
	d := c.FailOpen.Deadline()
	if c.Policy == policyRedis {
		wait := c.Redis.Timeout
		override(&wait, c.RedisTimeout)
		d += time.Duration(wait) * time.Millisecond
	}
	return d
}
