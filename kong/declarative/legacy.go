package declarative

import (
	"fmt"
	"slices"
	"strings"
)

// What manifests written for older releases of Kubernetes and of the Kong Ingress Controller
// still hold. Each is named together with what to write today.

// legacyAnnotations are annotations that a current controller passes over in silence.
var legacyAnnotations = map[string]string{
	"plugins.konghq.com":       "write konghq.com/plugins",
	"configuration.konghq.com": "it names a KongIngress: write that one's fields as konghq.com/... annotations",
}

// kongIngressFields say where the fields of a KongIngress stand today. Each is the annotation
// konghq.com/ and the field's own name with dashes, where no other name is given.
var kongIngressFields = []struct {
	section, on string
	fields      []string
}{
	{section: "proxy", on: "Service", fields: strings.Fields("protocol path retries connect_timeout read_timeout write_timeout")},
	{section: "route", on: "Ingress", fields: strings.Fields(`methods headers regex_priority strip_path preserve_host protocols
		https_redirect_status_code path_handling request_buffering response_buffering snis`)},
	{section: "upstream", on: "Service", fields: strings.Fields("host_header")},
}

func (b *builder) kongIngress(o object) {
	m := o.m
	m.d.warnf(m.line("kind"), "kind", "KongIngress is deprecated, and not read here: write its fields as annotations of the Ingress and the Service")
	for _, s := range kongIngressFields {
		n := m.get(s.section)
		if n == nil {
			continue
		}
		section := m.d.mapping(n, s.section)
		if section == nil {
			continue
		}
		for _, field := range section.order {
			today := "write a KongUpstreamPolicy, and name it in the Service's annotation konghq.com/upstream-policy"
			if slices.Contains(s.fields, field) {
				today = fmt.Sprintf("write the annotation %s%s on the %s", annotation, strings.ReplaceAll(field, "_", "-"), s.on)
				if field == "headers" {
					today += ", followed by a dot and the header's name"
				}
			} else if s.section != "upstream" {
				today = "no annotation stands for it"
			}
			m.d.warnf(section.line(field), section.sub(field), "%s", today)
		}
	}
}

// kongCredential reports a kind that the Kong Ingress Controller 2.0 took away.
func (b *builder) kongCredential(o object) {
	kind := or(o.m.str("type"), "key-auth")
	o.m.d.errorf(o.m.line("kind"), "kind", "KongCredential is no more: write a Secret labelled %scredential: %s with its fields under stringData, and its name under the KongConsumer's credentials", annotation, kind)
}

func (o *object) legacyAnnotations() {
	for _, key := range sortedKeys(o.annotations) {
		if today, old := legacyAnnotations[key]; old {
			o.m.d.warnf(o.annotated.line(key), o.annotated.sub(key), "read by no current Kong Ingress Controller: %s", today)
		}
	}
}

// legacyBackend reports the backend of an Ingress as it was before networking.k8s.io/v1.
func legacyBackend(m *mapping) bool {
	name, port := m.str("serviceName"), m.str("servicePort")
	if name == "" && port == "" {
		return false
	}
	key := "name"
	if port != "" && strings.Trim(port, "0123456789") == "" {
		key = "number"
	}
	m.d.errorf(m.node, m.path, "serviceName and servicePort are of the Ingress before networking.k8s.io/v1: write service: {name: %s, port: {%s: %s}}", or(name, "NAME"), key, or(port, "PORT"))
	return true
}
