package gateway

import (
	"context"
	"errors"
	"net"
)

// Gateway serves one configuration. Its methods may be called concurrently.
type Gateway struct {
	opts Options
}

// New checks the options and prepares a Gateway. It does not connect to anything.
func New(opts Options) (*Gateway, error) {
	if opts.Config == nil {
		return nil, errors.New("gateway: no configuration")
	}
	return &Gateway{opts: opts}, nil
}

// Serve accepts connections until Shutdown, then returns nil.
func (g *Gateway) Serve(l net.Listener) error { return errors.New("gateway: not built yet") }

// Shutdown stops accepting, waits for requests and log events under way until ctx ends,
// then closes every connection.
func (g *Gateway) Shutdown(ctx context.Context) error { return nil }
