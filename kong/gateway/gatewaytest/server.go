package gatewaytest

import (
	"bytes"
	"net"
	"path/filepath"
	"sync"

	"kongwaf/kong/pluginserver"
)

// PluginServer is our plugin server, which a gateway reaches at Socket.
type PluginServer struct {
	*pluginserver.Server
	Socket   string
	listener net.Listener
	served   chan error
}

// NewPluginServer starts a plugin server on a socket in dir.
func NewPluginServer(dir string, opts pluginserver.Options) (*PluginServer, error) {
	server, err := pluginserver.New(opts)
	if err != nil {
		return nil, err
	}
	p := &PluginServer{Server: server, Socket: filepath.Join(dir, "s"), served: make(chan error, 1)}
	if p.listener, err = pluginserver.Listen(p.Socket, 0o600, ""); err != nil {
		return nil, err
	}
	go func() { p.served <- server.Serve(p.listener) }()
	return p, nil
}

// Close stops listening and waits until nothing is served any more.
func (p *PluginServer) Close() {
	p.listener.Close()
	<-p.served
}

// Log is an output that may be read while it is written. The zero value is empty.
type Log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write appends p.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String returns all that was written.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
