package manifests

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	kubernetes "sigs.k8s.io/yaml"
)

// What Kong's custom resources hold: those of configuration.konghq.com/v1 as in
// github.com/kong/kubernetes-configuration v1.0.0, field by field; that module brings Kong's
// clients with it, and has no DataPlane (gateway-operator.konghq.com/v1beta1).
type (
	kongPlugin[Secret any] struct {
		metav1.TypeMeta   `json:",inline"`
		metav1.ObjectMeta `json:"metadata"`
		ConsumerRef       string         `json:"consumerRef,omitempty"`
		Disabled          bool           `json:"disabled,omitempty"`
		Config            map[string]any `json:"config,omitempty"`
		ConfigFrom        *struct {
			SecretValue Secret `json:"secretKeyRef"`
		} `json:"configFrom,omitempty"`
		ConfigPatches []struct {
			Path      string `json:"path"`
			ValueFrom struct {
				SecretValue Secret `json:"secretKeyRef"`
			} `json:"valueFrom"`
		} `json:"configPatches,omitempty"`
		PluginName   string         `json:"plugin"`
		RunOn        string         `json:"run_on,omitempty"`
		Protocols    []string       `json:"protocols,omitempty"`
		Ordering     map[string]any `json:"ordering,omitempty"`
		InstanceName string         `json:"instance_name,omitempty"`
	}
	// secretHere is in the KongPlugin's own namespace.
	secretHere struct {
		Name string `json:"name"`
		Key  string `json:"key"`
	}
	// secretThere is where a KongClusterPlugin says.
	secretThere struct {
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
		Key       string `json:"key"`
	}
	kongConsumer struct {
		metav1.TypeMeta   `json:",inline"`
		metav1.ObjectMeta `json:"metadata"`
		Username          string   `json:"username,omitempty"`
		CustomID          string   `json:"custom_id,omitempty"`
		Credentials       []string `json:"credentials,omitempty"`
		ConsumerGroups    []string `json:"consumerGroups,omitempty"`
		Spec              *struct {
			ControlPlaneRef map[string]any `json:"controlPlaneRef,omitempty"`
			Tags            []string       `json:"tags,omitempty"`
		} `json:"spec,omitempty"`
	}
	dataPlane struct {
		metav1.TypeMeta   `json:",inline"`
		metav1.ObjectMeta `json:"metadata"`
		Spec              struct {
			Deployment struct {
				Replicas        *int32                  `json:"replicas,omitempty"`
				PodTemplateSpec *corev1.PodTemplateSpec `json:"podTemplateSpec,omitempty"`
			} `json:"deployment"`
			Network any `json:"network,omitempty"`
		} `json:"spec"`
	}
)

// kinds says which type an object is decoded into.
var kinds = map[string]func() any{
	"v1/Service":                                    func() any { return new(corev1.Service) },
	"v1/Secret":                                     func() any { return new(corev1.Secret) },
	"v1/ConfigMap":                                  func() any { return new(corev1.ConfigMap) },
	"v1/Namespace":                                  func() any { return new(corev1.Namespace) },
	"apps/v1/Deployment":                            func() any { return new(appsv1.Deployment) },
	"networking.k8s.io/v1/Ingress":                  func() any { return new(networkingv1.Ingress) },
	"networking.k8s.io/v1/IngressClass":             func() any { return new(networkingv1.IngressClass) },
	"networking.k8s.io/v1/NetworkPolicy":            func() any { return new(networkingv1.NetworkPolicy) },
	"gateway.networking.k8s.io/v1/GatewayClass":     func() any { return new(gatewayv1.GatewayClass) },
	"gateway.networking.k8s.io/v1/Gateway":          func() any { return new(gatewayv1.Gateway) },
	"gateway.networking.k8s.io/v1/HTTPRoute":        func() any { return new(gatewayv1.HTTPRoute) },
	"configuration.konghq.com/v1/KongPlugin":        func() any { return new(kongPlugin[secretHere]) },
	"configuration.konghq.com/v1/KongClusterPlugin": func() any { return new(kongPlugin[secretThere]) },
	"configuration.konghq.com/v1/KongConsumer":      func() any { return new(kongConsumer) },
	"gateway-operator.konghq.com/v1beta1/DataPlane": func() any { return new(dataPlane) },
}

// objects are what some documents hold.
type objects struct {
	pods     []corev1.PodSpec
	services []*corev1.Service
	all      []any
}

// decodeOne decodes a document strictly: a field that the type does not have, and one that
// stands twice, is an error.
func decodeOne(text []byte) (any, error) {
	var head metav1.TypeMeta
	if err := kubernetes.Unmarshal(text, &head); err != nil {
		return nil, err
	}
	typed, ok := kinds[head.APIVersion+"/"+head.Kind]
	if !ok {
		return nil, errors.New("no type for " + head.APIVersion + "/" + head.Kind)
	}
	object := typed()
	return object, kubernetes.UnmarshalStrict(text, object)
}

func (o *objects) decode(t *testing.T, name string, text []byte) {
	t.Helper()
	documents := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var document yaml.Node
		err := documents.Decode(&document)
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err, name)
		if document.Kind == 0 || len(document.Content) == 0 || document.Content[0].Tag == "!!null" {
			continue
		}
		one, err := yaml.Marshal(&document)
		require.NoError(t, err, name)
		object, err := decodeOne(one)
		require.NoError(t, err, "%s: %s", name, one)
		o.all = append(o.all, object)
		switch object := object.(type) {
		case *appsv1.Deployment:
			o.pods = append(o.pods, object.Spec.Template.Spec)
		case *dataPlane:
			o.pods = append(o.pods, object.Spec.Deployment.PodTemplateSpec.Spec)
		case *corev1.Service:
			o.services = append(o.services, object)
		}
	}
}

// container returns a container of the one pod.
func (o *objects) container(t *testing.T, name string) *corev1.Container {
	t.Helper()
	require.Len(t, o.pods, 1)
	for _, list := range [][]corev1.Container{o.pods[0].InitContainers, o.pods[0].Containers} {
		for i := range list {
			if list[i].Name == name {
				return &list[i]
			}
		}
	}
	require.Fail(t, "no container", name)
	return nil
}

func environment(c *corev1.Container) map[string]string {
	all := map[string]string{}
	for _, e := range c.Env {
		all[e.Name] = e.Value
	}
	return all
}

// TestDecode: the decoder is strict, in every type.
func TestDecode(t *testing.T) {
	for key := range kinds {
		version, kind := key[:strings.LastIndex(key, "/")], key[strings.LastIndex(key, "/")+1:]
		head := "apiVersion: " + version + "\nkind: " + kind + "\nmetadata: {name: x"
		_, err := decodeOne([]byte(head + "}\n"))
		require.NoError(t, err, key)
		_, err = decodeOne([]byte(head + ", labls: {}}\n"))
		require.ErrorContains(t, err, "labls", key)
		_, err = decodeOne([]byte(head + "}\nsepc: {}\n"))
		require.ErrorContains(t, err, "sepc", key)
		_, err = decodeOne([]byte(head + "}\nmetadata: {name: y}\n"))
		require.Error(t, err, key)
	}
	for kind, fails := range map[string]bool{"KongPlugin": true, "KongClusterPlugin": false} {
		_, err := decodeOne([]byte("apiVersion: configuration.konghq.com/v1\nkind: " + kind + "\nmetadata: {name: x}\nplugin: p\nconfigFrom: {secretKeyRef: {namespace: n, name: s, key: k}}\n"))
		require.Equal(t, fails, err != nil, "a KongPlugin's Secret is in its own namespace: %v", err)
	}
	_, err := decodeOne([]byte("apiVersion: extensions/v1beta1\nkind: Ingress\n"))
	require.ErrorContains(t, err, "no type for extensions/v1beta1/Ingress")
}

// TestExamples: every manifest of the examples, and nothing left out but deck files, OpenAPI
// descriptions and Helm's values.
func TestExamples(t *testing.T) {
	decoded := 0
	for _, pattern := range []string{"../examples/*/*.yaml", "../kong/conf/operator/*.yaml"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, files, pattern)
		for _, file := range files {
			if filepath.Base(file) == "values.yaml" {
				continue // TestValues
			}
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			if bytes.Contains(text, []byte("_format_version")) || bytes.HasPrefix(text, []byte("openapi:")) || bytes.Contains(text, []byte("\nopenapi:")) {
				continue
			}
			t.Run(file, func(t *testing.T) {
				var o objects
				o.decode(t, file, text)
				require.NotEmpty(t, o.all)
				decoded += len(o.all)
			})
		}
	}
	require.GreaterOrEqual(t, decoded, 20)
}
