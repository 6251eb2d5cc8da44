package attack

import (
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/detect"
	"kongwaf/detect/attack/value"
)

func TestNoise(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	printable := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte(byte(' ' + random.IntN(95)))
		}
		return b.String()
	}
	binary := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte(byte(random.IntN(256)))
		}
		return b.String()
	}
	rows := []struct {
		name, text, evidence string
		want                 bool
	}{
		{name: "random characters", text: printable(400) + ";aB$3x`" + printable(400), evidence: ";aB$3x`", want: true},
		{name: "binary", text: binary(300) + ";id;" + binary(300), evidence: ";id;", want: true},
		{name: "a command among random characters", text: printable(400) + ";cat /etc/passwd | mail root@localhost" + printable(400), evidence: ";cat /etc/passwd | mail root@localhost", want: false},
		{name: "short", text: ";aB$3x`", evidence: ";aB$3x`", want: false},
		{name: "code", text: strings.Repeat("for i := range n { sum += a[i] * b[i] } // dot product\n", 4) + ";id;", evidence: ";id;", want: false},
		{name: "padding", text: strings.Repeat("A", 4000) + "' or 1=1 -- ", evidence: "' or 1=1 -- ", want: false},
		{name: "JavaScript of six characters", text: strings.Repeat("[][(![]+[])[+[]]+(![]+[])[!+[]+!+[]]]", 10), evidence: "[][(![]+[])[+[]]", want: false},
		{name: "mixed case keywords among numbers", text: "4/**/uNiOn/**/sELeCt/**/1,0x33633273366962,3,4,5,6,7,8,9,10,11/**/fRoM/**/tBl--", evidence: "uNiOn/**/sELeCt", want: false},
		{name: "mixed case keywords", text: "1 UnIoN/**/SeLeCt/**/PaSsWoRd/**/FrOm/**/UsErS/**/WhErE/**/1=1/**/Or/**/2=2", evidence: "UnIoN/**/SeLeCt", want: false},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			start := strings.Index(row.text, row.evidence)
			require.Equal(t, row.want, noise(row.text, start, start+len(row.evidence)))
		})
	}
}

func TestHeadersWithAGrammarCountLess(t *testing.T) {
	e := newEngine(t, Options{Sensitivity: High})
	const text = "1 or 2=2"
	custom := e.Inspect(get("/", "X-Custom", text))
	accept := e.Inspect(get("/", "Sec-Ch-Ua", text))
	require.NotEmpty(t, custom.Attacks)
	require.NotEmpty(t, accept.Attacks)
	require.InDelta(t, custom.Attacks[0].Confidence*grammarFactor, accept.Attacks[0].Confidence, 1e-9)
	require.True(t, e.Inspect(get("/", "Accept", "<script>alert(1)</script>")).Blocked)
	require.Equal(t, detect.SourceHeader, custom.Attacks[0].Place.Source())
}

func TestWordsAreNoNoise(t *testing.T) {
	text := "Select the best option from the menu -- it's where we union. O'Brien said: \"drop by at 5\", didn't he?"
	require.False(t, noise(text, 0, len(text)))
	require.True(t, value.TraitsOf(text).Any(value.Quote))
}

// TestExplanationsSayWhatAPlaceWeighs shows the same payload where it is read by people or
// programs of another kind than those it is meant for.
func TestExplanationsSayWhatAPlaceWeighs(t *testing.T) {
	e := newEngine(t, Options{})
	const payload = "<img src=x onerror=alert(1)>"
	rows := []struct {
		name    string
		request *detect.Request
		says    string
		blocked bool
	}{
		{name: "a field", request: post(jsonType, `{"name":"`+payload+`"}`), blocked: true},
		{name: "a prompt", request: post(jsonType, `{"messages":[{"role":"user","content":"`+payload+`"}]}`), says: "(prompt: x 0.6)"},
		{name: "a line of a log", request: post(jsonType, `{"streams":[{"values":[["1","`+payload+`"]]}]}`), says: "(log: x 0.7)"},
		{name: "a frame of a stack trace", request: post(jsonType, `{"frames":[{"context_line":"`+payload+`"}]}`), says: "(program: x 0.7)"},
		{name: "a page's own address", request: get("/a.css", "Referer", "https://shop.example.com/?q="+url.QueryEscape(payload)), says: "(page address: x 0.6)"},
		{name: "another page's Referer", request: get("/a", "Referer", "https://shop.example.com/?q="+url.QueryEscape(payload)), blocked: true},
		{name: "a question in a chat", request: post(jsonType, `{"text":"Is this XSS? `+payload+`"}`), says: "mentioned in a text about it"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			report, why := e.Explain(row.request)
			require.NotEmpty(t, report.Attacks)
			require.Equal(t, row.blocked, report.Blocked, "score %v", report.Score)
			require.Contains(t, why.Shapes[0], row.says)
		})
	}
}
