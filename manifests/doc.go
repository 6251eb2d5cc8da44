// Package manifests holds no code but tests: Helm values are rendered with a small chart that
// has the official chart's value names, and every Kubernetes manifest of the repository is
// decoded strictly into the type that Kubernetes, the Gateway API or Kong publish. It is a
// module of its own, so that those types are no dependencies of the product.
//
// The chart is rendered by text/template with the few functions that its templates need:
// Helm's own library builds for a minute more from nothing, most of it clients of a cluster.
package manifests
