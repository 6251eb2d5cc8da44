package gatewaytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"slices"

	"kongwaf/kong/declarative"
	"kongwaf/kong/gateway"
)

// Exchange is one recorded exchange with a real Kong.
type Exchange struct {
	Case    string           `json:"case"`
	Route   string           `json:"route"` // its path is "/" and its name
	Plugins []PluginConfig   `json:"plugins"`
	Request RecordedRequest  `json:"request"`
	Answer  RecordedResponse `json:"response"`
}

// PluginConfig is a plugin on the route of an exchange.
type PluginConfig struct {
	Name   string         `json:"name"`
	Config map[string]any `json:"config"`
}

// RecordedRequest is what the client sent. The client's address is in X-Forwarded-For,
// which the recorded Kong believed.
type RecordedRequest struct {
	Method  string  `json:"method"`
	Target  string  `json:"target"`
	Headers Headers `json:"headers"`
	Body    *string `json:"body"`
}

// RecordedResponse is what the client and the upstream received. Body is nil where it was
// the upstream's own.
type RecordedResponse struct {
	Status   int              `json:"status"`
	Headers  Headers          `json:"headers"`
	Body     *string          `json:"body"`
	Upstream *RecordedRequest `json:"upstream_received"`
}

// ReadExchanges reads a recording, a JSON object a line.
func ReadExchanges(file string) ([]Exchange, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var out []Exchange
	for line := range bytes.Lines(data) {
		var x Exchange
		if err := json.Unmarshal(line, &x); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, len(out)+1, err)
		}
		out = append(out, x)
	}
	return out, nil
}

// Outcome is what became of an exchange here. Upstream is nil if the request did not get
// that far.
type Outcome struct {
	Response
	Upstream *Received
}

// Stage is a gateway with the routes, consumers and plugins of a recording, behind it an
// Upstream, and a plugin server that the caller has started.
type Stage struct {
	Rig      *Rig
	Upstream *Upstream
}

// Recorded are the consumers of the recording.
var Recorded = []*declarative.Consumer{
	{ID: "def4f7d3-9863-5ad2-8fa9-c949bf26f55e", Username: "bob", CustomID: "bob-7"},
	{ID: "4408f11d-5a31-5cfc-be9a-f00a673be08b", Username: "amy"},
	{ID: "e1d0c2cc-2662-5465-84c2-24e06158a934", Username: "guest"},
}

// NewStage builds the stage. translate turns a recorded plugin into the one to try, its
// config complete with defaults. opts needs Socket and Plugins; the rest is as recorded.
func NewStage(exchanges []Exchange, opts gateway.Options, translate func(PluginConfig) (PluginConfig, error)) (*Stage, error) {
	up, err := NewUpstream()
	if err != nil {
		return nil, err
	}
	opts.Config, err = recordedConfig(exchanges, up.Addr, translate)
	if err != nil {
		up.Close()
		return nil, err
	}
	opts.TrustedIPs = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	opts.RealIPHeader = "X-Forwarded-For"
	rig, err := NewRig(opts)
	if err != nil {
		up.Close()
		return nil, err
	}
	return &Stage{Rig: rig, Upstream: up}, nil
}

// Close ends gateway and upstream.
func (s *Stage) Close() error {
	defer s.Upstream.Close()
	return s.Rig.Close()
}

// Run sends the request of x.
func (s *Stage) Run(x Exchange) (*Outcome, error) {
	s.Upstream.Take()
	req := Request{Method: x.Request.Method, Target: x.Request.Target, Headers: x.Request.Headers}
	if x.Request.Body != nil {
		req.Body = *x.Request.Body
	}
	res, err := s.Rig.Do(req)
	if err != nil {
		return nil, err
	}
	out := &Outcome{Response: *res}
	if got := s.Upstream.Take(); len(got) > 0 {
		out.Upstream = &got[0]
	}
	return out, nil
}

func recordedConfig(exchanges []Exchange, upstream string, translate func(PluginConfig) (PluginConfig, error)) (*declarative.Config, error) {
	addr, err := netip.ParseAddrPort(upstream)
	if err != nil {
		return nil, err
	}
	service := &declarative.Service{
		ID: "dea4c45f-3d88-5461-8ebd-05ae5bbbf87a", Name: "up", Protocol: "http", Host: addr.Addr().String(), Port: int(addr.Port()),
		ConnectTimeout: 60000, ReadTimeout: 60000, WriteTimeout: 60000, Enabled: true,
	}
	cfg := &declarative.Config{Services: []*declarative.Service{service}, Consumers: Recorded}
	for _, x := range exchanges {
		if slices.ContainsFunc(cfg.Routes, func(r *declarative.Route) bool { return r.Name == x.Route }) {
			continue
		}
		n := len(cfg.Routes) + 1
		route := &declarative.Route{
			ID: fmt.Sprintf("00000000-0000-4000-8000-%012d", n), Name: x.Route, Service: service, Paths: []string{"/" + x.Route},
			Protocols: []string{"http", "https"}, StripPath: true, PathHandling: "v0", HTTPSRedirectStatusCode: 426,
			RequestBuffering: true, ResponseBuffering: true,
		}
		cfg.Routes = append(cfg.Routes, route)
		for i, p := range x.Plugins {
			t, err := translate(p)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", x.Case, err)
			}
			cfg.Plugins = append(cfg.Plugins, &declarative.Plugin{
				ID: fmt.Sprintf("00000000-0000-4000-9%03d-%012d", i, n), Name: t.Name, Config: t.Config, Enabled: true,
				Protocols: []string{"grpc", "grpcs", "http", "https"}, Route: route,
			})
		}
	}
	return cfg, nil
}
