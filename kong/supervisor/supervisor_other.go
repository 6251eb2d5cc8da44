//go:build !linux

package supervisor

import (
	"context"
	"errors"
	"fmt"
	"net"

	"kongwaf/kong/pluginserver"
)

var errSystem = fmt.Errorf("the supervisor needs Linux: %w", errors.ErrUnsupported)

// Run returns an error that is errors.ErrUnsupported: serve without a supervisor here.
func Run(context.Context, Options) error { return errSystem }

// Supervisor does not exist here.
type Supervisor struct{}

// New returns an error that is errors.ErrUnsupported: serve without a supervisor here.
func New(Options) (*Supervisor, error) { return nil, errSystem }

// Shared returns nil.
func (*Supervisor) Shared() []byte { return nil }

// Stats returns nothing.
func (*Supervisor) Stats() Stats { return Stats{} }

// Upgrade does nothing.
func (*Supervisor) Upgrade() {}

// Run returns an error.
func (*Supervisor) Run(context.Context) error { return errSystem }

// IsWorker reports false.
func IsWorker() bool { return false }

// Worker does not exist here.
type Worker struct{}

// NewWorker returns an error.
func NewWorker() (*Worker, error) { return nil, errSystem }

// Shared returns nil.
func (*Worker) Shared() []byte { return nil }

// Dropped does nothing.
func (*Worker) Dropped(int32) {}

// Serve returns an error.
func (*Worker) Serve(context.Context, *pluginserver.Server) error { return errSystem }

// Aside returns nil.
func (*Worker) Aside() net.Conn { return nil }

// IsAside reports false.
func IsAside() bool { return false }

// Aside does not exist here.
type Aside struct {
	Messages net.Conn
	Shared   []byte
}

// NewAside returns an error.
func NewAside() (*Aside, error) { return nil, errSystem }
