package manifests

import (
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
)

const (
	socket   = "/run/kong-waf/kong-waf.socket"
	helm     = "../kong/conf/helm/"
	operator = "../kong/conf/operator/"
)

// renderValues renders the values of a file for the chart "kong", or for "ingress", which has
// them under gateway.
func renderValues(t *testing.T, file string) *objects {
	t.Helper()
	c, values := loadChart(t, "testdata/chart"), readValues(t, file)
	if gateway, ok := values["gateway"].(map[string]any); ok {
		require.Len(t, values, 1, "the chart ingress has gateway and controller")
		values = gateway
	}
	require.Empty(t, unknown(c.values, values, ""), "%s: Helm would pass over these", file)
	o := new(objects)
	o.decode(t, file, c.render(t, values))
	require.Len(t, o.pods, 1)
	return o
}

func decodeFile(t *testing.T, file string) *objects {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	o := new(objects)
	o.decode(t, file, text)
	return o
}

// TestValues: every file of Helm values in the repository renders to a pod in which Kong finds
// its plugin server.
func TestValues(t *testing.T) {
	files, err := filepath.Glob(helm + "*.yaml")
	require.NoError(t, err)
	more, err := filepath.Glob("../examples/*/values.yaml")
	require.NoError(t, err)
	files = append(files, more...)
	require.GreaterOrEqual(t, len(files), 7)
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			o := renderValues(t, file)
			requireRestricted(t, o.pods[0])
			if strings.HasSuffix(file, "-sidecar.yaml") {
				requireSidecar(t, o)
			} else {
				requireInside(t, o)
				require.Contains(t, readText(t, file), `effectiveSemver: "3.9.1"`, "our tag is not Kong's version")
			}
		})
	}
}

// TestDataPlane: the same of the Gateway Operator's resources.
func TestDataPlane(t *testing.T) {
	requireInside(t, decodeFile(t, operator+"dataplane-image.yaml"))
	requireSidecar(t, decodeFile(t, operator+"dataplane-sidecar.yaml"))
}

// TestIngressIsTheSame: the two charts get the same, but that the chart "ingress" has a
// controller of its own.
func TestIngressIsTheSame(t *testing.T) {
	for _, kind := range []string{"image", "sidecar"} {
		plain, gateway := readValues(t, helm+"kong-"+kind+".yaml"), readValues(t, helm+"ingress-"+kind+".yaml")["gateway"]
		require.Equal(t, map[string]any{"enabled": false}, plain["ingressController"])
		delete(plain, "ingressController")
		require.Equal(t, plain, gateway)
	}
}

func readText(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}

// requireInside: Kong's container is our image, which starts the server itself, and the
// socket's folder can be written.
func requireInside(t *testing.T, o *objects) {
	t.Helper()
	proxy := o.container(t, "proxy")
	require.Contains(t, proxy.Image, "/kong-waf:")
	require.Empty(t, proxy.Command, "the image's entrypoint runs")
	require.Equal(t, "true", environment(proxy)["KONG_WAF_EVENTS_STDOUT"])
	require.Equal(t, "bundled", strings.Split(environment(proxy)["KONG_PLUGINS"], ",")[0])
	require.Len(t, strings.Split(environment(proxy)["KONG_PLUGINS"], ","), 6)
	require.NotEmpty(t, mountAt(t, o.pods[0], proxy, path.Dir(socket)))
}

// requireSidecar: the server is up before Kong, serves where Kong asks, sees what nginx
// writes, runs as nginx's workers do, and is asked how it is.
func requireSidecar(t *testing.T, o *objects) {
	t.Helper()
	pod, proxy, server, program := o.pods[0], o.container(t, "proxy"), o.container(t, "kong-waf"), o.container(t, "kong-waf-program")
	requireRestricted(t, corev1.PodSpec{InitContainers: pod.InitContainers})
	require.Equal(t, "kong:3.9.1", proxy.Image)
	require.NotNil(t, server.RestartPolicy)
	require.Equal(t, corev1.ContainerRestartPolicyAlways, *server.RestartPolicy)
	require.Equal(t, []string{"/usr/local/bin/kong-waf", "serve", "--socket", socket}, server.Command)

	env := environment(proxy)
	names := strings.Split(env["KONG_PLUGINSERVER_NAMES"], ",")
	require.Equal(t, "bundled,"+env["KONG_PLUGINSERVER_NAMES"], env["KONG_PLUGINS"])
	require.Len(t, names, 5)
	binary := ""
	for _, name := range names {
		prefix := "KONG_PLUGINSERVER_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		require.Equal(t, socket, env[prefix+"_SOCKET"])
		binary, _, _ = strings.Cut(env[prefix+"_QUERY_CMD"], " ")
		require.Equal(t, binary+" info "+name, env[prefix+"_QUERY_CMD"])
		require.NotContains(t, env, prefix+"_START_CMD")
	}
	require.Contains(t, env["KONG_NGINX_PROXY_SET_BY_LUA"], "ngx.req.raw_header()")
	require.Equal(t, []string{"cp", "/usr/local/bin/kong-waf", binary}, program.Command)
	require.Equal(t, mountAt(t, pod, program, path.Dir(binary)), mountAt(t, pod, proxy, path.Dir(binary)), "Kong's container gets the program")
	require.Equal(t, server.Image, program.Image)

	require.Equal(t, mountAt(t, pod, server, path.Dir(socket)), mountAt(t, pod, proxy, path.Dir(socket)))
	bodies := env["KONG_NGINX_HTTP_CLIENT_BODY_TEMP_PATH"]
	if bodies == "" {
		bodies = path.Join(env["KONG_PREFIX"], "client_body_temp")
	} else {
		bodies = path.Dir(bodies) // nginx makes the folder itself
	}
	require.Equal(t, mountAt(t, pod, server, bodies), mountAt(t, pod, proxy, bodies), "bodies are where the server sees them")

	require.NotNil(t, server.SecurityContext.RunAsUser)
	require.EqualValues(t, 1000, *server.SecurityContext.RunAsUser, "user kong of Kong's image")
	for _, probe := range []*corev1.Probe{server.StartupProbe, server.LivenessProbe} {
		require.NotNil(t, probe)
		require.Equal(t, []string{"kong-waf", "health", "--socket", socket}, probe.Exec.Command)
	}
	require.Nil(t, server.ReadinessProbe)
}

// mountAt returns the volume that a container has at a path, which the pod must have.
func mountAt(t *testing.T, pod corev1.PodSpec, c *corev1.Container, at string) string {
	t.Helper()
	for _, m := range c.VolumeMounts {
		if path.Clean(m.MountPath) == path.Clean(at) {
			require.True(t, slices.ContainsFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name && v.EmptyDir != nil }), "no emptyDir %s", m.Name)
			return m.Name
		}
	}
	require.Fail(t, "nothing is mounted", "%s in %s", at, c.Name)
	return ""
}

// requireRestricted: no container may do more than it needs to, each has bounds on what it
// takes if it is ours, and no name stands twice.
func requireRestricted(t *testing.T, pod corev1.PodSpec) {
	t.Helper()
	seen := map[string]bool{}
	for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
		require.False(t, seen[c.Name], c.Name)
		seen[c.Name] = true
		require.Regexp(t, `:v?[0-9]+(\.[0-9]+)+$`, c.Image, "a version, not latest")
		s := c.SecurityContext
		require.NotNil(t, s, c.Name)
		require.True(t, *s.RunAsNonRoot && *s.ReadOnlyRootFilesystem && !*s.AllowPrivilegeEscalation, c.Name)
		require.Equal(t, []corev1.Capability{"ALL"}, s.Capabilities.Drop)
		require.Equal(t, corev1.SeccompProfileTypeRuntimeDefault, s.SeccompProfile.Type)
		if strings.HasPrefix(c.Name, "kong-waf") {
			require.NotEmpty(t, c.Resources.Limits.Memory().String())
			require.False(t, c.Resources.Requests.Cpu().IsZero(), c.Name)
		}
		mounts := map[string]bool{}
		for _, m := range c.VolumeMounts {
			require.False(t, mounts[m.MountPath], "%s twice", m.MountPath)
			mounts[m.MountPath] = true
		}
	}
}

// TestServices: what the examples promise of the services in front.
func TestServices(t *testing.T) {
	for _, example := range []string{"kubernetes", "cloudflare", "azure-apim"} {
		o := renderValues(t, "../examples/"+example+"/values.yaml")
		require.Equal(t, corev1.ServiceTypeLoadBalancer, o.services[0].Spec.Type)
		for _, admin := range o.services[1:] {
			require.Equal(t, corev1.ServiceTypeClusterIP, admin.Spec.Type, "the Admin API stays inside")
		}
		if example != "kubernetes" {
			require.Equal(t, corev1.ServiceExternalTrafficPolicyLocal, o.services[0].Spec.ExternalTrafficPolicy)
		}
	}
	o := renderValues(t, "../examples/azure-apim/values.yaml")
	require.Equal(t, []string{"10.10.1.0/24"}, o.services[0].Spec.LoadBalancerSourceRanges)
}

// TestNamesWritten: docs/installing.md names each value that the files use, and no other.
func TestNamesWritten(t *testing.T) {
	used := map[string]bool{}
	files, _ := filepath.Glob(helm + "kong-*.yaml")
	for _, file := range files {
		for _, name := range leaves(loadChart(t, "testdata/chart").values, readValues(t, file), "") {
			used[name] = true
		}
	}
	text := readText(t, "../docs/installing.md")
	for _, name := range slices.Sorted(maps.Keys(used)) {
		require.Contains(t, text, "`"+name+"`")
	}
}

// leaves returns the names of the values that a file sets, down to where the chart takes all.
func leaves(defaults, values map[string]any, prefix string) (all []string) {
	for key, value := range values {
		name := prefix + key
		now, isMap := value.(map[string]any)
		was, known := defaults[key].(map[string]any)
		if isMap && known && !contains(open, name) {
			all = append(all, leaves(was, now, name+".")...)
		} else {
			all = append(all, name)
		}
	}
	return all
}
