// Package redisclient makes clients of a Redis server, of one that Sentinels watch, or of a
// Redis Cluster. It is the one place that knows how TLS and timeouts are set up.
package redisclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Settings say where Redis is and how to talk to it. They are comparable: two that are
// equal can share a client.
type Settings struct {
	// Addresses are host:port, several with commas: of the server, of Sentinels if Master
	// is set, of a cluster's nodes if Cluster is. One that answers is enough.
	Addresses string
	Cluster   bool
	// Master is the name under which Sentinels know the server.
	Master                             string
	SentinelUsername, SentinelPassword string
	Username, Password                 string
	Database                           int
	// TLS encrypts; Verify also makes sure of the server, by the certificates of CAFile or
	// else the system's, under ServerName or else the host's name.
	TLS, Verify        bool
	ServerName, CAFile string
	// Timeout bounds connecting, each reading and each writing. Zero is go-redis' default.
	Timeout time.Duration
	// Connections bounds the pool. Zero is go-redis' default.
	Connections int
}

// New returns a client. It connects when it is used, and never tries a command twice: the
// caller knows what that would mean.
func New(s Settings) (redis.UniversalClient, error) {
	hush()
	o := &redis.UniversalOptions{
		Addrs:                 strings.Split(strings.ReplaceAll(s.Addresses, " ", ""), ","),
		IsClusterMode:         s.Cluster,
		MasterName:            s.Master,
		SentinelUsername:      s.SentinelUsername,
		SentinelPassword:      s.SentinelPassword,
		Username:              s.Username,
		Password:              s.Password,
		DB:                    s.Database,
		DialTimeout:           s.Timeout,
		ReadTimeout:           s.Timeout,
		WriteTimeout:          s.Timeout,
		PoolTimeout:           s.Timeout,
		PoolSize:              s.Connections,
		ContextTimeoutEnabled: true,
		MaxRetries:            -1,
		DialerRetries:         1,
		ConnMaxIdleTime:       time.Minute,
	}
	if s.TLS {
		config, err := s.tls()
		if err != nil {
			return nil, err
		}
		o.TLSConfig = config
	}
	return redis.NewUniversalClient(o), nil
}

// hush keeps go-redis from writing lines of its own, which nobody bounds: what they tell is
// in the errors of the commands too.
var hush = sync.OnceFunc(func() { redis.SetLogger(silent{}) })

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

func (s *Settings) tls() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: s.ServerName, InsecureSkipVerify: !s.Verify}
	if s.CAFile == "" {
		return config, nil
	}
	pem, err := os.ReadFile(s.CAFile)
	if err != nil {
		return nil, err
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate in PEM form", s.CAFile)
	}
	return config, nil
}
