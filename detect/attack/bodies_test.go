package attack

import (
	"strings"
	"testing"

	"kongwaf/detect"
)

// TestBodiesOfFiles holds what counts in the content of files: in binary data that is declared
// to be no text only what is beyond doubt, a stream of objects however it is declared, and
// programs as the texts that they are.
func TestBodiesOfFiles(t *testing.T) {
	engine := newEngine(t, Options{})
	binary := func(text string) string {
		return "\x7fBIN\x00\x01\x02\x03" + text + "\x00\x04\x05\x06\x00\x00\x00\x01\x02\x03"
	}
	for _, row := range []struct {
		name, contentType, body string
		blocked                 bool
	}{
		{name: "a statement in a database file", contentType: "application/octet-stream", body: binary("CREATE TABLE users (id int, name text)")},
		{name: "a path in a program", contentType: "application/octet-stream", body: binary("/proc/self/exe")},
		{name: "names in an archive", contentType: "application/zip", body: binary("WEB-INF/web.xml")},
		{name: "a script in an image", contentType: "image/gif", body: "GIF89a\x01\x00\x01\x00\x00\x00<?php system($_GET[1]); ?>\x00\x00\x01", blocked: true},
		{name: "the same statement where a text was declared", contentType: "text/plain", body: binary("x' union select name, pass from users-- -"), blocked: true},
		{name: "a stream of Java's objects", contentType: "application/octet-stream", body: "\xac\xed\x00\x05sr\x00\x11java.util.HashSet\xbaD\x85\x95\x96\xb8\xb74\x03\x00\x00xpw\x0c\x00\x00\x00\x02?@\x00\x00\x00\x00\x00\x01sr\x00\x03a.b", blocked: true},
		{name: "a stream of Python's objects", contentType: "application/octet-stream", body: "\x80\x04\x95\x1d\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x02id\x94\x85\x94R\x94.", blocked: true},
		{name: "a library in JavaScript", contentType: "application/javascript", body: "(function(){var f={get(){return this.x},set:function(e){e.hash.replace('#','')}};window.f=f})();"},
		{name: "JSON that calls itself JavaScript", contentType: "application/javascript", body: `{"q":"x' or 1=1-- "}`, blocked: true},
		{name: "a pipeline in YAML", contentType: "application/yaml", body: "jobs:\n  build:\n    steps:\n      - run: curl -sfL https://get.example/x | sh\n"},
		{name: "both steps of a prototype in JSON", contentType: "application/json", body: `{"constructor":{"prototype":{"admin":true}}}`, blocked: true},
		{name: "a constructor alone in JSON", contentType: "application/json", body: `{"constructor":{"name":"Ferrari"}}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := &detect.Request{Method: "POST", Target: "/files/1", Body: []byte(row.body),
				Headers: []detect.Header{{Name: "Host", Value: "api.example"}, {Name: "Content-Type", Value: row.contentType}}}
			if report := engine.Inspect(r); report.Blocked != row.blocked {
				t.Errorf("blocked %v: %+v", report.Blocked, report.Attacks)
			}
		})
	}
}

// TestFilesToldToRepositories holds that APIs of repositories may be told any file's name.
func TestFilesToldToRepositories(t *testing.T) {
	engine := newEngine(t, Options{})
	for _, name := range []string{".npmrc", "Dockerfile", "config/database.yml", ".env.production", "nginx.conf"} {
		if report := engine.Inspect(get("/repos/o/r/contents/" + name)); report.Blocked {
			t.Errorf("%s: %+v", name, report.Attacks)
		}
	}
	for _, target := range []string{"/.npmrc", "/.env.production", "/repos/o/r/contents/" + strings.Repeat("../", 5) + "etc/passwd"} {
		if report := engine.Inspect(get(target)); !report.Blocked {
			t.Errorf("%s is not blocked: %+v", target, report.Attacks)
		}
	}
}

// TestLongValueBehindTheBody hides an injection in the middle of a value of 40 KB behind what is
// held of a body.
func TestLongValueBehindTheBody(t *testing.T) {
	e := newEngine(t, Options{})
	words := strings.Repeat("we had a lovely time at the lake ", 600)
	behind := func(text string) *detect.Request {
		return post(jsonType, `{"a":[`+strings.Repeat("1234567,", 9<<20/8)+`1],"q":`+quoteJSON(words+text+words)+`}`)
	}
	if r := e.Inspect(behind("1' UNION SELECT login,pass FROM staff-- ")); !r.Blocked {
		t.Errorf("the injection passed: %+v", r)
	}
	if r := e.Inspect(behind("the union selected a table near the window ")); r.Blocked || r.Truncated {
		t.Errorf("the letter did not pass whole: %+v", r)
	}
}
