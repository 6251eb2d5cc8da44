package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// scanAll runs scan over the input and returns its lines, decoded, and its exit status.
func scanAll(t *testing.T, input string, args ...string) ([]map[string]any, int) {
	t.Helper()
	var out, errs bytes.Buffer
	status := runScan(append([]string{"--quiet"}, args...), strings.NewReader(input), &out, &errs)
	require.Empty(t, errs.String())
	var lines []map[string]any
	for _, line := range strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n") {
		var m map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &m), line)
		lines = append(lines, m)
	}
	return lines, status
}

func TestScanReadsJSONLines(t *testing.T) {
	const attack = "1%27%20UNION%20SELECT%20password%20FROM%20users--%20"
	rows := []struct {
		name, line string
		blocked    bool
	}{
		{name: "query", line: `{"id":"7","target":"/a?b=` + attack + `"}`, blocked: true},
		{name: "harmless", line: `{"id":"7","method":"GET","target":"/a?b=1"}`, blocked: false},
		{name: "body", line: `{"id":"7","method":"POST","target":"/","headers":[["Content-Type","application/x-www-form-urlencoded"]],"body":"b=` + attack + `"}`, blocked: true},
		{name: "body in base64", line: `{"id":"7","method":"POST","target":"/","body_base64":"Yj08c2NyaXB0PmFsZXJ0KDEpPC9zY3JpcHQ+"}`, blocked: true},
		{name: "headers as object", line: `{"id":"7","target":"/","headers":{"User-Agent":"() { :;}; /bin/cat /etc/passwd","X-A":["1","2"]}}`, blocked: true},
		{name: "client address", line: `{"id":"7","target":"/","client_ip":"203.0.113.9"}`, blocked: false},
		{name: "body null", line: `{"id":"7","target":"/","body":null,"body_base64":null}`, blocked: false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			lines, status := scanAll(t, row.line+"\n")
			require.Equal(t, 0, status)
			require.Len(t, lines, 1)
			require.Equal(t, "7", lines[0]["id"])
			require.Equal(t, row.blocked, lines[0]["blocked"], "%v", lines[0])
			for _, field := range []string{"score", "attacks", "truncated", "micros"} {
				require.Contains(t, lines[0], field)
			}
			require.IsType(t, []any{}, lines[0]["attacks"])
		})
	}
}

func TestScanReportsBadLinesAndGoesOn(t *testing.T) {
	rows := []struct{ name, line, want string }{
		{name: "no JSON", line: `{"id":`, want: "line 2: not JSON: unexpected end of JSON input"},
		{name: "no target", line: `{"id":"x"}`, want: "line 2: target is missing"},
		{name: "bad base64", line: `{"target":"/","body_base64":"%"}`, want: "line 2: body_base64: illegal base64 data at input byte 0"},
		{name: "two bodies", line: `{"target":"/","body":"a","body_base64":"YQ=="}`, want: "line 2: body and body_base64 exclude each other"},
		{name: "header without value", line: `{"target":"/","headers":[["A"]]}`, want: "line 2: headers[0]: a name and a value are wanted"},
		{name: "header that is a number", line: `{"target":"/","headers":{"A":1}}`, want: "line 2: headers.A: a string is wanted"},
		{name: "bad address", line: `{"target":"/","client_ip":"nowhere"}`, want: `line 2: client_ip: ParseAddr("nowhere"): unable to parse IP`},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			lines, status := scanAll(t, `{"id":1,"target":"/"}`+"\n"+row.line+"\n"+`{"id":3,"target":"/"}`)
			require.Equal(t, 1, status)
			require.Len(t, lines, 3)
			require.Equal(t, map[string]any{"id": nil, "error": row.want}, lines[1])
			require.EqualValues(t, 3, lines[2]["id"])
		})
	}
}

func TestScanKeepsTheOrder(t *testing.T) {
	var in strings.Builder
	for i := range 500 {
		body := ""
		if i%7 == 0 {
			body = strings.Repeat("some words that take a while ", 2000)
		}
		require.NoError(t, json.NewEncoder(&in).Encode(map[string]any{"id": i, "target": "/", "method": "POST", "body": body}))
	}
	lines, status := scanAll(t, in.String(), "--workers", "8")
	require.Equal(t, 0, status)
	require.Len(t, lines, 500)
	for i, line := range lines {
		require.EqualValues(t, i, line["id"])
	}
}

// TestScanAnswersBeforeTheNextLine holds the promise to callers that wait for an answer
// before they send the next request.
func TestScanAnswersBeforeTheNextLine(t *testing.T) {
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	done := make(chan int)
	go func() {
		status := runScan([]string{"--quiet"}, inR, outW, io.Discard)
		outW.Close()
		done <- status
	}()
	answers := bufio.NewScanner(outR)
	for range 3 {
		_, err := io.WriteString(inW, `{"id":"a","target":"/?q=1"}`+"\n")
		require.NoError(t, err)
		require.True(t, answers.Scan())
		require.Contains(t, answers.Text(), `"id":"a","blocked":false`)
	}
	require.NoError(t, inW.Close())
	require.False(t, answers.Scan())
	require.Equal(t, 0, <-done)
}

func TestScanReadsOtherFormats(t *testing.T) {
	rows := []struct {
		name, format, in string
		blocked          []bool
	}{
		{name: "values", format: "values", in: "O'Neil\n<script>alert(1)</script>\n\nplain", blocked: []bool{false, true, false}},
		{name: "raw HTTP", format: "http", in: "GET /?q=<script>alert(1)</script> HTTP/1.1\r\nHost: a\r\n\r\n" +
			"POST /f HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 27\r\n\r\nq=<script>alert(1)</script>" +
			"POST /f HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n1b\nq=<script>alert(1)</script>\n0\n\n" +
			"GET / HTTP/1.1\nHost: a\n\n", blocked: []bool{true, true, true, false}},
		{name: "HAR", format: "har", in: `{"log":{"entries":[
			{"request":{"method":"GET","url":"https://a.example/p?q=%3Cscript%3Ealert(1)%3C/script%3E#x","httpVersion":"HTTP/2.0","headers":[{"name":":authority","value":"a.example"},{"name":"accept","value":"*/*"}]}},
			{"request":{"method":"POST","url":"https://a.example","httpVersion":"HTTP/1.1","headers":[],"postData":{"mimeType":"application/json","text":"{\"a\":\"<script>alert(1)</script>\"}"}}},
			{"request":{"method":"GET","url":"https://a.example/","httpVersion":"HTTP/1.1","headers":[]}}]}}`, blocked: []bool{true, true, false}},
		{name: "access log", format: "access", in: `203.0.113.9 - - [21/Nov/2026:10:00:00 +0000] "GET /?q=%3Cscript%3Ealert(1)%3C/script%3E HTTP/1.1" 200 1 "-" "curl/8.5"` + "\n" +
			`203.0.113.9 - bob [21/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "() { :;}; /bin/cat /etc/passwd"` + "\n" +
			`203.0.113.9 - - [21/Nov/2026:10:00:00 +0000] "GET /a\x20b HTTP/1.1" 200 1` + "\n" +
			`203.0.113.9 - - [21/Nov/2026:10:00:00 +0000] "-" 400 0 "-" "-"` + "\n", blocked: []bool{true, true, false, false}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			lines, status := scanAll(t, row.in, "--format", row.format)
			require.Equal(t, 0, status, "%v", lines)
			require.Len(t, lines, len(row.blocked))
			for i, want := range row.blocked {
				require.Equal(t, want, lines[i]["blocked"], "%d: %v", i, lines[i])
			}
		})
	}
}

func TestScanReportsWhatIsNotTheFormat(t *testing.T) {
	rows := []struct{ name, format, in, want string }{
		{name: "access log", format: "access", in: "hello", want: "line 1: no quoted request: not an access log line"},
		{name: "raw HTTP", format: "http", in: "hello\n\n", want: `request 1: "hello" is not a request line`},
		{name: "raw HTTP, length", format: "http", in: "GET / HTTP/1.1\nContent-Length: x\n\n", want: `request 1: content-length "x" is not a number`},
		{name: "raw HTTP, chunk", format: "http", in: "GET / HTTP/1.1\nTransfer-Encoding: chunked\n\nzz\n", want: `request 1: chunked body: "zz" is not a length`},
		{name: "HAR", format: "har", in: "{", want: "har: unexpected EOF"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			lines, status := scanAll(t, row.in, "--format", row.format)
			require.Equal(t, 1, status)
			require.Equal(t, row.want, lines[0]["error"])
		})
	}
}

func TestScanFilesSummaryAndSensitivity(t *testing.T) {
	dir := t.TempDir()
	plain, zipped := filepath.Join(dir, "a.jsonl"), filepath.Join(dir, "b.jsonl.gz")
	line := `{"id":1,"target":"/?q=%3Cscript%3Ealert(1)%3C/script%3E"}` + "\n"
	require.NoError(t, os.WriteFile(plain, []byte(line), 0o600))
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, err := w.Write([]byte(line))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.NoError(t, os.WriteFile(zipped, z.Bytes(), 0o600))

	summary := filepath.Join(dir, "summary")
	var out, errs bytes.Buffer
	require.Equal(t, 0, runScan([]string{"--summary", summary, "--sensitivity", "low", plain, zipped}, strings.NewReader(""), &out, &errs))
	require.Empty(t, errs.String())
	text, err := os.ReadFile(summary)
	require.NoError(t, err)
	require.Contains(t, string(text), "2 requests, 2 blocked (100.00 %), 0 truncated, 0 errors")
	require.Contains(t, string(text), "xss             2\n")

	require.Equal(t, 1, runScan([]string{filepath.Join(dir, "missing")}, strings.NewReader(""), &out, &errs), "a file that is not there")
	require.Contains(t, out.String(), `{"id":null,"error":"open `)
	require.NotContains(t, errs.String(), "--format", "no format helps")

	broken := filepath.Join(dir, "broken.jsonl")
	require.NoError(t, os.WriteFile(broken, []byte("{\n"), 0o600))
	require.Equal(t, 1, runScan([]string{broken}, strings.NewReader(""), &out, &errs))
	require.Contains(t, errs.String(), "nothing could be read as jsonl; --format names what it is")
	out.Reset()
	require.Equal(t, 1, runScan([]string{plain, broken}, strings.NewReader(""), &out, &errs))
	require.Contains(t, out.String(), `"error":"`+broken+`: line 1: not JSON: `, "of several files, the one that is meant")
}

func TestScanRefusesWrongFlags(t *testing.T) {
	rows := []struct {
		name string
		args []string
		want string
	}{
		{name: "format", args: []string{"--format", "pcap"}, want: `--format: "pcap" is none of jsonl, values, http, har, access`},
		{name: "sensitivity", args: []string{"--sensitivity", "x"}, want: `--sensitivity: "x" is not a sensitivity`},
		{name: "workers", args: []string{"--workers", "0"}, want: "--workers: 0 is not between 1 and 1024"},
		{name: "unknown", args: []string{"--nope"}, want: "there is no option --nope"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			var errs bytes.Buffer
			require.Equal(t, 2, runScan(row.args, strings.NewReader(""), io.Discard, &errs))
			require.Contains(t, errs.String(), row.want)
		})
	}
	var errs bytes.Buffer
	require.Equal(t, 0, runScan([]string{"--help"}, strings.NewReader(""), io.Discard, &errs))
	require.Contains(t, errs.String(), "Usage: kong-waf scan")
}

func TestEvalCountsByClassAndShape(t *testing.T) {
	in := `{"id":"1","label":"attack","class":"xss","value":"<script>alert(1)</script>"}
{"id":"2","label":"attack","class":"xss","value":"nothing at all"}
{"id":"3","label":"benign","class":"text","value":"nothing at all"}
{"id":"4","label":"attack","class":"xss","value_base64":"PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg=="}
{"id":"5","label":"benign","class":"request","method":"GET","target":"/"}
`
	var out, errs bytes.Buffer
	require.Equal(t, 0, runEval([]string{"--misses", "1", "--false-positives", "5", "-"}, strings.NewReader(in), &out, &errs), errs.String())
	require.Contains(t, out.String(), `miss 2 (-, xss) score 0.00: query "nothing at all"`)
	require.Regexp(t, `(?m)^-\s+xss\s+attack\s+3\s+6\s+66\.67\s+66\.67\s+66\.67\s+66\.67`, out.String())
	require.Regexp(t, `(?m)^= ALL\s+TPR 66\.67\s+FPR 0\.00\s+5\s+6\s+BA 83\.33`, out.String())
	require.NotContains(t, out.String(), "false positive")

	out.Reset()
	require.Equal(t, 0, runEval([]string{"--set-aside", "nothing .*", "--set-aside", "all", "-"}, strings.NewReader(in), &out, &errs), errs.String())
	require.Regexp(t, `(?m)^= ALL\s+TPR 100\.00\s+FPR 0\.00\s+4\s+6\s`, out.String())
	require.Contains(t, out.String(), "set aside: 1 items nothing .*\nset aside: 0 items all\n")
	require.Equal(t, 2, runEval([]string{"--set-aside", "(", "-"}, strings.NewReader(in), io.Discard, &errs))

	require.Equal(t, 1, runEval([]string{"-"}, strings.NewReader(`{"label":"maybe"}`), io.Discard, &errs))
	require.Contains(t, errs.String(), `-: line 1: label "maybe" is neither attack nor benign`)
	require.Equal(t, 2, runEval(nil, strings.NewReader(""), io.Discard, io.Discard))
}

func TestEvalSetsWholeStatementsAside(t *testing.T) {
	in := `{"id":"1","label":"benign","class":"console","method":"POST","target":"/api/run","headers":{"Host":"sql.example.com","Content-Type":"application/json"},"body":"{\"query\":\"SELECT name, mail FROM customers WHERE city = 'Ulm' ORDER BY name\"}"}
{"id":"2","label":"benign","class":"console","method":"GET","target":"/s?q=1'+or+1=1+--+","headers":{"Host":"sql.example.com"}}
{"id":"3","label":"benign","class":"console","method":"GET","target":"/s?q=select+a+chair","headers":{"Host":"sql.example.com"}}
`
	var out, errs bytes.Buffer
	require.Equal(t, 0, runEval([]string{"-"}, strings.NewReader(in), &out, &errs), errs.String())
	require.Regexp(t, `(?m)^= ALL\s+TPR -\s+FPR 66\.67\s`, out.String())

	out.Reset()
	require.Equal(t, 0, runEval([]string{"--statements-aside", "-"}, strings.NewReader(in), &out, &errs), errs.String())
	require.Regexp(t, `(?m)^= ALL\s+TPR -\s+FPR 50\.00\s`, out.String(), "a break-out of a quote is no statement")
	require.Contains(t, out.String(), "set aside: 1 benign requests blocked for whole SQL statements alone (1)\n")
}
