package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Limits on what the Admin API may answer.
const (
	maxAnswer = 16 << 20 // bytes of a page
	maxPages  = 1000
)

// Served is what a Kong's Admin API says of it.
type Served struct {
	Version string
	// Deck are its services, routes, consumers and plugins, as a deck document. It holds what
	// plugin configs hold, keys too.
	Deck []byte
}

// entities are what is asked for, and which fields of them are kept: those that say where a
// plugin applies, and its config.
var entities = []struct {
	name   string
	fields []string
}{
	{"services", []string{"id", "name", "host", "port", "protocol", "enabled"}},
	{"routes", []string{"id", "name", "service", "protocols", "methods", "hosts", "paths"}},
	{"consumers", []string{"id", "username", "custom_id"}},
	{"plugins", []string{"id", "name", "instance_name", "enabled", "config", "protocols", "service", "route", "consumer"}},
}

// AskAdmin asks a Kong's Admin API, at an address such as http://127.0.0.1:8001, for what it
// serves. It reads, page by page, and follows no links.
func AskAdmin(ctx context.Context, client *http.Client, address string) (Served, error) {
	base, err := url.Parse(address)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return Served{}, fmt.Errorf("--admin: %q is no address such as http://127.0.0.1:8001", address)
	}
	var root struct{ Version string }
	if err := get(ctx, client, base, "/", &root); err != nil {
		return Served{}, err
	}
	if root.Version == "" {
		return Served{}, fmt.Errorf("%s/ names no version: it is no Admin API of Kong", base.Host)
	}
	deck := map[string]any{"_format_version": "3.0"}
	for _, e := range entities {
		all, err := pages(ctx, client, base, "/"+e.name)
		if err != nil {
			return Served{Version: root.Version}, err
		}
		kept := []any{}
		for _, entity := range all {
			fields := map[string]any{}
			for _, name := range e.fields {
				if v := entity[name]; v != nil {
					fields[name] = withoutNulls(v)
				}
			}
			if e.name == "routes" && fields["methods"] == nil && fields["hosts"] == nil && fields["paths"] == nil {
				fields["paths"] = []any{"/"} // it goes by headers, SNIs or an expression, which do not matter here
			}
			kept = append(kept, fields)
		}
		deck[e.name] = kept
	}
	text, err := json.Marshal(deck)
	return Served{Version: root.Version, Deck: text}, err
}

func pages(ctx context.Context, client *http.Client, base *url.URL, path string) (all []map[string]any, err error) {
	offset := ""
	for range maxPages {
		var page struct {
			Data   []map[string]any
			Offset string
		}
		if err := get(ctx, client, base, path+"?size=1000&offset="+url.QueryEscape(offset), &page); err != nil {
			return nil, err
		}
		all = append(all, page.Data...)
		if offset = page.Offset; offset == "" {
			return all, nil
		}
	}
	return nil, fmt.Errorf("%s%s: more than %d pages", base.Host, path, maxPages)
}

// get reads a JSON answer. Errors hold the address without a password in it, and nothing of
// the answer.
func get(ctx context.Context, client *http.Client, base *url.URL, path string, into any) error {
	shown, _, _ := strings.Cut(path, "?")
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(base.String(), "/")+strings.TrimSuffix(path, "&offset="), nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		if failed := new(url.Error); errors.As(err, &failed) {
			err = failed.Err // it has the whole address
		}
		return fmt.Errorf("%s%s: %w", base.Host, shown, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s%s answers %s", base.Host, shown, answer.Status)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case err != nil:
		return fmt.Errorf("%s%s: %w", base.Host, shown, err)
	case len(text) > maxAnswer:
		return fmt.Errorf("%s%s: longer than %d bytes", base.Host, shown, maxAnswer)
	}
	if json.Unmarshal(text, into) != nil {
		return fmt.Errorf("%s%s is not the JSON of an Admin API", base.Host, shown)
	}
	return nil
}

// withoutNulls takes out what is not set: the Admin API names every field.
func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if value == nil {
				delete(v, key)
			} else {
				v[key] = withoutNulls(value)
			}
		}
	case []any:
		for i := range v {
			v[i] = withoutNulls(v[i])
		}
	}
	return v
}
