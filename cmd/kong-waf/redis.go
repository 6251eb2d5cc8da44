package main

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"kongwaf/internal/redisclient"
)

// redisSettings say where the Redis is that nodes share.
type redisSettings struct {
	Address              string `json:"address,omitempty" doc:"host:port of the server; several with commas: of a cluster's nodes, or of Sentinels where sentinel_master is set."`
	Cluster              bool   `json:"cluster" default:"false" doc:"Whether address is that of a cluster, where only one of its nodes is named."`
	SentinelMaster       string `json:"sentinel_master,omitempty" doc:"Name under which the Sentinels at address know the server."`
	SentinelUsername     string `json:"sentinel_username,omitempty" doc:"Username for the Sentinels."`
	SentinelPasswordFile string `json:"sentinel_password_file,omitempty" doc:"File with the password for the Sentinels."`
	Username             string `json:"username,omitempty" doc:"Username, with Redis 6 or later."`
	PasswordFile         string `json:"password_file,omitempty" doc:"File with the password."`
	Database             int    `json:"database" default:"0" kong:"between=0:1000000" doc:"Number of the database. A cluster has only 0."`
	TLS                  bool   `json:"tls" default:"false" doc:"Whether the connection uses TLS. The server's certificate is verified."`
	TLSCAFile            string `json:"tls_ca_file,omitempty" doc:"File with the certificates, in PEM form, that are trusted. By default those of the system."`
	TLSServerName        string `json:"tls_server_name,omitempty" doc:"The name that the server's certificate must have. By default the host's."`
	Prefix               string `json:"prefix" default:"kong-waf" kong:"match=^[%w._-]+$" doc:"What the keys of what nodes share begin with: nodes with the same one are a fleet."`
	TimeoutMS            int    `json:"timeout_ms" default:"2000" kong:"between=1:60000" doc:"How long connecting, one reading or one writing may take, in milliseconds. No request waits for it."`
}

// settings returns what the client wants to know. An error names the setting and the fix.
func (r *redisSettings) settings() (redisclient.Settings, error) {
	s := redisclient.Settings{
		Cluster: r.Cluster, Master: r.SentinelMaster, SentinelUsername: r.SentinelUsername, Username: r.Username, Database: r.Database,
		TLS: r.TLS, Verify: true, CAFile: r.TLSCAFile, ServerName: r.TLSServerName, Timeout: time.Duration(r.TimeoutMS) * time.Millisecond,
	}
	if r.Address == "" {
		return s, fmt.Errorf("redis.address: missing: write the server's host:port")
	}
	var list []string
	for one := range strings.SplitSeq(r.Address, ",") {
		one = strings.TrimSpace(one)
		host, port, err := net.SplitHostPort(one)
		if n, e := strconv.Atoi(port); err != nil || e != nil || host == "" || n < 1 || n > 65535 {
			return s, fmt.Errorf("redis.address: %q is no host:port such as 127.0.0.1:6379", one)
		}
		list = append(list, one)
	}
	s.Addresses = strings.Join(list, ",")
	switch {
	case s.Master != "" && s.Cluster:
		return s, fmt.Errorf("redis.cluster and redis.sentinel_master: set one of them; the nodes of a cluster need no Sentinels")
	case s.Master == "" && (r.SentinelUsername != "" || r.SentinelPasswordFile != ""):
		return s, fmt.Errorf("redis.sentinel_master: missing: Sentinels need the name under which they know the server")
	case s.Master == "" && len(list) > 1:
		s.Cluster = true
	}
	if s.Cluster && r.Database != 0 {
		return s, fmt.Errorf("redis.database: a cluster has only database 0, not %d", r.Database)
	}
	if !r.TLS && (r.TLSCAFile != "" || r.TLSServerName != "") {
		return s, fmt.Errorf("redis.tls: true is missing: tls_ca_file and tls_server_name mean nothing without it")
	}
	var err error
	if s.Password, err = secretFile("redis.password_file", r.PasswordFile); err != nil {
		return s, err
	}
	s.SentinelPassword, err = secretFile("redis.sentinel_password_file", r.SentinelPasswordFile)
	return s, err
}

// client returns a client. It connects when it is used.
func (r *redisSettings) client() (redis.UniversalClient, error) {
	s, err := r.settings()
	if err != nil {
		return nil, err
	}
	client, err := redisclient.New(s)
	if err != nil {
		return nil, fmt.Errorf("redis.tls_ca_file: %w", err)
	}
	return client, nil
}
