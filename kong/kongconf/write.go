package kongconf

import (
	"fmt"
	"path"
	"strconv"
	"strings"
)

// Formats are what Write knows.
var Formats = []string{"conf", "env", "helm", "compose"}

// Write returns a valid fragment in one of the Formats: as kong.conf with its comments, as
// a file for docker run --env-file, as env of the Helm chart's values, as environment of a
// compose file.
func (f *Fragment) Write(format string) (string, error) {
	var b strings.Builder
	switch format {
	case "conf":
		f.conf(&b)
	case "env":
		for _, s := range f.Settings() {
			fmt.Fprintf(&b, "KONG_%s=%s\n", strings.ToUpper(s.Key), s.Value)
		}
	case "helm":
		b.WriteString("env:\n")
		for _, s := range f.Settings() {
			fmt.Fprintf(&b, "  %s: %s\n", s.Key, quoted(s.Value))
		}
	case "compose":
		b.WriteString("environment:\n")
		for _, s := range f.Settings() {
			// Compose replaces $name by a variable of its own.
			fmt.Fprintf(&b, "  KONG_%s: %s\n", strings.ToUpper(s.Key), quoted(strings.ReplaceAll(s.Value, "$", "$$")))
		}
	default:
		return "", fmt.Errorf("format: %q is none of %s", format, strings.Join(Formats, ", "))
	}
	return b.String(), nil
}

// quoted returns a YAML string: in single quotes, in which nothing but they themselves has
// a meaning, where it needs quotes at all.
func quoted(text string) string {
	if _, err := strconv.ParseFloat(text, 64); err != nil && !strings.ContainsAny(text, "\"'$#:{}[]&*!|>%@`") {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

func (f *Fragment) conf(b *strings.Builder) {
	b.WriteString(aboutFragment)
	write := func(settings ...Setting) {
		b.WriteString("\n")
		for _, s := range settings {
			fmt.Fprintf(b, "%s = %s\n", s.Key, s.Value)
		}
	}
	write(f.names()...)
	for _, plugin := range f.Plugins {
		write(f.server(plugin)...)
	}
	start := f.startCmd()
	fmt.Fprintf(b, aboutStartCmd, path.Dir(f.Socket))
	if !f.StartCmd {
		b.WriteString("# ")
	}
	fmt.Fprintf(b, "%s = %s\n", start.Key, start.Value)
	if f.BodyBuffer != "" {
		b.WriteString(aboutBodyBuffer)
		fmt.Fprintf(b, "%s = %s\n", BodyBufferKey, f.BodyBuffer)
	}
	switch f.Head {
	case "raw":
		fmt.Fprintf(b, "%s%s = %s\n", aboutHead, HeadKey, HeadValue)
		fmt.Fprintf(b, "%s# %s = %s\n", aboutShort, ShortKey, ShortValue)
	case "short":
		fmt.Fprintf(b, "%s%s = %s\n", aboutShortAlone, ShortKey, ShortValue)
	}
}

const aboutFragment = `# Fragment for kong.conf: kong-waf's plugins on Kong Gateway 3.9, all in one process.
# Copy it to the end of /etc/kong/kong.conf, then: kong reload (or kong start).
# It is what kong-waf config kong.conf prints; the command's options write another one.
#
# Start kong-waf serve before Kong: as a systemd service (kong-waf.service beside this file), as
# the entrypoint of Kong's container (kong-waf run -- COMMAND), or in a sidecar. The socket is
# not in Kong's prefix, where ` + "`kong start`" + ` removes every socket.
#
# Every plugin needs its own entry and its own query_cmd, because Kong 3.9 reads only the
# first plugin of an answer. They share one socket. Kong logs "assuming external process
# management" for each, which is true and harmless.
`

const aboutStartCmd = `
# The quick way, for a trial without a database: Kong starts the server itself. Requests until
# it listens get 500, GET / of the Admin API answers 500 in Kong 3.9 (so decK does not work), and
# Kong drops what the server logs unless log_level is info. The socket's folder must be there:
# install -d -o kong %s
`

const aboutBodyBuffer = `
# Bodies up to this size stay in nginx's memory; longer ones are written to a file, which kong-waf
# reads. Each request under way may take as much.
`

const aboutHead = `
# The request in one variable: its id, the client's address, the peer's, and the head as the
# client sent it. Kong pays more for every question that a plugin asks than kong-waf takes to
# answer; with this line most checks ask one. (HTTP/2 requests end with the request line; of
# those, and of heads that are not plain HTTP to the last byte, the headers are asked for.)
# kong-waf uses the line where it is there, and needs no restart to notice. It also keeps
# waf-rate-limiting from counting a request twice that Kong repeats after a worker died.
`

const aboutShort = `
# What waf-detect judges is then what the client sent, not what plugins that run before it
# (pre-function, request-transformer with a higher priority) have made of the headers. Whoever
# wants those judged writes this shorter line instead, at the price of one more question:
`

const aboutShortAlone = `
# The request's id, the client's address, the peer's and the request line in one variable.
# Headers are asked for: what is judged is what plugins before ours have made of them.
`
