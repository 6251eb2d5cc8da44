package conformance

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Admin is a Kong's Admin API.
type Admin struct {
	// URL is where it listens.
	URL *url.URL
	// Token is sent as Kong-Admin-Token, "" for none.
	Token string
	// Client is http.DefaultClient if nil.
	Client *http.Client
}

// Node is what a Kong says of itself.
type Node struct {
	Version string
	// Database is "off" for a Kong whose config is one file.
	Database string
	// Plugins are the names of all that it could run.
	Plugins map[string]bool
}

// Node asks Kong what it is. A Kong whose plugin server is started by start_cmd cannot say
// (GET / answers 500): the error says what to do.
func (a *Admin) Node(ctx context.Context) (Node, error) {
	var root struct {
		Version       string `json:"version"`
		Configuration struct {
			Database string `json:"database"`
		} `json:"configuration"`
		Plugins struct {
			Available map[string]json.RawMessage `json:"available_on_server"`
		} `json:"plugins"`
	}
	if err := a.do(ctx, http.MethodGet, "/", nil, &root); err != nil {
		return Node{}, fmt.Errorf("%w; with start_cmd in kong.conf Kong 3.9 cannot answer this: start kong-waf serve before Kong", err)
	}
	n := Node{Version: root.Version, Database: root.Configuration.Database, Plugins: map[string]bool{}}
	for name := range root.Plugins.Available {
		n.Plugins[name] = true
	}
	return n, nil
}

// object is one thing to write through the Admin API.
type object struct {
	path string // for PUT
	body map[string]any
}

// Install writes the suite's routes through the Admin API of a Kong with a database. What an
// earlier run has left is overwritten.
func (a *Admin) Install(ctx context.Context, upstream string, bundled bool) error {
	all, err := objects(upstream, bundled)
	if err != nil {
		return err
	}
	for _, o := range all {
		if err := a.do(ctx, http.MethodPut, o.path, o.body, nil); err != nil {
			return err
		}
	}
	return nil
}

// Remove deletes what Install has written, the last first. What is not there is no error.
func (a *Admin) Remove(ctx context.Context, upstream string, bundled bool) error {
	all, err := objects(upstream, bundled)
	if err != nil {
		return err
	}
	for i := len(all) - 1; i >= 0; i-- {
		if err := a.do(ctx, http.MethodDelete, all[i].path, nil, nil); err != nil {
			return err
		}
	}
	return nil
}

// Load replaces the whole config of a Kong without a database by the suite's.
func (a *Admin) Load(ctx context.Context, deck string) error {
	return a.do(ctx, http.MethodPost, "/config", map[string]any{"config": deck}, nil)
}

// objects returns what Deck describes as the Admin API wants it: consumers, the service, its
// routes, then their plugins, each under a fixed id or name.
func objects(upstream string, bundled bool) ([]object, error) {
	var deck struct {
		Consumers []map[string]any `yaml:"consumers"`
		Services  []map[string]any `yaml:"services"`
	}
	if err := yaml.Unmarshal([]byte(Deck(upstream, bundled)), &deck); err != nil {
		return nil, fmt.Errorf("the suite's own file: %w", err)
	}
	var out, plugins []object
	for _, c := range deck.Consumers {
		keys, _ := c["keyauth_credentials"].([]any)
		delete(c, "keyauth_credentials")
		path := "/consumers/" + c["username"].(string)
		out = append(out, object{path: path, body: c})
		for i, k := range keys {
			out = append(out, object{path: fmt.Sprintf("%s/key-auth/%s", path, uuid(path, i)), body: k.(map[string]any)})
		}
	}
	for _, s := range deck.Services {
		routes, _ := s["routes"].([]any)
		delete(s, "routes")
		service := "/services/" + s["name"].(string)
		out = append(out, object{path: service, body: s})
		for _, r := range routes {
			route := r.(map[string]any)
			attached, _ := route["plugins"].([]any)
			delete(route, "plugins")
			name := route["name"].(string)
			route["service"] = map[string]any{"name": s["name"]}
			out = append(out, object{path: "/routes/" + name, body: route})
			for i, p := range attached {
				plugin := p.(map[string]any)
				plugin["route"] = map[string]any{"name": name}
				plugin["tags"] = []any{Consumer}
				plugins = append(plugins, object{path: "/plugins/" + uuid(name, i), body: plugin})
			}
		}
	}
	return append(out, plugins...), nil
}

// uuid makes a UUID from a name (RFC 9562, version 5 in the namespace of URLs).
func uuid(name string, n int) string {
	space := []byte{0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}
	sum := sha1.Sum(append(space, fmt.Sprintf("%s#%s#%d", Consumer, name, n)...))
	u := sum[:16]
	u[6], u[8] = u[6]&0x0f|0x50, u[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// longestReply bounds what is read of an answer of the Admin API, in bytes.
const longestReply = 16 << 20

func (a *Admin) do(ctx context.Context, method, path string, body, into any) error {
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(text)
	}
	address := strings.TrimSuffix(a.URL.String(), "/") + path
	request, err := http.NewRequestWithContext(ctx, method, address, sent)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if a.Token != "" {
		request.Header.Set("Kong-Admin-Token", a.Token)
	}
	client := a.Client
	if client == nil {
		client = http.DefaultClient
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, longestReply))
	switch {
	case err != nil:
		return err
	case method == http.MethodDelete && answer.StatusCode == http.StatusNotFound:
		return nil
	case answer.StatusCode >= 300:
		return fmt.Errorf("the Admin API answered %s %s with %d: %s", method, path, answer.StatusCode, messageOf(string(text)))
	case into != nil:
		if err := json.Unmarshal(text, into); err != nil {
			return fmt.Errorf("the Admin API answered %s %s with no JSON: %w", method, path, err)
		}
	}
	return nil
}
