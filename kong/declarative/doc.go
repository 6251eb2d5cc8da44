// Package declarative reads Kong's configuration files into one model: deck files
// (`_format_version: "3.0"`) and Kubernetes manifests (KongPlugin, KongConsumer, Ingress
// ...). Both may be mixed in one call, and a file may hold several YAML documents.
//
// Every problem names file, line and field and says what to write instead. Errors make a
// file unusable; warnings (deprecated names, combinations that never take effect) do not.
// Nothing invalid is skipped silently, and no message holds a key or another secret value.
//
// The package knows Kong's own entities. What a plugin's config may hold, it asks a
// Validator, so it needs none of the plugins. It does not talk to Kong or to a cluster: a
// Secret, a Service or a plugin that lives only there counts as missing.
//
// Limits: a file is read up to MaxFileSize; what YAML aliases make of it is bounded in
// depth and number. Files are trusted input of an operator, not of a client.
package declarative
