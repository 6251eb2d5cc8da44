package pluginserver

// behind holds the PDK calls that are answered from memory and sent with the next write:
// those whose reply message is google.protobuf.Empty in go-pdk's pluginsocket.proto, so
// that there is nothing for the plugin to learn from it. Kong's only other answer to them
// is a Lua error, which drops the connection and ends the request with the status 500
// whenever it comes; a plugin must check its arguments first.
//
// kong.response.exit is not among them: Kong does not answer it at all.
var behind = map[string]bool{
	"kong.client.authenticate": true,

	"kong.ctx.shared.set": true,

	"kong.log.alert":               true,
	"kong.log.crit":                true,
	"kong.log.err":                 true,
	"kong.log.warn":                true,
	"kong.log.notice":              true,
	"kong.log.info":                true,
	"kong.log.debug":               true,
	"kong.log.set_serialize_value": true,

	"kong.response.set_status":   true,
	"kong.response.set_header":   true,
	"kong.response.add_header":   true,
	"kong.response.clear_header": true,
	"kong.response.set_headers":  true,

	"kong.service.request.set_scheme":    true,
	"kong.service.request.set_path":      true,
	"kong.service.request.set_raw_query": true,
	"kong.service.request.set_method":    true,
	"kong.service.request.set_query":     true,
	"kong.service.request.set_header":    true,
	"kong.service.request.add_header":    true,
	"kong.service.request.clear_header":  true,
	"kong.service.request.set_headers":   true,
	"kong.service.request.set_raw_body":  true,

	"kong.service.set_target": true,
}

// canExit holds the phases in which kong.response.exit works. In the others a refusal
// comes too late: the request has been answered, or there is none yet.
var canExit = map[string]bool{
	"rewrite":  true,
	"access":   true,
	"response": true,
	"preread":  true,
}
