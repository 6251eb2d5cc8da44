package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"kongwaf/kong/console"
	"kongwaf/kong/metrics"
	"kongwaf/plugins"
)

// consoleSettings say what the console shows, and to whom.
type consoleSettings struct {
	Listen    string `json:"listen" default:"127.0.0.1:9542" doc:"Address of the console, or off. On an address that others reach, all but health needs token_file or tls_client_ca."`
	TokenFile string `json:"token_file,omitempty" doc:"File with a token that everything but health asks for: Authorization: Bearer, or the password that a browser asks for."`
	TLSCert   string `json:"tls_cert,omitempty" doc:"File with the certificate chain, in PEM, to serve HTTPS. It hides what is shown from others on the way, and keeps nobody out."`
	TLSKey    string `json:"tls_key,omitempty" doc:"File with the certificate's key, in PEM."`
	ClientCA  string `json:"tls_client_ca,omitempty" doc:"File with the authorities, in PEM, whose client certificates may see everything, without a token too."`
	Data      string `json:"data,omitempty" doc:"Folder for the history of events. If not set, the history is kept in memory, at most 16 MB of it."`
	Fleet     bool   `json:"fleet" default:"true" doc:"With redis.address: whether the console shows the events of all nodes. In a large fleet a few consoles are enough."`
	KeepDays  int    `json:"keep_days" default:"30" kong:"between=1:3650" doc:"How many days the history goes back."`
	KeepMB    int    `json:"keep_megabytes" default:"256" kong:"between=1:100000" doc:"How much the history in the folder may take, in MB. The oldest events go first."`
}

// memoryHistory is how much the history may take where there is no folder for it, in bytes.
const memoryHistory = 16 << 20

// validate refuses an address that everybody reaches and nobody is kept from.
func (c *consoleSettings) validate() error {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("console.tls_cert and console.tls_key: set both or none")
	}
	if c.ClientCA != "" && c.TLSCert == "" {
		return errors.New("console.tls_client_ca: set console.tls_cert and console.tls_key too: certificates of clients need HTTPS")
	}
	if c.Listen == "off" || console.IsLocal(c.Listen) || c.TokenFile != "" || c.TLSCert != "" {
		return nil // with TLS alone only health is shown, see open
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fmt.Errorf("console.listen: %q is no address such as 127.0.0.1:9542, and not off", c.Listen)
	}
	return fmt.Errorf("console.listen: others reach %s: set console.token_file, or console.tls_cert, tls_key and tls_client_ca, or listen on 127.0.0.1", c.Listen)
}

// open starts the console and returns its history, nil if it is off. Data is the data folder, "" for
// none.
func (c *consoleSettings) open(ctx context.Context, logger *slog.Logger, numbers *metrics.Table, node, socket, data string, keeper console.Lists) (*console.Store, error) {
	if c.Listen == "off" {
		return nil, nil
	}
	token, err := secretFile("console.token_file", c.TokenFile)
	if err != nil {
		return nil, err
	}
	var config *tls.Config
	if c.TLSCert != "" {
		certificate, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
		if err != nil {
			return nil, fmt.Errorf("console.tls_cert: %w", err)
		}
		config = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	}
	if c.ClientCA != "" {
		authorities, err := os.ReadFile(c.ClientCA)
		if err != nil {
			return nil, fmt.Errorf("console.tls_client_ca: %w", err)
		}
		config.ClientCAs = x509.NewCertPool()
		if !config.ClientCAs.AppendCertsFromPEM(authorities) {
			return nil, fmt.Errorf("console.tls_client_ca: %s holds no certificate in PEM", c.ClientCA)
		}
		config.ClientAuth = tls.VerifyClientCertIfGiven // health needs none
	}
	open := console.IsLocal(c.Listen)
	if !open && token == "" && c.ClientCA == "" {
		logger.Error("console.token_file is not set: others reach the console, so it shows them nothing but health; TLS keeps nobody out", "listen", c.Listen)
	}
	live := &console.Live{}
	bytes := int64(c.KeepMB) << 20
	if c.Data == "" {
		bytes = memoryHistory
	}
	store, err := console.OpenStore(console.StoreOptions{Folder: c.Data, Keep: time.Duration(c.KeepDays) * 24 * time.Hour, Bytes: bytes, Wrote: live.Publish})
	if err != nil {
		return nil, err
	}
	options := console.Options{
		Numbers: numbers, Store: store, Live: live, Token: token, Certificates: c.ClientCA != "", Local: open,
		Version: plugins.Version, Node: node, Socket: socket, Lists: keeper, Logger: logger,
	}
	if data != "" {
		options.Keys = func() ([]byte, error) { return os.ReadFile(filepath.Join(data, plugins.KeyListingFile)) }
	}
	page := console.New(options)
	go c.serve(ctx, logger, page, config)
	return store, nil
}

// serve listens, and goes on trying while the port is taken: at a reload of Kong the one
// before still has it for some seconds.
func (c *consoleSettings) serve(ctx context.Context, logger *slog.Logger, page *console.Console, config *tls.Config) {
	said := false
	for ctx.Err() == nil {
		listener, err := net.Listen("tcp", c.Listen)
		if err == nil {
			scheme := "http"
			if config != nil {
				listener, scheme = tls.NewListener(listener, config), "https"
			}
			logger.Info("console", "address", scheme+"://"+listener.Addr().String())
			if err := page.Serve(ctx, listener); err != nil {
				logger.Error("the console has ended", "error", err)
			}
			return
		}
		if !said {
			said = true
			logger.Error("console.listen: no console until the address is free; another one is set by --console or console.listen", "error", err)
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
}
