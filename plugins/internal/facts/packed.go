package facts

import (
	"strings"
	"sync/atomic"

	"kongwaf/kong/wire"
	"kongwaf/plugins/internal/raw"
)

// packedVariable is an nginx variable that an optional line in kong.conf fills with the
// short facts, so that one call fetches what takes three otherwise:
//
//	nginx_proxy_set = $kong_waf "$kong_request_id $remote_addr $realip_remote_addr $request"
const packedVariable = "kong_waf"

var callPacked = wire.Call{Method: "kong.nginx.get_var", Args: raw.String(packedVariable)}

// packable are the facts in the variable; the request's id is there too.
const packable = RequestLine | ClientIP | PeerIP

// Packed knows whether Kong has the variable. Nobody says so beforehand: the first event
// asks for the variable beside the facts, and what comes of it is remembered. The zero
// value does not know yet; it is safe for concurrent use.
type Packed struct{ state atomic.Uint32 }

// The states, in an order of no meaning.
const (
	packedUnknown uint32 = iota
	packedAbsent
	packedPresent
)

// Generation changes whenever Calls may answer differently than before.
func (p *Packed) Generation() uint32 { return p.state.Load() }

// readPacked reads the variable, if there may be one, and returns the kinds that are still
// to be read.
func (f *Facts) readPacked(kinds Kind) (Kind, error) {
	if kinds&packable == 0 || f.packed.state.Load() == packedAbsent {
		return kinds, nil
	}
	reply, err := f.ask(callPacked)
	if err != nil {
		return kinds, err
	}
	parts := strings.SplitN(raw.Text(reply), " ", 4)
	if len(parts) < 4 || parts[0] == "" {
		f.packed.state.Store(packedAbsent)
		return kinds, nil
	}
	f.packed.state.Store(packedPresent)
	f.RequestID, f.ClientIP, f.PeerIP = parts[0], parts[1], parts[2]
	f.Request.Method, f.Request.Target, f.Request.Proto = splitRequestLine(parts[3])
	f.need.Kinds |= packable
	return kinds &^ packable, nil
}
