// Package pluginserver serves Kong's external plugins: all of them in one process, on one
// Unix socket. It replaces go-pdk's server and keeps go-pdk's PDK, so plugins stay
// ordinary go-pdk plugins.
//
// It differs from go-pdk's server in what a gateway needs: many plugins on one socket, a
// failure policy instead of a dead process, calls sent ahead and behind instead of one
// round trip each, and limits on what a peer may send.
package pluginserver
