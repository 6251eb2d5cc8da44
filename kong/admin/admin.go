// Package admin reads Kong's own key-auth credentials through its Admin API. It only reads,
// and it trusts the far side with nothing but its answers: pages, sizes and time are bounded,
// no redirect and no link to another host is followed, and no error holds a key or the token.
package admin

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"
)

// Bounds on what an Admin API may answer.
const (
	MaxCredentials = 1_000_000
	pageSize       = 1000 // Kong's own maximum
	maxPage        = 16 << 20
	maxPages       = 20_000
	maxEmptyPages  = 100 // in a row: a page of expired credentials is empty
	maxToken       = 4096
)

// Settings say where the Admin API is and how to talk to it.
type Settings struct {
	// URL is http://127.0.0.1:8001, https://HOST:8444, with a workspace /NAME behind it, or
	// unix:///PATH.
	URL string
	// TokenFile holds what is sent as Kong-Admin-Token. It is read each time.
	TokenFile string
	// CAFile has the certificates that the server's must be signed by, the system's if it is
	// empty; ServerName is the name in it, the URL's host if it is empty. NoVerify believes
	// any certificate.
	CAFile, ServerName string
	NoVerify           bool
	// CertFile and KeyFile are our own certificate, where the Admin API asks for one.
	CertFile, KeyFile string
	// Timeout bounds one reading of everything.
	Timeout time.Duration
}

// Client reads from one Admin API. It is safe for concurrent use.
type Client struct {
	settings Settings
	base     *url.URL
	http     *http.Client
	most     int // MaxCredentials
}

// New returns a client. Nothing is connected yet. An error names the setting.
func New(s Settings) (*Client, error) {
	base, err := url.Parse(s.URL)
	if err != nil {
		return nil, errors.New("url: not a URL: write http://127.0.0.1:8001, https://HOST:8444 or unix:///PATH")
	}
	transport := &http.Transport{
		Proxy:                  nil, // keys and token go to the Admin API and nowhere else
		MaxIdleConns:           1,
		IdleConnTimeout:        time.Minute,
		ResponseHeaderTimeout:  s.Timeout,
		MaxResponseHeaderBytes: 64 << 10,
		TLSHandshakeTimeout:    10 * time.Second,
		ForceAttemptHTTP2:      true,
	}
	switch {
	case base.User != nil:
		return nil, errors.New("url: has a username or password in it: write the token to a file and name it in token_file")
	case base.RawQuery != "" || base.Fragment != "":
		return nil, errors.New("url: has a query or a fragment: write only scheme, host, port, and the workspace's path")
	case base.Scheme == "unix" && base.Host == "" && len(base.Path) > 1:
		socket := base.Path
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		}
		base = &url.URL{Scheme: "http", Host: "localhost"}
	case (base.Scheme == "http" || base.Scheme == "https") && base.Hostname() != "":
		base.Path = strings.TrimSuffix(base.Path, "/")
		if s.TokenFile != "" && base.Scheme == "http" && !isLoopback(base.Hostname()) {
			return nil, errors.New("url: http would send the token of token_file in the clear: use https, a Unix socket, or an address of this machine")
		}
	default:
		return nil, errors.New("url: write http://127.0.0.1:8001, https://HOST:8444 or unix:///PATH")
	}
	if transport.TLSClientConfig, err = s.tls(); err != nil {
		return nil, err
	}
	return &Client{settings: s, base: base, most: MaxCredentials, http: &http.Client{
		Transport: transport,
		Timeout:   s.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // the token is for this address only
		},
	}}, nil
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// Plain reports whether keys come over the network unencrypted.
func (c *Client) Plain() bool { return c.base.Scheme == "http" && !isLoopback(c.base.Hostname()) }

func (s *Settings) tls() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: s.ServerName, InsecureSkipVerify: s.NoVerify}
	if s.CAFile != "" {
		pem, err := os.ReadFile(s.CAFile)
		if err != nil {
			return nil, fmt.Errorf("ca_file: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca_file: %s holds no certificate in PEM", s.CAFile)
		}
	}
	if (s.CertFile == "") != (s.KeyFile == "") {
		return nil, errors.New("cert_file and key_file: set both or none")
	}
	if s.CertFile != "" {
		certificate, err := tls.LoadX509KeyPair(s.CertFile, s.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("cert_file: %w", err)
		}
		config.Certificates = []tls.Certificate{certificate}
	}
	return config, nil
}

// get asks for a path and decodes the answer, which has at most maxPage bytes. An etag that
// is not empty is sent along; with it, the answer may be "not modified".
func (c *Client) get(ctx context.Context, path string, query url.Values, etag string, into any) (newTag string, notModified bool, err error) {
	target := *c.base
	target.Path += path
	target.RawQuery = query.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return "", false, err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "kong-waf")
	if etag != "" {
		request.Header.Set("If-None-Match", etag)
	}
	if err := c.authorize(request); err != nil {
		return "", false, err
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return "", false, fmt.Errorf("%s: %w", path, reason(err))
	}
	defer answer.Body.Close()
	switch code := answer.StatusCode; {
	case code == http.StatusNotModified && etag != "":
		return etag, true, nil
	case code >= 300 && code < 400:
		return "", false, fmt.Errorf("%s: redirects, which is not followed: write the address that answers itself", path)
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return "", false, fmt.Errorf("%s: %d: the Admin API wants a token (token_file), or this one may not read here", path, code)
	case code != http.StatusOK:
		return "", false, fmt.Errorf("%s: status %d instead of 200", path, code)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxPage+1))
	if err != nil {
		return "", false, fmt.Errorf("%s: %w", path, reason(err))
	}
	if len(body) > maxPage {
		return "", false, fmt.Errorf("%s: answers more than %d bytes", path, maxPage)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return "", false, fmt.Errorf("%s: the answer is not what Kong's Admin API says there", path)
	}
	return answer.Header.Get("ETag"), false, nil
}

func (c *Client) authorize(request *http.Request) error {
	if c.settings.TokenFile == "" {
		return nil
	}
	f, err := os.Open(c.settings.TokenFile)
	if err != nil {
		return fmt.Errorf("token_file: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxToken))
	if err != nil {
		return fmt.Errorf("token_file: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" || strings.ContainsAny(token, "\r\n\x00") {
		return fmt.Errorf("token_file: %s holds no token: write it on one line", c.settings.TokenFile)
	}
	request.Header.Set("Kong-Admin-Token", token)
	return nil
}

// reason takes the URL off an error of net/http: a page's offset is of no use to anybody.
func reason(err error) error {
	if wrapped := new(url.Error); errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
