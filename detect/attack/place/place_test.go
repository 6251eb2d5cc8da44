package place

import (
	"testing"

	"kongwaf/detect"
)

func TestOf(t *testing.T) {
	rows := []struct {
		name   string
		at     detect.Place
		target string
		want   Type
	}{
		{name: "content", at: "body.json.messages[1].content", want: Prompt},
		{name: "text", at: "body.json.messages[1].content[0].text", want: Prompt},
		{name: "text", at: "body.json.contents[0].parts[0].text", want: Prompt},
		{name: "description", at: "body.json.tools[0].function.description", want: Prompt},
		{name: "command", at: "body.json.spec.containers[0].command[2]", want: Program},
		{name: "Cmd", at: "body.json.Cmd[2]", want: Program},
		{name: "entrypoint", at: "body.json.runnables[0].container.entrypoint", want: Program},
		{name: "source", at: "body.json.content.cells[0].source", want: Program},
		{name: "context_line", at: "body.json.exception.values[0].stacktrace.frames[0].context_line", want: Program},
		{name: "run", at: "body.json.jobs.test.steps[0].run", want: Program},
		{name: "message", at: "body.json.breadcrumbs[0].message", want: Log},
		{name: "stringValue", at: "body.json.resourceLogs[0].scopeLogs[0].logRecords[0].body.stringValue", want: Log},
		{name: "password", at: "body.form.password", want: Credential},
		{name: "comment", at: "body.form.comment", want: Message},
		{name: "content", at: "query.content", want: Message},

		{name: "event", at: "body.json.event", target: "/services/collector/event?a=b", want: Log},
		{name: "args", at: "query.graphql.args", target: "/loki/api/v1/query?query=x", want: Log},

		{name: "query", at: "query.query", target: "/api/v1/query?query=x", want: Unknown},
		{name: "event", at: "body.json.event", target: "/events?a=/services/collector", want: Unknown},
		{name: "cmd", at: "query.cmd", want: Scalar},
		{name: "cmd", at: "query.cmd[]", want: Scalar},
		{name: "cmd", at: "body.json.cmd", want: Scalar},
		{name: "command", at: "body.form.spec.command", want: Scalar},
		{name: "source", at: "body.json.source", want: Unknown},
		{name: "description", at: "body.json.tools_list.description", want: Message},
		{name: "prompt", at: "query.prompt", want: Unknown},
		{name: "comment", at: "header.comment", want: Unknown},
		{name: "password", at: "cookie.password", want: Unknown},
		{name: "id", at: "query.id", want: Scalar},
		{name: "User_ID", at: "body.json.user_id", want: Scalar},
		{name: "invoice_id", at: "query.invoice_id", want: Scalar},
		{name: "invoiceID", at: "query.invoiceID", want: Scalar},
		{name: "userId", at: "cookie.userId", want: Unknown},
		{name: "paid", at: "query.paid", want: Unknown},
		{name: "q", at: "query.q", want: Unknown},
		{name: "title", at: "body.json.title", want: Unknown},
	}
	for _, r := range rows {
		t.Run(string(r.at)+r.target, func(t *testing.T) {
			if got := Of(r.name, r.at, r.target); got != r.want {
				t.Errorf("%q, want %q", got, r.want)
			}
		})
	}
}

func TestWeight(t *testing.T) {
	rows := []struct {
		typ   Type
		class detect.Class
		want  float64
	}{
		{typ: Unknown, class: detect.ClassRCE, want: 1},
		{typ: Message, class: detect.ClassXSS, want: 1},
		{typ: Prompt, class: detect.ClassXSS, want: 0.6},
		{typ: Program, class: detect.ClassRCE, want: 0.4},
		{typ: Program, class: detect.ClassXXE, want: 1},
		{typ: Page, class: detect.ClassSQLi, want: 0.6},
		{typ: Page, class: detect.ClassRCE, want: 1},
		{typ: Type(200), class: detect.ClassRCE, want: 1},
	}
	for _, r := range rows {
		if got := r.typ.Weight(r.class); got != r.want {
			t.Errorf("%q, %s: %v, want %v", r.typ, r.class, got, r.want)
		}
	}
}

// TestEveryTypeIsNamed: an explanation without the type's name explains nothing.
func TestEveryTypeIsNamed(t *testing.T) {
	for _, r := range rules {
		if r.typ.String() == "" {
			t.Errorf("type %d has no name", r.typ)
		}
	}
	if Page.String() == "" || Unknown.String() != "" || Type(200).String() != "" {
		t.Error("names of Page, Unknown and an unknown number")
	}
}

func TestLoadsFile(t *testing.T) {
	rows := []struct {
		method, target string
		want           bool
	}{
		{method: "GET", target: "/static/app.css", want: true},
		{method: "HEAD", target: "/a.b/logo.PNG?v=1.2", want: true},
		{method: "POST", target: "/static/app.css", want: false},
		{method: "GET", target: "/find?x=a.css", want: false},
		{method: "GET", target: "/index.php", want: false},
		{method: "GET", target: "/", want: false},
		{method: "GET", target: "", want: false},
	}
	for _, r := range rows {
		if got := LoadsFile(&detect.Request{Method: r.method, Target: r.target}); got != r.want {
			t.Errorf("%s %s: %v, want %v", r.method, r.target, got, r.want)
		}
	}
}

func TestOfFile(t *testing.T) {
	rows := []struct {
		name, text string
		want       Type
	}{
		{name: "access.log", text: "a", want: Log},
		{name: "index.html", text: "\n<!DOCTYPE html><html>", want: Markup},
		{name: "INDEX.HTM", text: "<HTML lang=en>", want: Markup},
		{name: "index.html", text: "<script>", want: Unknown},
		{name: "a.svg", text: "<html>", want: Unknown},
		{name: "log", text: "a", want: Unknown},
		{name: "", text: "", want: Unknown},
	}
	for _, r := range rows {
		if got := OfFile(r.name, r.text); got != r.want {
			t.Errorf("%s %q: %q, want %q", r.name, r.text, got, r.want)
		}
	}
}
