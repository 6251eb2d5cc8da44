// Package gatewaytest drives the stand-in gateway in tests: raw HTTP/1.1 in, raw HTTP/1.1
// out, and an upstream that remembers what it received, header order and bytes included.
// net/http would tidy up all of these.
//
// It also reads recordings of exchanges with a real Kong and runs them through a gateway,
// so that a test can hold a plugin against the plugin that was recorded.
package gatewaytest
