package attack

import (
	"bytes"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/stretchr/testify/require"

	"kongwaf/detect"
)

// dressings are texts around a payload that mean nothing to the language that runs it: a
// browser, a template engine, a shell do not care for the words in front. So they must mean
// nothing to the engine either.
var dressings = []struct {
	name string
	// least is how many percent of the attacks are blocked at medium: the aim is 95, and what
	// has been reached must not be lost. It only goes up.
	least int
	// whole says that the value stays whole: what a program reads as one document (XML, a
	// serialised object, JSON) still means the same.
	whole bool
	// lines says that the dressing has line breaks of its own: where they may stand, another
	// one splits no header.
	lines bool
	dress func(payload string) string
}{
	{name: "bare", least: 99, whole: true, dress: func(p string) string { return p }},
	{name: "blank lines", least: 99, whole: true, lines: true, dress: func(p string) string { return "\n\n\n" + p + "\n\n\n" }},
	{name: "words before", least: 97, dress: func(p string) string { return "how are you today my dear friend " + p }},
	{name: "lines before", least: 96, lines: true, dress: func(p string) string {
		return "We had a lovely time at the lake last week.\nThe children want to go back soon.\nIt was a pity that you had to work.\n" + p
	}},
	{name: "greeting", least: 98, lines: true, dress: func(p string) string { return "Dear Maria,\n\n" + p + "\n" }},
	{name: "fence closed", least: 97, lines: true, dress: func(p string) string { return "as I said before\n```\n" + p + "\n```\nthanks" }},
	{name: "fence open", least: 98, lines: true, dress: func(p string) string { return "look at this\n```\n" + p }},
	{name: "list item", least: 97, lines: true, dress: func(p string) string { return "- two loaves of bread\n- " + p + "\n- milk" }},
	{name: "quote", least: 97, lines: true, dress: func(p string) string { return "Maria wrote:\n> " + p + "\n\nI agree with her." }},
	{name: "HTML paragraph", least: 96, dress: func(p string) string { return "<p>Good morning to all of you.</p><p>" + p + "</p>" }},
	{name: "JSON text", least: 99, whole: true, dress: func(p string) string { return `{"id":17,"note":` + quoteJSON(p) + `}` }},
	{name: "code comment", least: 96, dress: func(p string) string { return "/* the usual values */ " + p }},
	{name: "signature after", least: 93, whole: true, lines: true, dress: func(p string) string {
		return p + "\n\n-- \nKind regards,\nMaria Jensen\nHarbour Street 12"
	}},
}

// wronglyAboutMost is how many percent of the texts about attacks may be blocked at
// medium. It only goes down.
const wronglyAboutMost = 1

// TestDressing shows that what stands around a payload does not hide it, for each dressing
// and class; with -v it prints a table, and below each class what was missed. Its twins are
// texts *about* attacks, as people write them: TestTextsAboutAttacks.
func TestDressing(t *testing.T) {
	engine := newEngine(t, Options{})
	anywhere, whole := readSeeds(t, "attacks.txt"), readSeeds(t, "whole.txt")
	var classes []string
	type cell struct{ tried, blocked int }
	table := map[[2]string]*cell{}
	missed := map[string][]string{}
	try := func(dressing, class, payload, text string) {
		c := table[[2]string{dressing, class}]
		if c == nil {
			c = new(cell)
			table[[2]string{dressing, class}] = c
		}
		if !slices.Contains(classes, class) {
			classes = append(classes, class)
		}
		c.tried++
		if report := engine.Inspect(get("/p?q=" + url.QueryEscape(text))); report.Blocked {
			c.blocked++
		} else {
			missed[class] = append(missed[class], fmt.Sprintf("%-15s %.2f %q", dressing, report.Score, payload))
		}
	}
	for _, d := range dressings {
		for _, s := range anywhere {
			if s.class != "crlf" || !d.lines {
				try(d.name, s.class, s.text, d.dress(s.text))
			}
		}
		for _, s := range whole {
			if d.whole {
				try(d.name, s.class, s.text, d.dress(s.text))
			}
		}
	}

	var out bytes.Buffer
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "percent blocked\t%s\tall\n", strings.Join(classes, "\t"))
	for _, d := range dressings {
		fmt.Fprint(w, d.name)
		var all cell
		for _, class := range classes {
			c := table[[2]string{d.name, class}]
			if c == nil {
				fmt.Fprint(w, "\t-")
				continue
			}
			all.tried, all.blocked = all.tried+c.tried, all.blocked+c.blocked
			fmt.Fprintf(w, "\t%d", 100*c.blocked/c.tried)
		}
		fmt.Fprintf(w, "\t%.1f\n", 100*float64(all.blocked)/float64(all.tried))
		if 100*all.blocked < d.least*all.tried {
			t.Errorf("%s: %d of %d attacks blocked, want %d %% or more", d.name, all.blocked, all.tried, d.least)
		}
	}
	w.Flush()
	t.Logf("\n%s", &out)
	for _, class := range classes {
		t.Run(class, func(t *testing.T) {
			for _, m := range missed[class] {
				t.Logf("missed: %s", m)
			}
		})
	}
}

// TestTextsAboutAttacks shows that people may talk about attacks: bug reports, advisories,
// tutorials, READMEs.
func TestTextsAboutAttacks(t *testing.T) {
	engine := newEngine(t, Options{})
	data, err := os.ReadFile(filepath.Join("testdata", "dressing", "about.txt"))
	require.NoError(t, err)
	parts := strings.Split(string(data), "%% ")[1:]
	require.GreaterOrEqual(t, len(parts), 100)
	texts, wrong := 0, 0
	for _, part := range parts {
		title, text, _ := strings.Cut(part, "\n")
		text = strings.TrimSpace(text)
		for _, shape := range aboutShapes {
			texts++
			report, why := engine.Explain(shape.build(text))
			if !report.Blocked {
				continue
			}
			wrong++
			t.Logf("blocked as %s: %s", shape.name, title)
			for i, f := range report.Attacks {
				t.Logf("    %s %.2f %q (%s)", f.Class, f.Confidence, f.Evidence, why.Shapes[i])
			}
		}
	}
	t.Logf("%d of %d texts blocked: %.1f %%", wrong, texts, 100*float64(wrong)/float64(texts))
	if 100*wrong > wronglyAboutMost*texts {
		t.Errorf("%d of %d texts about attacks blocked, want at most %d %%", wrong, texts, wronglyAboutMost)
	}
}

// aboutShapes are where people's texts stand.
var aboutShapes = [...]struct {
	name  string
	build func(text string) *detect.Request
}{
	{name: "message", build: func(text string) *detect.Request {
		return post(jsonType, `{"title":"a text","text":`+quoteJSON(text)+`}`)
	}},
	{name: "JSON value", build: func(text string) *detect.Request { return post(jsonType, `{"value":`+quoteJSON(text)+`}`) }},
	{name: "form value", build: func(text string) *detect.Request { return post(formType, "value="+url.QueryEscape(text)) }},
	{name: "query value", build: func(text string) *detect.Request { return get("/p?q=" + url.QueryEscape(text)) }},
}

// seedLine is an attack of the dressing test.
type seedLine struct{ class, text string }

// readSeeds reads a list of attacks: see attacks.txt for its form.
func readSeeds(t *testing.T, name string) (seeds []seedLine) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "dressing", name))
	require.NoError(t, err)
	class, marks := "", strings.NewReplacer("␍", "\r", "␊", "\n", "␀", "\x00")
	for i, line := range strings.Split(string(data), "\n") {
		switch {
		case line == "" || strings.HasPrefix(line, "# "):
		case line[0] == '[' && strings.HasSuffix(line, "]") && !strings.ContainsAny(line, `"{ `):
			class = line[1 : len(line)-1]
		default:
			require.NotEmpty(t, class, "%s:%d: an attack without a class", name, i+1)
			seeds = append(seeds, seedLine{class: class, text: marks.Replace(line)})
		}
	}
	return seeds
}
