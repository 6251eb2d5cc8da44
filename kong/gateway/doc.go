// Package gateway is a stand-in for Kong Gateway, for tests and for trying out plugins on
// a machine without Kong. It is not Kong and no production proxy: it has no TLS listener,
// no health checks and no caching, and it does not hurry.
//
// It reads Kong's declarative configuration (package declarative), routes as Kong's
// traditional router does, runs external plugins in priority order over the real plugin
// server protocol (package wire), answers their PDK calls byte for byte as a recorded
// Kong 3.9.1 did, and proxies over HTTP/1.1 and HTTP/2 without TLS (h2c, so gRPC too).
//
// What matters for a firewall is kept exact: request target, header names and values reach
// the plugin server and the upstream with the bytes the client sent, valid UTF-8 or not,
// and a request that nginx refuses is refused here before any plugin sees it.
package gateway
