package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/declarative"
	"kongwaf/kong/gateway"
	"kongwaf/plugins"
)

// TestMovingFromKeyAuth: in each pair of files on the page, only the plugin's name differs, and with
// the one after, an existing key works and the refusals are Kong's, word by word.
func TestMovingFromKeyAuth(t *testing.T) {
	page := documents(t)["docs/moving-from-key-auth.md"]
	const route = `
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: orders, annotations: {konghq.com/plugins: http-auth}}
spec:
  ingressClassName: kong
  rules:
  - http: {paths: [{path: /orders, pathType: Prefix, backend: {service: {name: orders, port: {number: 80}}}}]}
---
apiVersion: v1
kind: Service
metadata: {name: orders}
spec: {ports: [{port: 80}]}
`
	for name, more := range map[string]string{"decK": "", "Kubernetes": route} {
		t.Run(name, func(t *testing.T) {
			_, section, found := strings.Cut(page, "\n## "+name+"\n")
			require.True(t, found)
			section, _, _ = strings.Cut(section, "\n## ")
			files := fence.FindAllStringSubmatch(section, -1)
			require.Len(t, files, 2)
			before, after := files[0][2], files[1][2]
			require.Equal(t, 1, strings.Count(before, ": key-auth\n")-strings.Count(after, ": key-auth\n"))
			require.Equal(t, before, strings.Replace(after, "waf-key-auth", "key-auth", 1))

			s := newExampleOf(t, gateway.Options{}, declarative.Source{Name: "after.yml", Data: []byte(after + more)})
			requireAnswer(t, 200, "", s.get(t, "/orders", "apikey", "key-of-the-shop", "X-Consumer-Username", "forged"))
			requireAnswer(t, 200, "", s.get(t, "/orders?apikey=key-of-the-shop"))
			for _, received := range s.upstream.Take() {
				require.Equal(t, []string{"shop"}, received.Headers.Values("X-Consumer-Username"))
				require.Equal(t, []string{"shop-7"}, received.Headers.Values("X-Consumer-Custom-ID"))
				require.NotEmpty(t, received.Headers.Get("X-Credential-Identifier"))
				require.NotEmpty(t, received.Headers.Get("X-Consumer-ID"))
			}
			for _, row := range []struct{ target, key, text string }{
				{target: "/orders", text: `{"message":"No API key found in request"`},
				{target: "/orders", key: "wrong", text: `{"message":"Unauthorized"`},
				{target: "/orders?apikey=a&apikey=b", text: `{"message":"Duplicate API key found"`},
			} {
				var headers []string
				if row.key != "" {
					headers = []string{"apikey", row.key}
				}
				answer := s.get(t, row.target, headers...)
				requireAnswer(t, 401, "", answer)
				require.Contains(t, strings.ReplaceAll(strings.ReplaceAll(answer.Body, "\n", ""), `": "`, `":"`), row.text[1:])
				require.Equal(t, []string{"Key"}, answer.Headers.Values("WWW-Authenticate"))
				require.Contains(t, page, strings.Split(row.text, `"`)[3])
			}
		})
	}
}

// TestPageOfKeysSettings: the settings on the page of keys are settings.
func TestPageOfKeysSettings(t *testing.T) {
	_, text, found := strings.Cut(documents(t)["docs/keys.md"], "```yaml\nadmin_api:")
	require.True(t, found)
	text, _, _ = strings.Cut(text, "```")
	file := filepath.Join(t.TempDir(), "kong-waf.yaml")
	require.NoError(t, os.WriteFile(file, []byte("admin_api:"+text), 0o600))
	set, err := loadSettings(file, nil)
	require.NoError(t, err)
	require.NoError(t, set.Admin.apply(plugins.NewShared(slog.New(slog.DiscardHandler))))
}
