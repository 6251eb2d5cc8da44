package main

import (
	"context"
	"encoding/xml"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	addresses "kongwaf/detect/address"
	"kongwaf/kong/declarative"
	"kongwaf/kong/gateway"
	"kongwaf/kong/gateway/gatewaytest"
)

// The systems that examples/ holds a folder for, each with everything that its README applies
// together.
var systems = []struct {
	folder string
	sets   [][]string // what is served at once
}{
	{folder: "kubernetes", sets: [][]string{
		{"plugins.yaml", "waf.yaml", "consumer.yaml", "service.yaml", "ingress.yaml"},
		{"plugins.yaml", "waf.yaml", "consumer.yaml", "service.yaml", "httproute.yaml"},
	}},
	{folder: "cloudflare", sets: [][]string{{"plugins.yaml", "waf.yaml", "consumer.yaml", "ingress.yaml"}}},
	{folder: "aws-ecs", sets: [][]string{{"kong.yml"}}},
	{folder: "azure-apim", sets: [][]string{{"plugins.yaml", "consumer.yaml", "ingress.yaml"}}},
}

// notKong are YAML files that somebody else reads.
var notKong = []string{"values.yaml"}

// unasked is what validate warns of that names a URL, and of nothing else.
const unasked = "a URL, which is not asked here"

// TestSystemsAreValid: every file is in a set, and every set passes `kong-waf validate`
// without a warning, but that URLs were not asked.
func TestSystemsAreValid(t *testing.T) {
	for _, system := range systems {
		t.Run(system.folder, func(t *testing.T) {
			files, err := filepath.Glob(filepath.Join(examples, system.folder, "*.y*ml"))
			require.NoError(t, err)
			for _, file := range files {
				name := filepath.Base(file)
				require.True(t, slices.Contains(notKong, name) || slices.Contains(slices.Concat(system.sets...), name), "nothing checks %s", file)
			}
			for _, set := range system.sets {
				var args []string
				for _, name := range set {
					args = append(args, filepath.Join(examples, system.folder, name))
				}
				var out strings.Builder
				require.Zero(t, runValidate(args, nil, &out, &out), out.String())
				for line := range strings.Lines(out.String()) {
					require.True(t, strings.Contains(line, unasked) || strings.Contains(line, ": 0 errors, "), line)
				}
			}
		})
	}
}

// TestSystemsReadme: each README has what a stranger needs, names every file of its folder and
// none that is not there.
func TestSystemsReadme(t *testing.T) {
	named := regexp.MustCompile(`(?:examples|kong)/[a-z-]+/[A-Za-z.-]+`)
	linked := regexp.MustCompile(`\]\(([^):]+)\)`)
	for _, system := range systems {
		t.Run(system.folder, func(t *testing.T) {
			folder := filepath.Join(examples, system.folder)
			text := readExample(t, system.folder, "README.md")
			for _, heading := range []string{"Before you begin", "Install", "What to see", "From monitoring to block", "Remove"} {
				require.Contains(t, text, "\n## "+heading+"\n")
			}
			for _, path := range named.FindAllString(text, -1) {
				require.FileExists(t, filepath.Join("..", "..", path))
			}
			var links []string
			for _, match := range linked.FindAllStringSubmatch(text, -1) {
				require.FileExists(t, filepath.Join(folder, match[1]))
				links = append(links, match[1])
			}
			entries, err := os.ReadDir(folder)
			require.NoError(t, err)
			for _, e := range entries {
				if e.Name() != "README.md" {
					require.Contains(t, links, e.Name(), "the README says nothing of it")
				}
			}
		})
	}
}

// newExample serves files of a system; edits are pairs of what to replace and by what, as a
// reader would. Whatever upstream the files name, it is ours.
func newExample(t *testing.T, options gateway.Options, folder string, files []string, edits ...string) *system {
	t.Helper()
	var sources []declarative.Source
	for _, name := range files {
		text := readExample(t, folder, name)
		sources = append(sources, declarative.Source{Name: name, Data: []byte(strings.NewReplacer(edits...).Replace(text))})
	}
	return newExampleOf(t, options, sources...)
}

// newExampleOf is newExample for files that are in memory.
func newExampleOf(t *testing.T, options gateway.Options, sources ...declarative.Source) *system {
	t.Helper()
	var s *system
	options.DialUpstream = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, s.upstream.Addr)
	}
	s = newSystemOf(t, options, sources...)
	return s
}

func readExample(t *testing.T, folder, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(examples, folder, name))
	require.NoError(t, err)
	return string(text)
}

// once sends a GET until it is not refused for calling too often.
func (s *system) once(t *testing.T, target string, headers ...string) (answer *gatewaytest.Response) {
	t.Helper()
	require.Eventually(t, func() bool {
		answer = s.get(t, target, headers...)
		return answer.Status != 429
	}, 10*time.Second, 50*time.Millisecond)
	return answer
}

func requireAnswer(t *testing.T, status int, text string, answer *gatewaytest.Response) {
	t.Helper()
	require.Equal(t, status, answer.Status, answer.Body)
	require.Contains(t, answer.Body, text)
}

const injection = "/users?id=1'+or+'1'='1"

func TestSystemOnKubernetes(t *testing.T) {
	for _, set := range systems[0].sets {
		t.Run(set[len(set)-1], func(t *testing.T) {
			s := newExample(t, gateway.Options{}, "kubernetes", set)
			requireAnswer(t, 401, "No API key found in request", s.get(t, "/users"))
			requireAnswer(t, 401, "Unauthorized", s.get(t, "/users", "apikey", "guessed"))
			requireAnswer(t, 404, "no Route matched", s.send(t, "POST", "/users", "{}", "apikey", "top-secret-key"))
			requireAnswer(t, 404, "no Route matched", s.get(t, "/usersandmore", "apikey", "top-secret-key"))
			require.Empty(t, s.upstream.Take(), "refused calls stay outside")

			requireAnswer(t, 200, "", s.once(t, "/users/7", "apikey", "top-secret-key"))
			requireAnswer(t, 200, "", s.once(t, "/users?apikey=top-secret-key"))
			received := s.upstream.Take()
			require.Len(t, received, 2)
			require.Equal(t, "/api/getusers/7", received[0].Target)
			require.Equal(t, "/api/getusers?apikey=top-secret-key", received[1].Target)
			require.Equal(t, "api.example.com", received[0].Headers.Get("Host"))
			require.Equal(t, "topuser", received[0].Headers.Get("X-Consumer-Custom-ID"))

			limited := func() bool { return s.get(t, "/users", "apikey", "top-secret-key").Status == 429 }
			require.Eventually(t, limited, 10*time.Second, time.Millisecond, "a loop of calls")

			requireAnswer(t, 200, "", s.once(t, injection, "apikey", "top-secret-key"))
			s.events.requireAction(t, "reported")
			s = newExample(t, gateway.Options{}, "kubernetes", set, "mode: monitoring", "mode: block")
			requireAnswer(t, 403, "", s.get(t, injection, "apikey", "top-secret-key"))
			s.events.requireAction(t, "blocked")
		})
	}
}

// TestTimeouts: what both ways of writing the route promise of the back end.
func TestTimeouts(t *testing.T) {
	for _, set := range systems[0].sets {
		var files []string
		for _, name := range set {
			files = append(files, filepath.Join(examples, "kubernetes", name))
		}
		config, problems := declarative.Load(declarative.Options{Validator: newSchemas()}, files...)
		require.NoError(t, problems.Err())
		require.Len(t, config.Services, 1)
		s := config.Services[0]
		require.Equal(t, []int{10_000, 10_000, 10_000, 10}, []int{s.ConnectTimeout, s.ReadTimeout, s.WriteTimeout, s.Retries})
	}
}

func TestSystemBehindCloudflare(t *testing.T) {
	options := gateway.Options{TrustedIPs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, RealIPHeader: "CF-Connecting-IP"}
	set := systems[1].sets[0]
	https := func(more ...string) []string {
		return append([]string{"X-Forwarded-Proto", "https", "CF-Connecting-IP", "203.0.113.9"}, more...)
	}
	// published are the edits that make the lists' URLs answer, with a range more.
	published := func(more string) []string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/ips-v6" {
				more = "2606:4700::/32"
			}
			fmt.Fprintf(w, "%s\n%s\n", strings.ReplaceAll(proxyRanges(t), ",", "\n"), more)
		}))
		t.Cleanup(server.Close)
		return []string{"https://www.cloudflare.com/ips-v4", server.URL + "/ips-v4", "https://www.cloudflare.com/ips-v6", server.URL + "/ips-v6"}
	}
	s := newExample(t, options, "cloudflare", set, published("192.0.2.0/24")...)
	requireAnswer(t, 403, "IP address not allowed: 127.0.0.1",
		s.get(t, "/users", "X-Forwarded-Proto", "https", "CF-Connecting-IP", "173.245.48.1", "apikey", "change-me"))
	require.Empty(t, s.upstream.Take(), "who is not the proxy cannot say that he is")

	// From here on, loopback is the proxy: it is in the list when that is read the next time.
	edits := published("127.0.0.0/8")
	s = newExample(t, options, "cloudflare", set, edits...)
	requireAnswer(t, 426, "Please use HTTPS protocol", s.get(t, "/users", "apikey", "change-me"))
	requireAnswer(t, 401, "No API key found in request", s.get(t, "/users", https()...))
	requireAnswer(t, 401, "Unauthorized", s.get(t, "/users", https("apikey", "guessed")...))
	require.Empty(t, s.upstream.Take())
	requireAnswer(t, 200, "", s.get(t, "/users", https("apikey", "change-me")...))
	received := s.upstream.Take()
	require.Len(t, received, 1)
	require.Equal(t, "/users", received[0].Target)
	require.Equal(t, "203.0.113.9", received[0].Headers.Get("X-Real-IP"))

	requireAnswer(t, 200, "", s.get(t, injection, https("apikey", "change-me")...))
	require.Equal(t, "203.0.113.9", s.events.requireAction(t, "reported").Client, "the caller, not the proxy")
	s = newExample(t, options, "cloudflare", set, append(edits, "mode: monitoring", "mode: block")...)
	requireAnswer(t, 403, "", s.get(t, injection, https("apikey", "change-me")...))
}

// proxyRanges returns Kong's trusted_ips, and holds the rest of the values to what the
// example needs.
func proxyRanges(t *testing.T) string {
	var values struct {
		Gateway struct {
			Proxy struct {
				Policy string `yaml:"externalTrafficPolicy"`
			}
			Env map[string]string
		}
	}
	require.NoError(t, yaml.Unmarshal([]byte(readExample(t, "cloudflare", "values.yaml")), &values))
	require.Equal(t, "Local", values.Gateway.Proxy.Policy, "else the peer is a node")
	require.Equal(t, "CF-Connecting-IP", values.Gateway.Env["real_ip_header"])
	ranges := values.Gateway.Env["trusted_ips"]
	_, err := addresses.ParseSet(strings.Split(ranges, ","))
	require.NoError(t, err)
	return ranges
}

func TestSystemOnAWS(t *testing.T) {
	t.Setenv("PARTNER_KEY", "from-secrets-manager")
	options := gateway.Options{TrustedIPs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, RealIPHeader: "X-Forwarded-For", RealIPRecursive: true}
	balancer := func(more ...string) []string {
		return append([]string{"X-Forwarded-Proto", "https", "X-Forwarded-For", "203.0.113.9"}, more...)
	}
	set := systems[2].sets[0]
	s := newExample(t, options, "aws-ecs", set)
	requireAnswer(t, 200, "", s.get(t, "/def-healthz")) // the load balancer's own check sends no X-Forwarded-Proto
	received := s.upstream.Take()
	require.Len(t, received, 1)
	require.Equal(t, "/def-healthz", received[0].Target)
	require.Equal(t, "127.0.0.1:9542", received[0].Headers.Get("Host"), "the console in the same task")

	requireAnswer(t, 426, "Please use HTTPS protocol", s.get(t, "/users", "apikey", "from-secrets-manager"))
	requireAnswer(t, 401, "No API key found in request", s.get(t, "/users", balancer()...))
	requireAnswer(t, 401, "Unauthorized", s.get(t, "/users", balancer("apikey", "{vault://env/partner-key}")...))
	require.Empty(t, s.upstream.Take())
	requireAnswer(t, 200, "", s.get(t, "/users", balancer("apikey", "from-secrets-manager")...))
	require.Len(t, s.upstream.Take(), 1)

	requireAnswer(t, 200, "", s.get(t, injection, balancer("apikey", "from-secrets-manager")...))
	event := s.events.requireAction(t, "reported")
	require.Equal(t, []string{"203.0.113.9", "users"}, []string{event.Client, event.Application})
	s = newExample(t, options, "aws-ecs", set, "mode: monitoring", "mode: block")
	requireAnswer(t, 403, "", s.get(t, injection, balancer("apikey", "from-secrets-manager")...))
}

// TestSystemBehindAPIManagement takes names of headers from the policy that API Management gets.
func TestSystemBehindAPIManagement(t *testing.T) {
	var policy struct {
		Backend struct {
			URL string `xml:"base-url,attr"`
		} `xml:"inbound>set-backend-service"`
		Headers []struct {
			Name   string `xml:"name,attr"`
			Exists string `xml:"exists-action,attr"`
			Value  string `xml:"value"`
		} `xml:"inbound>set-header"`
	}
	require.NoError(t, xml.Unmarshal([]byte(readExample(t, "azure-apim", "policy.xml")), &policy))
	set := systems[3].sets[0]
	// Loopback is API Management's subnet.
	options := gateway.Options{TrustedIPs: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, RealIPHeader: "X-Forwarded-For"}
	subnet := []string{"allow: [10.10.1.0/24]", "allow: [127.0.0.0/8]"}
	call := func(s *system, target, subscription, key string) *gatewaytest.Response {
		r := gatewaytest.Request{Method: "GET", Target: target, Headers: gatewaytest.Headers{{"Host", strings.TrimPrefix(policy.Backend.URL, "http://")}}}
		for _, h := range policy.Headers {
			value := strings.NewReplacer("{{gateway-key}}", key, `@(context.Subscription?.Id ?? "none")`, subscription, "@(context.Request.IpAddress)", "203.0.113.9").Replace(h.Value)
			if h.Exists == "override" && value != "" {
				require.NotContains(t, value, "@(", "an expression that nobody evaluated")
				r.Headers = append(r.Headers, [2]string{h.Name, value})
			}
		}
		answer, err := s.Do(r)
		require.NoError(t, err)
		return answer
	}

	s := newExample(t, options, "azure-apim", set)
	requireAnswer(t, 403, "IP address not allowed: 127.0.0.1", call(s, "/items", "gold", "shared-secret"))
	s = newExample(t, options, "azure-apim", set, subnet...)
	requireAnswer(t, 401, "No API key found in request", call(s, "/items", "gold", ""))
	requireAnswer(t, 401, "Unauthorized", call(s, "/items", "gold", "guessed"))
	requireAnswer(t, 404, "no Route matched", s.get(t, "/items", "x-gateway-key", "shared-secret")) // another host
	require.Empty(t, s.upstream.Take())
	requireAnswer(t, 200, "", call(s, "/items", "gold", "shared-secret"))
	received := s.upstream.Take()
	require.Len(t, received, 1)
	require.Equal(t, "gold", received[0].Headers.Get("X-Subscription-Id"))
	require.Empty(t, received[0].Headers.Get("x-gateway-key"), "the API does not see the shared key")

	limited := func() bool { return call(s, "/items", "gold", "shared-secret").Status == 429 }
	require.Eventually(t, limited, 20*time.Second, time.Millisecond, "61 calls within a minute")
	requireAnswer(t, 429, "API rate limit exceeded", call(s, "/items", "gold", "shared-secret"))
	requireAnswer(t, 200, "", call(s, "/items", "silver", "shared-secret"))

	requireAnswer(t, 200, "", call(s, strings.Replace(injection, "users", "items", 1), "silver", "shared-secret"))
	require.Equal(t, "203.0.113.9", s.events.requireAction(t, "reported").Client)
	s = newExample(t, options, "azure-apim", set, append(subnet, "mode: monitoring", "mode: block")...)
	requireAnswer(t, 403, "", call(s, strings.Replace(injection, "users", "items", 1), "silver", "shared-secret"))
}

// TestInternalBalancer: inside the network, open to the subnet that the allow-list names, and no
// Admin API.
func TestInternalBalancer(t *testing.T) {
	type service struct {
		Type         string
		Annotations  map[string]string
		SourceRanges []string `yaml:"loadBalancerSourceRanges"`
		Policy       string   `yaml:"externalTrafficPolicy"`
	}
	var values struct {
		Gateway struct {
			Proxy, Admin service
			Env          map[string]string
		}
	}
	require.NoError(t, yaml.Unmarshal([]byte(readExample(t, "azure-apim", "values.yaml")), &values))
	proxy := values.Gateway.Proxy
	require.Equal(t, "true", proxy.Annotations["service.beta.kubernetes.io/azure-load-balancer-internal"])
	require.Equal(t, "Local", proxy.Policy)
	require.Equal(t, "ClusterIP", values.Gateway.Admin.Type)
	var plugin struct {
		Config struct {
			IP struct{ Allow []string } `yaml:"ip_restriction"`
		}
	}
	require.NoError(t, yaml.Unmarshal([]byte(readExample(t, "azure-apim", "plugins.yaml")), &plugin))
	require.NotEmpty(t, plugin.Config.IP.Allow)
	require.Equal(t, plugin.Config.IP.Allow, proxy.SourceRanges)
	require.Equal(t, plugin.Config.IP.Allow, strings.Split(values.Gateway.Env["trusted_ips"], ","))
	readme := readExample(t, "azure-apim", "README.md")
	require.Contains(t, readme, "-n func -a "+proxy.Annotations["service.beta.kubernetes.io/azure-load-balancer-ipv4"]+"\n", "the private zone's record")
}
