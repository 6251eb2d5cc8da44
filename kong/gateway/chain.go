package gateway

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/Kong/go-pdk/server/kong_plugin_protocol"

	"kongwaf/kong/declarative"
)

// chain is all plugins in the order in which they run, and for each its configs.
type chain []*link

// link is one plugin with its configs for all scopes.
type link struct {
	info    PluginInfo
	configs []*boundPlugin
}

// newChain binds the plugins of a configuration. It returns the names that Kong bundles
// and the stand-in cannot run.
func newChain(cfg *declarative.Config, infos []PluginInfo) (chain, []string, error) {
	var c chain
	var skipped []string
	for _, info := range infos {
		c = append(c, &link{info: info})
	}
	slices.SortStableFunc(c, func(a, b *link) int { return b.info.Priority - a.info.Priority })
	for i, p := range cfg.Plugins {
		if !p.Enabled {
			continue
		}
		at := slices.IndexFunc(c, func(l *link) bool { return l.info.Name == p.Name })
		if at < 0 {
			if !declarative.Bundled(p.Name) {
				return nil, nil, fmt.Errorf("%s: plugin %q is not among the plugins of the plugin server", p.At, p.Name)
			}
			skipped = append(skipped, fmt.Sprintf("%s (%s)", p.Name, p.At))
			continue
		}
		b, err := bind(c[at].info, p, i+1)
		if err != nil {
			return nil, nil, err
		}
		c[at].configs = append(c[at].configs, b)
	}
	c = slices.DeleteFunc(c, func(l *link) bool { return len(l.configs) == 0 })
	return c, skipped, nil
}

// pick returns the config with the most special scope that covers the request, or nil: as
// in Kong, consumer before route before service before global, and more of them together
// before fewer.
func (l *link) pick(ex *exchange) *boundPlugin {
	var best *boundPlugin
	bestRank := -1
	for _, b := range l.configs {
		if rank, ok := ex.covers(b.plugin); ok && rank > bestRank {
			best, bestRank = b, rank
		}
	}
	return best
}

// covers reports whether p is for this request, and how special its scope is.
func (ex *exchange) covers(p *declarative.Plugin) (rank int, ok bool) {
	set := 0
	if p.Consumer != nil {
		if ex.consumer == nil || ex.consumer.id != p.Consumer.ID {
			return 0, false
		}
		rank += 4
		set++
	}
	if p.Route != nil {
		if ex.match == nil || ex.match.route != p.Route {
			return 0, false
		}
		rank += 2
		set++
	}
	if p.Service != nil {
		if s := ex.service(); s == nil || s != p.Service {
			return 0, false
		}
		rank++
		set++
	}
	// Kong asks for route and service together before the consumer alone.
	if set > 1 {
		rank += 8
	}
	return rank, true
}

// run sends the access event to every plugin of the request, until one answers. It returns
// the plugins that the later phases concern.
func (c chain) run(ex *exchange) []*boundPlugin {
	var chosen []*boundPlugin
	for _, l := range c {
		b := l.pick(ex)
		if b == nil {
			continue
		}
		chosen = append(chosen, b)
		if ex.exit == nil && slices.Contains(l.info.Phases, "access") {
			ex.event(b)
		}
	}
	return chosen
}

// global returns the plugins that see even a request without a route.
func (c chain) global() []*boundPlugin {
	var out []*boundPlugin
	for _, l := range c {
		for _, b := range l.configs {
			if p := b.plugin; p.Route == nil && p.Service == nil && p.Consumer == nil {
				out = append(out, b)
			}
		}
	}
	return out
}

// event sends the event of the current phase to a plugin and sets ex.exit if the plugin
// answered the request, or if it could not be asked.
func (ex *exchange) event(b *boundPlugin) {
	ex.running = b.info.Name
	for attempt := 0; ; attempt++ {
		err := ex.handle(b)
		if err == nil || errors.Is(err, errExit) {
			return
		}
		var missing *notFoundError
		var broken *bodyError
		text := strings.ToLower(err.Error())
		// Kong reads only errors of this kind for "closed"; what is thrown is thrown.
		if errors.As(err, &missing) || errors.Is(err, errClosed) && !thrown(err) {
			if strings.Contains(text, "no plugin instance") || strings.Contains(text, "closed") {
				if attempt < ex.g.opts.Retries {
					ex.g.instances.reset(b.info.Name)
					ex.g.log.Warn("plugin server: "+err.Error(), "plugin", b.info.Name)
					continue
				}
				err = fmt.Errorf("%w (repeated %d times; Kong would go on for ever)", err, attempt)
			}
		}
		ex.g.log.Error("plugin server: "+err.Error(), "plugin", b.info.Name, "phase", ex.phase, "request_id", ex.id)
		switch {
		case ex.phase == "log":
		case errors.As(err, &broken):
			ex.exit = ex.nginxError(400, msgBadRequest)
		case thrown(err):
			ex.exit = ex.thrown()
		default:
			ex.exit = ex.kongError(500, msgUnexpected)
		}
		return
	}
}

// thrown reports whether Kong's code throws a Lua error for err, instead of answering
// with kong.response.error.
func thrown(err error) bool {
	var lua *luaError
	var send sendError
	return errors.As(err, &lua) || errors.As(err, &send) || strings.HasPrefix(err.Error(), "starting instance: ") || errors.Is(err, errMessage)
}

// bodyError is a client that broke off while a plugin waited for its body.
type bodyError struct{ error }

func (e *bodyError) Unwrap() error { return e.error }

func (ex *exchange) handle(b *boundPlugin) error {
	id, err := ex.g.instances.id(b)
	if err != nil {
		return err
	}
	_, err = ex.g.rpc.call(b.info.Name, &kong_plugin_protocol.RpcCall{Call: &kong_plugin_protocol.RpcCall_CmdHandleEvent{
		CmdHandleEvent: &kong_plugin_protocol.CmdHandleEvent{InstanceId: id, EventName: ex.phase},
	}}, ex.pdk)
	return err
}
