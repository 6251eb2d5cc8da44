package manifests

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"text/template"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

// chart is what Helm makes of a chart, as far as testdata/chart needs it.
type chart struct {
	values    map[string]any
	templates *template.Template
	names     []string
}

func loadChart(t *testing.T, folder string) *chart {
	t.Helper()
	c := &chart{values: readValues(t, filepath.Join(folder, "values.yaml")), templates: template.New(folder).Option("missingkey=error")}
	c.templates.Funcs(template.FuncMap{
		"quote": func(v any) string { return strconv.Quote(fmt.Sprint(v)) },
		"upper": strings.ToUpper,
		"nindent": func(n int, text string) string {
			return "\n" + strings.Repeat(" ", n) + strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", n))
		},
		"toYaml": func(v any) (string, error) {
			text, err := yaml.Marshal(v)
			return strings.TrimSuffix(string(text), "\n"), err
		},
		"kindIs": func(kind string, v any) bool { return reflect.ValueOf(v).Kind().String() == kind },
		"include": func(name string, v any) (string, error) {
			var out bytes.Buffer
			err := c.templates.ExecuteTemplate(&out, name, v)
			return strings.TrimPrefix(out.String(), "\n"), err
		},
	})
	files, err := filepath.Glob(filepath.Join(folder, "templates", "*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	_, err = c.templates.ParseFiles(files...)
	require.NoError(t, err)
	for _, file := range files {
		c.names = append(c.names, filepath.Base(file))
	}
	return c
}

func readValues(t *testing.T, file string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	values := map[string]any{}
	require.NoError(t, yaml.UnmarshalStrict(text, &values), file)
	return values
}

// render returns the documents that the chart gives with values over its own.
func (c *chart) render(t *testing.T, values map[string]any) []byte {
	t.Helper()
	data := map[string]any{"Values": merge(c.values, values), "Release": map[string]any{"Name": "kong"}}
	var all bytes.Buffer
	for _, name := range c.names {
		all.WriteString("---\n")
		require.NoError(t, c.templates.ExecuteTemplate(&all, name, data))
	}
	return all.Bytes()
}

// merge puts values over defaults as Helm does: maps key by key, all else as a whole, and
// null takes a default away.
func merge(defaults, values map[string]any) map[string]any {
	merged := map[string]any{}
	for key, value := range defaults {
		merged[key] = value
	}
	for key, value := range values {
		was, isMap := merged[key].(map[string]any)
		now, stays := value.(map[string]any)
		switch {
		case value == nil:
			delete(merged, key)
		case isMap && stays:
			merged[key] = merge(was, now)
		default:
			merged[key] = value
		}
	}
	return merged
}

// open are values below which everything is the user's.
var open = []string{"env", "customEnv", "extraLabels", "resources", "podAnnotations", "proxy.annotations", "admin.annotations"}

// unknown returns the values that the chart does not have: Helm passes over them silently.
func unknown(defaults, values map[string]any, prefix string) (all []string) {
	for key, value := range values {
		path := prefix + key
		was, ok := defaults[key]
		if !ok {
			all = append(all, path)
			continue
		}
		below, isMap := was.(map[string]any)
		if now, ok := value.(map[string]any); ok && isMap && !contains(open, path) {
			all = append(all, unknown(below, now, path+".")...)
		}
	}
	return all
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// TestChart: the renderer does what Helm does, as far as it goes.
func TestChart(t *testing.T) {
	c := loadChart(t, "testdata/chart")
	var d objects
	d.decode(t, "chart", c.render(t, nil))
	proxy := d.container(t, "proxy")
	require.Equal(t, "kong:3.6", proxy.Image)
	require.Equal(t, "/kong_prefix/", environment(proxy)["KONG_PREFIX"])
	require.Len(t, d.services, 1, "no Admin API")

	d = objects{}
	d.decode(t, "chart", c.render(t, map[string]any{
		"env":   map[string]any{"prefix": nil, "nginx_proxy_set": `$x "a"`, "pg_password": map[string]any{"valueFrom": map[string]any{"secretKeyRef": map[string]any{"name": "db", "key": "password"}}}},
		"admin": map[string]any{"enabled": true, "type": "ClusterIP"},
	}))
	proxy = d.container(t, "proxy")
	require.NotContains(t, environment(proxy), "KONG_PREFIX", "null takes a default away")
	require.Equal(t, `$x "a"`, environment(proxy)["KONG_NGINX_PROXY_SET"])
	require.Contains(t, environment(proxy), "KONG_PG_PASSWORD")
	require.Len(t, d.services, 2)

	require.Equal(t, []string{"proxy.externalTrafficPolicies"}, unknown(c.values, map[string]any{
		"env": map[string]any{"anything": 1}, "proxy": map[string]any{"externalTrafficPolicies": "Local", "type": "ClusterIP"},
	}, ""))
}
