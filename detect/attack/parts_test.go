package attack

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestContainersAreJudgedByTheirParts holds that the marks of a container are no attack,
// and that what stands in it is judged all the same.
func TestContainersAreJudgedByTheirParts(t *testing.T) {
	engine, err := New(Options{})
	require.NoError(t, err)
	for _, row := range []struct {
		name, text string
		blocked    bool
	}{
		{name: "quotes of JSON close no literal", text: `{"id":1,"text":"a\tb\n1\t'x'\t#N/A\n2\t\"y\"\t-"}`, blocked: false},
		{name: "code that is quoted in a sentence", text: `{"id":1,"text":"What does ` + "`grep -rn \\\"TODO\\\" . | wc -l`" + ` do exactly?"}`, blocked: false},
		{name: "the same JSON with a payload", text: `{"id":1,"text":"x\" or 1=1-- "}`, blocked: true},
		{name: "an operator as a key", text: `{"user":{"$ne":null}}`, blocked: true},
		{name: "a class that is named", text: `{"@type":"com.sun.rowset.JdbcRowSetImpl","x":1}`, blocked: true},
		{name: "JSON that is none", text: `{"a":1}' or 1=1-- `, blocked: true},
		{name: "a lone string breaks out", text: `"-alert(1)-"`, blocked: true},
		{name: "rich text shows markup by references", text: `<p>Use <code>&lt;script&gt;alert(1)&lt;/script&gt;</code> with care</p>`, blocked: false},
		{name: "references alone", text: `&lt;script&gt;alert(1)&lt;/script&gt;`, blocked: true},
		{name: "references where markup is read again", text: `<p>x</p><svg><style>&lt;img src=x onerror=alert(1)&gt;</style></svg>`, blocked: true},
		{name: "rich text with a handler", text: `<p>&lt;b&gt;</p><img src=x onerror=alert(1)>`, blocked: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			report := engine.Inspect(get("/p?q=" + url.QueryEscape(row.text)))
			if report.Blocked != row.blocked {
				t.Errorf("%q: blocked %v: %+v", row.text, report.Blocked, report.Attacks)
			}
		})
	}
}
