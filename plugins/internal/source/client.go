package source

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// Client asks an HTTP server. It is safe for concurrent use.
type Client struct {
	settings Settings
	http     *http.Client
}

// maxRedirects is how many redirects are followed.
const maxRedirects = 5

// NewClient returns a client by the settings for URLs. It connects when it is used.
func NewClient(s Settings) (*Client, error) {
	if s.MaxBytes <= 0 {
		s.MaxBytes = DefaultMaxBytes
	}
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		ForceAttemptHTTP2:   true,
		MaxIdleConnsPerHost: 1,
		IdleConnTimeout:     time.Minute,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: s.Insecure},
	}
	if s.CAFile != "" {
		pem, err := os.ReadFile(s.CAFile)
		if err != nil {
			return nil, fmt.Errorf("the CA file %s: %w", s.CAFile, plain(err))
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("the CA file %s holds no certificate in PEM form", s.CAFile)
		}
		transport.TLSClientConfig.RootCAs = pool
	}
	if s.Socket != "" {
		transport.Proxy = nil
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", s.Socket)
		}
	}
	c := &Client{settings: s}
	c.http = &http.Client{Transport: transport, CheckRedirect: c.redirect}
	return c, nil
}

// redirect follows no redirect that takes a secret elsewhere, or to where it can be read on
// the way.
func (c *Client) redirect(to *http.Request, via []*http.Request) error {
	from := via[0].URL
	to.Header.Del("Referer") // the query may be the secret, and is nobody else's
	switch {
	case len(via) >= maxRedirects:
		return fmt.Errorf("more than %d redirects", maxRedirects)
	case from.Scheme == "https" && to.URL.Scheme != "https":
		return errors.New("a redirect from https to http is not followed")
	case c.secret() && to.URL.Host != from.Host:
		return fmt.Errorf("a redirect to another host (%s) is not followed, for the token would go there", to.URL.Host)
	}
	return nil
}

func (c *Client) secret() bool {
	return c.settings.Token != "" || c.settings.TokenFile != ""
}

// Get asks for what a URL holds, if it is another version than since; ErrUnchanged says
// that it is not. The bytes are bounded by the settings, also where they came packed.
func (c *Client) Get(ctx context.Context, location string, since Version) ([]byte, Version, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, location, nil)
	if err != nil {
		return nil, Version{}, errors.New("is not a URL")
	}
	request.Header.Set("User-Agent", "kong-waf")
	if err := c.authorize(request.Header); err != nil {
		return nil, Version{}, err
	}
	if since.ETag != "" {
		request.Header.Set("If-None-Match", since.ETag)
	}
	if since.LastModified != "" {
		request.Header.Set("If-Modified-Since", since.LastModified)
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return nil, Version{}, reason(ctx, err)
	}
	defer answer.Body.Close()
	switch {
	case answer.StatusCode == http.StatusNotModified && since != Version{}:
		return nil, since, ErrUnchanged
	case answer.StatusCode != http.StatusOK:
		return nil, Version{}, fmt.Errorf("the server answers %s", answer.Status)
	}
	data, err := bounded(answer.Body, c.settings.MaxBytes)
	if err != nil {
		return nil, Version{}, reason(ctx, err)
	}
	return data, Version{ETag: answer.Header.Get("ETag"), LastModified: answer.Header.Get("Last-Modified")}, nil
}

// authorize sets the secret header.
func (c *Client) authorize(headers http.Header) error {
	token := c.settings.Token
	if file := c.settings.TokenFile; file != "" {
		data, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("the token file %s: %w", file, plain(err))
		}
		line, _, _ := strings.Cut(strings.TrimSpace(string(data)), "\n")
		if token = strings.TrimSpace(line); token == "" {
			return fmt.Errorf("the token file %s is empty", file)
		}
	}
	switch {
	case token == "":
	case c.settings.Header == "":
		headers.Set("Authorization", "Bearer "+token)
	default:
		headers.Set(c.settings.Header, token)
	}
	return nil
}

// reason takes the URL, which may hold a secret, off an error.
func reason(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.New("no answer in time")
	}
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func (c *Client) close() { c.http.CloseIdleConnections() }

func parseURL(location string) (*url.URL, error) {
	u, err := url.Parse(location)
	if err != nil || u.Hostname() == "" {
		return nil, errors.New("is not a URL such as https://example.com/list.txt")
	}
	return u, nil
}

// Shown returns a location as people may see it: of a URL, neither its query nor a password.
func Shown(location string) string {
	if !isURL(location) {
		return location
	}
	u, err := parseURL(location)
	if err != nil {
		return "the URL"
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}
