package gatewaytest

import (
	"context"
	"fmt"
	"net"
	"sync"

	"kongwaf/kong/gateway"
)

// Rig is a gateway on a free port of the loopback.
type Rig struct {
	Addr    string
	Gateway *gateway.Gateway
	served  chan error
	once    sync.Once
	err     error
}

// NewRig starts a gateway.
func NewRig(opts gateway.Options) (*Rig, error) {
	g, err := gateway.New(opts)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &Rig{Addr: l.Addr().String(), Gateway: g, served: make(chan error, 1)}
	go func() { r.served <- g.Serve(l) }()
	return r, nil
}

// Close shuts the gateway down and waits for log events under way. A second call returns
// what the first did.
func (r *Rig) Close() error {
	r.once.Do(func() { r.err = r.close() })
	return r.err
}

func (r *Rig) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := r.Gateway.Shutdown(ctx); err != nil {
		return err
	}
	if err := <-r.served; err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// Do sends a request and returns the response.
func (r *Rig) Do(req Request) (*Response, error) { return Send(r.Addr, req.Method, req.Bytes()) }
