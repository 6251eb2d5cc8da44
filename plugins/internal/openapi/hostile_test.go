package openapi

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"kongwaf/detect"
)

// small is a description with one operation, whose JSON body has the given schema.
func small(version, schema, components string) string {
	return fmt.Sprintf(`{"openapi":%q,"info":{"title":"x","version":"1"},"paths":{"/a":{"post":{"requestBody":{"content":{"application/json":{"schema":%s}}},
		"responses":{"200":{"description":"ok"}}}}},"components":{"schemas":{%s}}}`, version, schema, components)
}

func TestBadDescriptions(t *testing.T) {
	for _, row := range []struct{ name, text, want string }{
		{"empty", "", "openapi"},
		{"no YAML", "openapi: [", "is no OpenAPI description"},
		{"Swagger 2.0", "swagger: '2.0'\ninfo: {title: x, version: '1'}\npaths: {}", "Swagger 2.0"},
		{"a later version", strings.Replace(small("3.0.0", "{}", ""), "3.0.0", "4.0.0", 1), `"4.0.0" is not supported`},
		{"no paths", "openapi: 3.0.0\ninfo: {title: x, version: '1'}\npaths: {}", "describes no operation"},
		{"a file", small("3.0.0", `{"$ref":"/etc/passwd"}`, ""), "a reference leaves the description"},
		{"a neighbouring file", small("3.1.0", `{"$ref":"other.json#/a"}`, ""), "a reference leaves the description"},
		{"a server", small("3.0.0", `{"$ref":"http://127.0.0.1:9/a.json"}`, ""), "a reference leaves the description"},
		{"a reference to nothing", small("3.0.0", `{"$ref":"#/components/schemas/B"}`, ""), "components/schemas/B"},
		{"a pattern that Go has not", small("3.0.0", `{"type":"string","pattern":"^(?=a)"}`, ""), "without lookahead"},
		{"the same in 3.1", small("3.1.0", `{"type":"string","pattern":"^(?=a)"}`, ""), "lookahead"},
		{"a reference that moves", small("3.1.0", `{"$dynamicRef":"#x","$defs":{"x":{"$dynamicAnchor":"x"}}}`, ""), "$dynamicRef"},
		{"no type", small("3.0.0", `{"type":"text"}`, ""), "text"},
		{"a path parameter that is none", "openapi: 3.0.0\ninfo: {title: x, version: '1'}\npaths: {'/a/{id}': {get: {responses: {'200': {description: ok}}}}}", "/a/{id}"},
	} {
		_, err := Compile([]byte(row.text), Options{})
		if err == nil || !strings.Contains(err.Error(), row.want) || len(err.Error()) > 500 {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

func TestBasePaths(t *testing.T) {
	text := fmt.Sprintf(shop, "3.0.0")
	for _, row := range []struct {
		name, base, servers, target string
		known                       bool
	}{
		{"the server's", "", "https://api.example/v1/", "/v1/files/a.txt", true},
		{"one's own takes its place", "/shop", "https://api.example/v1/", "/shop/files/a.txt", true},
		{"and only that one holds", "/shop", "https://api.example/v1/", "/v1/files/a.txt", false},
		{"of several segments", "/shop/api/", "https://api.example/v1/", "/shop/api/files/a.txt", true},
		{"a relative server", "", "/v2", "/v2/files/a.txt", true},
		{"a server without a path", "", "https://api.example", "/files/a.txt", true},
	} {
		d := compiled(t, strings.Replace(text, "https://api.example/v1/", row.servers, 1), Options{BasePath: row.base, Unknown: Parts{Path: true}})
		if found := d.Check(request("GET "+row.target, ""), true).Findings; (len(found) == 0) != row.known {
			t.Errorf("%s: %v", row.name, found)
		}
	}
}

func TestOptions(t *testing.T) {
	text := fmt.Sprintf(shop, "3.0.0")
	none := compiled(t, text, Options{})
	for _, line := range []string{"GET /v1/unknown", "PATCH /v1/orders", "GET /v1/orders/7?x=1"} {
		if found := none.Check(request(line, "", "X-Other: 1", "Cookie: a=b"), true).Findings; len(found) > 0 {
			t.Errorf("%s is nothing that must be described: %v", line, found)
		}
	}
	if found := none.Check(request("GET /proxy/https://a.example/", ""), true).Findings; len(found) > 0 {
		t.Errorf("an empty segment in a path that is not described: %v", found)
	}
	for _, line := range []string{"GET /v1/orders//x", "GET /v1/orders/x#"} {
		if found := none.Check(request(line, ""), true).Findings; len(found) != 1 {
			t.Errorf("%s is a spelling of a path that is described: %v", line, found)
		}
	}
	if found := none.Check(request("GET /v1/orders/x?x=1", ""), true).Findings; len(found) != 1 {
		t.Errorf("what is described holds all the same: %v", found)
	}
	slash := compiled(t, text, Options{EncodedSlash: true, Unknown: Parts{Path: true}})
	if found := slash.Check(request("GET /v1/files/a%2Fb.txt", ""), true).Findings; len(found) > 0 {
		t.Errorf("a slash in a segment: %v", found)
	}
	if found := slash.Check(request("DELETE /v1/orders%2Fmine", ""), true).Findings; len(found) != 1 {
		t.Errorf("a slash in a segment is no separator: %v", found)
	}
	if got := none.Check(request("POST /v1/orders", "{}", "Content-Type: application/json"), false); len(got.Findings) > 0 {
		t.Errorf("a body that is not looked at: %v", got.Findings)
	}
	long := request("POST /v1/orders", `{"item":`, "Content-Type: application/json")
	long.BodyTruncated = true
	if got := none.Check(long, true); len(got.Findings) > 0 || got.Unchecked == "" {
		t.Errorf("a body that is too long is said to be unchecked: %+v", got)
	}
}

// branching is a schema that is asked about a value twice for each level.
const branching = `"Node":{"type":"object","properties":{"next":{"oneOf":[{"$ref":"#/components/schemas/A"},{"$ref":"#/components/schemas/B"}]}}},
	"A":{"allOf":[{"$ref":"#/components/schemas/Node"},{"type":"object","properties":{"kind":{"enum":["a"]}},"required":["kind"]}]},
	"B":{"allOf":[{"$ref":"#/components/schemas/Node"},{"type":"object","properties":{"kind":{"enum":["b"]}},"required":["kind"]}]}`

// TestBranches: what costs twice as much for each level is refused before it is judged; a
// small twin is judged.
func TestBranches(t *testing.T) {
	nested := func(n int) string {
		return strings.Repeat(`{"kind":"a","next":`, n) + `{"kind":"b"}` + strings.Repeat("}", n)
	}
	for _, version := range []string{"3.0.0", "3.1.0"} {
		d := compiled(t, small(version, `{"$ref":"#/components/schemas/Node"}`, branching), allParts)
		if found := d.Check(request("POST /a", nested(8), "Content-Type: application/json"), true).Findings; len(found) > 0 {
			t.Errorf("%s: %v", version, found)
		}
		found := d.Check(request("POST /a", nested(200), "Content-Type: application/json"), true).Findings
		if len(found) != 1 || !strings.Contains(found[0].Evidence, "cost") {
			t.Errorf("%s: %v", version, found)
		}
		wrong := strings.Replace(nested(5), `"b"`, `"c"`, 1)
		if found := d.Check(request("POST /a", wrong, "Content-Type: application/json"), true).Findings; len(found) != 1 {
			t.Errorf("%s: %v", version, found)
		}
	}
	line := compiled(t, small("3.0.0", `{"$ref":"#/components/schemas/N"}`, `"N":{"type":"object","properties":{"next":{"$ref":"#/components/schemas/N"}}}`), allParts)
	deep := strings.Repeat(`{"next":`, 250) + "{}" + strings.Repeat("}", 250)
	if found := line.Check(request("POST /a", deep, "Content-Type: application/json"), true).Findings; len(found) > 0 {
		t.Errorf("a list that is long: %v", found)
	}
}

// TestModern: what 3.1 has and 3.0 has not.
func TestModern(t *testing.T) {
	d := compiled(t, small("3.1.0", `{"type":["object","null"],"properties":{"k":{"const":"x"},"n":{"exclusiveMinimum":3},"p":{"prefixItems":[{"type":"integer"},{"type":"string"}],"items":false}},
		"if":{"required":["k"]},"then":{"required":["n"]},"dependentRequired":{"p":["k"]},"unevaluatedProperties":false}`, ""), allParts)
	for body, good := range map[string]bool{
		`null`: true, `{"k":"x","n":4}`: true, `{"k":"x","n":4,"p":[1,"a"]}`: true,
		`{"k":"y","n":4}`: false, `{"k":"x"}`: false, `{"n":3}`: false, `{"k":"x","n":4,"p":["a"]}`: false, `{"k":"x","n":4,"p":[1,"a",2]}`: false,
		`{"p":[]}`: false, `{"z":1}`: false, `[]`: false,
	} {
		if found := d.Check(request("POST /a", body, "Content-Type: application/json"), true).Findings; (len(found) == 0) != good {
			t.Errorf("%s: %v", body, found)
		}
	}
	d = compiled(t, "openapi: 3.1.0\ninfo: {title: x, version: '1'}\npaths: {/a: {get: {parameters: [{name: k, in: query, schema: {const: x}}, {name: n, in: query, schema: {type: [integer, 'null'], exclusiveMinimum: 3}}], responses: {'200': {description: ok}}}}}", allParts)
	for query, good := range map[string]bool{"k=x": true, "k=y": false, "n=4": true, "n=3": false, "n=a": false} {
		if found := d.Check(request("GET /a?"+query, ""), true).Findings; (len(found) == 0) != good {
			t.Errorf("%s: %v", query, found)
		}
	}
	d = compiled(t, small("3.0.0", `{"type":"object","nullable":true,"properties":{"n":{"type":"integer","minimum":3,"exclusiveMinimum":true}}}`, ""), allParts)
	for body, good := range map[string]bool{`null`: true, `{"n":4}`: true, `{"n":3}`: false} {
		if found := d.Check(request("POST /a", body, "Content-Type: application/json"), true).Findings; (len(found) == 0) != good {
			t.Errorf("3.0: %s: %v", body, found)
		}
	}
}

// FuzzCheck: no request panics; the same request is judged alike twice; and a path that
// servers may read in two ways is never one that is described.
func FuzzCheck(f *testing.F) {
	for _, seed := range [][4]string{
		{"GET", "/v1/orders?limit=1&filter[size]=2&tag=a", "", "X-Tenant: ab"},
		{"POST", "/v1/orders", `{"item":"a@b.example","lines":[{"sku":"A"}]}`, "Content-Type: application/json"},
		{"POST", "/v1/login", "user=ann&age=1", "Content-Type: application/x-www-form-urlencoded"},
		{"POST", "/v1/login", "--b\r\nContent-Disposition: form-data; name=user\r\nContent-Type: application/yaml\r\n\r\n&a [*a]\r\n--b--", "Content-Type: multipart/form-data; boundary=b"},
		{"GET", "/v1/files/%2e%2e%2fa.txt", "", "Cookie: sid=x; =;;"},
		{"HEAD", "//%zz;a=b?%f=&=&;", "", ": "},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	old, modern := compiled(f, fmt.Sprintf(shop, "3.0.0"), allParts), compiled(f, fmt.Sprintf(shop, "3.1.0"), allParts)
	f.Fuzz(func(t *testing.T, method, target, body, header string) {
		for _, d := range []*Description{old, modern} {
			r := request(method+" "+target, body, header)
			first, second := d.Check(r, true), d.Check(r, true)
			if (len(first.Findings) == 0) != (len(second.Findings) == 0) {
				t.Fatalf("%v, then %v", first, second)
			}
			path, _, _ := strings.Cut(r.Target, "?")
			lower := strings.ToLower(path)
			if len(first.Findings) == 0 && (strings.Contains(lower, "%2f") || strings.Contains(path, "/../") || strings.Contains(lower, "%00")) {
				t.Fatalf("%q passes", r.Target)
			}
		}
	})
}

// BenchmarkCheck reports what a request costs beside the engine's own look at it.
func BenchmarkCheck(b *testing.B) {
	for _, version := range []string{"3.0.0", "3.1.0"} {
		d := compiled(b, fmt.Sprintf(shop, version), allParts)
		get := request("GET /v1/orders?limit=10&state=open", "", "X-Tenant: ab", "User-Agent: x", "Accept: */*")
		post := request("POST /v1/orders", `{"item":"a@b.example","count":10,"lines":[{"sku":"A","parent":{"sku":"B"}}]}`, "Content-Type: application/json")
		b.Run(version+"/parameters", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if got := d.Check(get, true); got.Findings != nil {
					b.Fatal(got)
				}
			}
		})
		b.Run(version+"/body", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if got := d.Check(post, true); got.Findings != nil {
					b.Fatal(got)
				}
			}
		})
	}
}

// TestManyValues: what judging takes in memory is bounded, however many values a body has,
// and Memory says how much that is at most.
func TestManyValues(t *testing.T) {
	const values = 1 << 21
	for _, version := range []string{"3.0.0", "3.1.0"} {
		d := compiled(t, small(version, `{"type":"array","items":{"type":"string"}}`, ""), allParts)
		for body, want := range map[string]string{
			"[" + strings.Repeat("1,", values) + "1]":      "body.json: the body holds more than 250000 values",
			"[" + strings.Repeat(`"a",`, 20_000) + `"a"]`:  "",
			`["` + strings.Repeat("a,b&c", 300_000) + `"]`: "",
		} {
			r := request("POST /a", body, "Content-Type: application/json")
			if n := Memory(r); n > 100<<20 || n < 20_000*perValue {
				t.Errorf("%s: %d bytes are asked for", version, n)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			found := d.Check(r, true).Findings
			runtime.ReadMemStats(&after)
			if took := after.TotalAlloc - before.TotalAlloc; took > 200<<20 {
				t.Errorf("%s: %d MiB were taken", version, took>>20)
			}
			if got := lines(found); got != want {
				t.Errorf("%s: %q, want %q", version, got, want)
			}
		}
	}
	text := `{"openapi":"3.0.0","info":{"title":"t","version":"1"},"paths":{"/a":{"post":{"requestBody":{"content":{
		"application/x-www-form-urlencoded":{"schema":{"type":"object","properties":{"a":{"type":"array","items":{"type":"string"}}}}}}},"responses":{"200":{"description":"ok"}}}}}}`
	form := compiled(t, text, allParts)
	for body, want := range map[string]string{strings.Repeat("a=&", values): "body.form: the body holds more than 250000 fields", strings.Repeat("a=1&", 100) + "a=2": ""} {
		if got := lines(form.Check(request("POST /a", body, "Content-Type: application/x-www-form-urlencoded"), true).Findings); got != want {
			t.Errorf("a form: %q, want %q", got, want)
		}
	}
}

// TestJSONInParts: a part in JSON is held to what a body in JSON is.
func TestJSONInParts(t *testing.T) {
	for _, version := range []string{"3.0.0", "3.1.0"} {
		d := compiled(t, `{"openapi":"`+version+`","info":{"title":"t","version":"1"},"paths":{"/a":{"post":{"requestBody":{"content":{"multipart/form-data":{"schema":{
			"type":"object","properties":{"meta":{"type":"object"},"file":{"type":"string"}}}}}},"responses":{"200":{"description":"ok"}}}}}}`, allParts)
		part := func(contentType, text string) string {
			return "--b\r\nContent-Disposition: form-data; name=\"" + contentType[:4] + "\"\r\nContent-Type: " + contentType[5:] + "\r\n\r\n" + text + "\r\n"
		}
		half := `{"a":[` + strings.Repeat("1,", 125_000) + `1]}`
		for body, want := range map[string]string{
			part("meta application/json", `{"a":1,"b":{"a":2}}`) + part("file text/plain", `{"a":1,"a":2}`): "",
			part("meta application/json", `{"a":1,"a":2}`):                                                  "body.multipart.meta: the part has the name a twice",
			part("meta application/ld+json; x=y", `{"a":1,"\u0061":2}`):                                     "body.multipart.meta: the part has the name a twice",
			part("meta application/json", half):                                                             "",
			part("meta application/json", half) + part("file application/json", half):                       "body.multipart.file: the part holds, with those before it, more than 250000 values",
		} {
			r := request("POST /a", body+"--b--\r\n", "Content-Type: multipart/form-data; boundary=b")
			if got := lines(d.Check(r, true).Findings); got != want {
				t.Errorf("%s: %q, want %q", version, got, want)
			}
		}
	}
}

func lines(found []detect.Finding) string {
	var all []string
	for _, f := range found {
		all = append(all, string(f.Place)+": "+f.Evidence)
	}
	return strings.Join(all, "\n")
}
