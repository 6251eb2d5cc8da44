package declarative

import (
	"encoding/base64"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// manifests are the Kubernetes objects read so far. They refer to each other by name, so
// they become entities once all files are read. Keys are "namespace/name".
type manifests struct {
	plugins        map[string]*kubePlugin
	clusterPlugins map[string]*kubePlugin // by name alone
	secrets        map[string]*kubeSecret
	services       map[string]*kubeService
	ingresses      []*kubeIngress
	httpRoutes     []*kubeIngress
	consumers      []*kubeConsumer
	global         []*kubePlugin
	annotated      []annotated
	loose          []*kubePlugin // every plugin, in the order of the files
}

func newManifests() manifests {
	return manifests{
		plugins: map[string]*kubePlugin{}, clusterPlugins: map[string]*kubePlugin{},
		secrets: map[string]*kubeSecret{}, services: map[string]*kubeService{},
	}
}

// object is what all manifests have.
type object struct {
	m           *mapping
	kind        string
	name        string
	namespace   string
	labels      map[string]string
	annotations map[string]string
	annotated   *mapping // where the annotations were written, nil without any
}

func (o *object) key() string { return o.namespace + "/" + o.name }

// annotated is a plugin that an object names in its konghq.com/plugins annotation.
type annotated struct {
	object *object
	plugin *kubePlugin
}

type kubePlugin struct {
	object
	plugin  Plugin // without a scope
	sources []configSource
	used    bool
}

type kubeSecret struct {
	object
	data map[string]string
}

type kubeConsumer struct {
	object
	consumer *Consumer
}

// ignoredKinds are manifests that say nothing to Kong's routing or plugins.
var ignoredKinds = strings.Fields(`
	ClusterRole ClusterRoleBinding ConfigMap CronJob CustomResourceDefinition DaemonSet Deployment GatewayClass
	HorizontalPodAutoscaler IngressClass IngressClassParameters Job LimitRange Namespace NetworkPolicy PersistentVolume PersistentVolumeClaim Pod
	PodDisruptionBudget PodMonitor PrometheusRule ReplicaSet ResourceQuota Role RoleBinding ServiceAccount ServiceMonitor
	StatefulSet StorageClass KongUpstreamPolicy KongVault KongLicense KongConsumerGroup KongCustomEntity
	Certificate ClusterIssuer Issuer Endpoints EndpointSlice`)

const gatewayAPI = "gateway.networking.k8s.io/v1"

func (b *builder) manifest(m *mapping) {
	o := object{m: m, kind: m.str("kind"), labels: map[string]string{}, annotations: map[string]string{}}
	api := m.str("apiVersion")
	if meta := m.get("metadata"); meta != nil {
		b.metadata(&o, m.d.mapping(meta, "metadata"))
	}
	m.get("status")
	if slices.Contains(ignoredKinds, o.kind) {
		return
	}
	if o.kind == "List" { // as kubectl get writes it
		for _, n := range m.list("items") {
			if item := m.d.mapping(n, ""); item != nil {
				b.manifest(item)
			}
		}
		return
	}
	if o.name == "" {
		m.d.errorf(m.line("metadata"), "metadata.name", "missing")
	}
	o.legacyAnnotations()
	switch o.kind {
	case "KongPlugin", "KongClusterPlugin":
		b.api(m, api, "configuration.konghq.com/v1")
		b.kubePlugin(o)
	case "KongConsumer":
		b.api(m, api, "configuration.konghq.com/v1")
		b.kubeConsumer(o)
	case "Secret":
		b.api(m, api, "v1")
		b.kubeSecret(o)
	case "Service":
		b.api(m, api, "v1")
		b.kubeService(o)
	case "Ingress":
		b.api(m, api, "networking.k8s.io/v1")
		o.keep(&b.kube.ingresses)
	case "KongIngress":
		b.kongIngress(o)
	case "KongCredential":
		b.kongCredential(o)
	case "Gateway":
		b.api(m, api, gatewayAPI)
		b.kubeGateway(o)
	case "HTTPRoute":
		b.api(m, api, gatewayAPI)
		o.keep(&b.kube.httpRoutes)
	case "GRPCRoute", "ReferenceGrant", "TCPIngress", "UDPIngress":
		m.d.warnf(m.line("kind"), "kind", "%s is not read here", o.kind)
	default:
		known := []string{"KongPlugin", "KongClusterPlugin", "KongConsumer", "Secret", "Service", "Ingress", "Gateway", "HTTPRoute"}
		if hint := DidYouMean(o.kind, slices.Concat(known, ignoredKinds)); hint != "" {
			m.d.errorf(m.line("kind"), "kind", "unknown kind %q%s", o.kind, hint)
		} else {
			m.d.warnf(m.line("kind"), "kind", "%s is not read here", o.kind)
		}
	}
}

func (b *builder) api(m *mapping, got, want string) {
	if got != want {
		m.d.errorf(m.get("apiVersion"), "apiVersion", "write %s for the kind %s", want, m.str("kind"))
	}
}

func (b *builder) metadata(o *object, m *mapping) {
	if m == nil {
		return
	}
	o.name, o.namespace = m.str("name"), or(m.str("namespace"), "default")
	for _, key := range []string{"labels", "annotations"} {
		n := m.get(key)
		if n == nil {
			continue
		}
		km := m.d.mapping(n, m.sub(key))
		if km == nil {
			continue
		}
		into := o.labels
		if key == "annotations" {
			into, o.annotated = o.annotations, km
		}
		for _, k := range km.order {
			v := km.get(k)
			if v == nil || v.Kind != yaml.ScalarNode {
				m.d.errorf(km.line(k), km.sub(k), "expected a string")
				continue
			}
			if v.Tag != "!!str" {
				m.d.errorf(v, km.sub(k), "Kubernetes takes only strings here: write it in quotes, \"%s\"", v.Value)
			}
			into[k] = v.Value
		}
	}
	m.finish("creationTimestamp", "finalizers", "generateName", "generation", "managedFields", "ownerReferences", "resourceVersion", "selfLink", "uid")
}

const ingressClass = "kubernetes.io/ingress.class"

// wantsClass warns where the Kong Ingress Controller would pass the object by.
func (o *object) wantsClass() {
	if o.annotations[ingressClass] == "" {
		o.m.d.warnf(o.m.line("metadata"), "metadata.annotations", "without %s: kong the Kong Ingress Controller passes this %s by", ingressClass, o.kind)
	}
}

func (b *builder) kubePlugin(o object) {
	m := o.m
	kp := &kubePlugin{object: o}
	p := &kp.plugin
	p.Name, p.InstanceName, p.Enabled = m.str("plugin"), m.str("instance_name"), !m.boolean("disabled", false)
	p.Protocols, p.At = b.protocols(m, []string{"grpc", "grpcs", "http", "https"}), m.d.at(m.node)
	if p.Name == "" {
		m.d.errorf(m.line("plugin"), "plugin", "missing: write the plugin's name")
	}
	b.pluginConfig(m, p)
	kp.sources = b.configSources(&o)
	b.unread(m, "ordering", "run_on", "consumerRef")
	m.finish()
	places, key := b.kube.plugins, o.key()
	if o.kind == "KongClusterPlugin" {
		o.wantsClass()
		places, key = b.kube.clusterPlugins, o.name
	}
	if before := places[key]; before != nil {
		m.d.errorf(m.line("metadata"), "metadata.name", "there is another %s with the name %q at %s", o.kind, o.name, before.plugin.At)
	}
	places[key] = kp
	b.kube.loose = append(b.kube.loose, kp)
	switch {
	case o.labels["global"] != "true":
	case o.kind == "KongClusterPlugin":
		b.kube.global = append(b.kube.global, kp)
	default:
		m.d.warnf(m.line("metadata"), "metadata.labels.global", "only a KongClusterPlugin can be global: on a KongPlugin the label does nothing")
	}
}

func (b *builder) kubeConsumer(o object) {
	m := o.m
	c := &Consumer{Username: m.str("username"), CustomID: m.str("custom_id"), At: m.d.at(m.node)}
	if c.Username == "" && c.CustomID == "" {
		m.d.errorf(m.node, "", "at least one of these fields must be non-empty: username, custom_id")
	}
	o.wantsClass()
	credentials := m.get("credentials")
	names := m.strings("credentials")
	b.later = append(b.later, func() {
		for i, name := range names {
			b.kubeCredential(&o, c, name, nth(credentials, i), m.index("credentials", i))
		}
	})
	b.unread(m, "consumerGroups")
	m.finish("spec")
	b.cfg.Consumers = append(b.cfg.Consumers, c)
	b.kube.consumers = append(b.kube.consumers, &kubeConsumer{object: o, consumer: c})
}

// kubeCredential adds the credential in the Secret name to c.
func (b *builder) kubeCredential(o *object, c *Consumer, name string, n *yaml.Node, field string) {
	d := o.m.d
	s := b.kube.secrets[o.namespace+"/"+name]
	if s == nil {
		d.errorf(n, field, "no Secret with the name %q in the namespace %s%s", name, o.namespace, DidYouMean(name, b.secretNames(o.namespace)))
		return
	}
	kind := s.labels["konghq.com/credential"]
	if old := s.data["kongCredType"]; kind == "" && old != "" {
		kind = old
		s.m.d.warnf(s.m.node, "stringData.kongCredType", "the Kong Ingress Controller 3 reads the label konghq.com/credential: %s instead", old)
	}
	switch kind {
	case "key-auth":
	case "":
		s.m.d.errorf(s.m.line("metadata"), "metadata.labels", "KongConsumer %s takes this Secret for a credential: label it konghq.com/credential: key-auth", o.name)
		return
	default:
		s.m.d.warnf(s.m.line("metadata"), "metadata.labels", "credentials of the kind %s are not read here", kind)
		return
	}
	if s.data["key"] == "" {
		s.m.d.errorf(s.m.node, "stringData.key", "missing: write the key there")
		return
	}
	c.Keys = append(c.Keys, KeyCredential{Key: s.data["key"], At: s.m.d.at(s.m.node)})
}

func (b *builder) secretNames(namespace string) []string {
	var names []string
	for _, s := range b.kube.secrets {
		if s.namespace == namespace {
			names = append(names, s.name)
		}
	}
	slices.Sort(names)
	return names
}

func (b *builder) kubeSecret(o object) {
	m := o.m
	s := &kubeSecret{object: o, data: map[string]string{}}
	if n := m.get("data"); n != nil {
		if dm := m.d.mapping(n, "data"); dm != nil {
			for _, k := range dm.order {
				raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(dm.str(k)))
				if err != nil {
					m.d.errorf(dm.get(k), dm.sub(k), "not base64: write the plain value under stringData instead")
				}
				s.data[k] = string(raw)
			}
		}
	}
	if n := m.get("stringData"); n != nil {
		if dm := m.d.mapping(n, "stringData"); dm != nil {
			for _, k := range dm.order {
				s.data[k] = dm.str(k)
			}
		}
	}
	m.finish("type", "immutable")
	if before := b.kube.secrets[o.key()]; before != nil {
		m.d.errorf(m.line("metadata"), "metadata.name", "there is another Secret with the name %q at %s", o.name, before.m.d.at(before.m.node))
	}
	b.kube.secrets[o.key()] = s
}
