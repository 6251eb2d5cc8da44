package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	coreruleset "github.com/corazawaf/coraza-coreruleset/v4"
	"github.com/corazawaf/coraza/v3"
	"github.com/corazawaf/libinjection-go"

	"kongwaf/detect"
)

// crs is Coraza with the Core Rule Set as its users set it up: the recommended config, the
// example setup (paranoia level 1), all rules, blocking.
type crs struct{ waf coraza.WAF }

func newCRS() (*crs, error) {
	waf, err := coraza.NewWAF(coraza.NewWAFConfig().
		WithRootFS(coreruleset.FS).
		WithDirectives(`
Include @coraza.conf-recommended
Include @crs-setup.conf.example
Include @owasp_crs/*.conf
SecRuleEngine On
SecAuditEngine Off
SecRequestBodyAccess On
SecResponseBodyAccess Off
`))
	if err != nil {
		return nil, fmt.Errorf("setting up Coraza with the Core Rule Set: %w", err)
	}
	return &crs{waf: waf}, nil
}

func (c *crs) inspect(r *detect.Request) {
	tx := c.waf.NewTransaction()
	defer tx.Close()
	tx.ProcessConnection("203.0.113.9", 40000, "127.0.0.1", 80)
	tx.ProcessURI(r.Target, r.Method, "HTTP/1.1")
	for _, h := range r.Headers {
		tx.AddRequestHeader(h.Name, h.Value)
		if detect.EqualFold(h.Name, "Host") {
			tx.SetServerName(h.Value)
		}
	}
	if tx.ProcessRequestHeaders() != nil {
		return
	}
	if len(r.Body) > 0 {
		if it, _, err := tx.WriteRequestBody(r.Body); it != nil || err != nil {
			return
		}
	}
	_, _ = tx.ProcessRequestBody()
}

// inspectLibinjection asks libinjection about every value that the standard library's
// parsers find: what a Go program does that wants more than nothing.
func inspectLibinjection(r *detect.Request) {
	judge := func(value string) {
		if found, _ := libinjection.IsSQLi(value); !found {
			libinjection.IsXSS(value)
		}
	}
	path, query, _ := strings.Cut(r.Target, "?")
	if decoded, err := url.PathUnescape(path); err == nil {
		judge(decoded)
	}
	values, _ := url.ParseQuery(query)
	for name, list := range values {
		judge(name)
		for _, v := range list {
			judge(v)
		}
	}
	kind := ""
	for _, h := range r.Headers {
		judge(h.Value)
		if detect.EqualFold(h.Name, "Content-Type") {
			kind = h.Value
		}
	}
	switch {
	case strings.Contains(kind, "json"):
		var tree any
		if json.Unmarshal(r.Body, &tree) == nil {
			leaves(tree, judge)
		}
	case strings.Contains(kind, "urlencoded"):
		values, _ := url.ParseQuery(string(r.Body))
		for _, list := range values {
			for _, v := range list {
				judge(v)
			}
		}
	case len(r.Body) > 0:
		judge(string(r.Body))
	}
}

func leaves(tree any, visit func(string)) {
	switch v := tree.(type) {
	case string:
		visit(v)
	case []any:
		for _, e := range v {
			leaves(e, visit)
		}
	case map[string]any:
		for k, e := range v {
			visit(k)
			leaves(e, visit)
		}
	}
}
