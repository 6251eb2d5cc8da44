package html

import (
	"strings"
	"testing"

	"golang.org/x/net/html"

	"kongwaf/detect"
	"kongwaf/detect/attack/value"
)

// blocked is the confidence from which a match is blocked at the default sensitivity.
const blocked = 0.7

func judge(text string) value.Match {
	v := value.Of(text, detect.SourceQuery, "q")
	return Judge(&v)
}

// pairs are attacks, each beside a harmless text of nearly the same form.
var pairs = []struct{ shows, attack, twin string }{
	{shows: "a script element runs, a word about one does not", attack: `<script>steal(1)</script>`, twin: "the <script> tag and its </script> end are rarely written by hand"},
	{shows: "a source is enough", attack: `<script src=//h.example/x></script>`, twin: `<img src=//h.example/x.png>`},
	{shows: "a type that no browser runs", attack: `<script type="module">go()</script>`, twin: `<script type="application/ld+json">{"@type":"Person"}</script>`},
	{shows: "the first type counts", attack: `<script type="module" type="application/json">go()</script>`, twin: `<script type="text/template">hello there, {{name}} (you)</script>`},
	{shows: "slashes separate attributes", attack: `<script/x/src='//h.example'>`, twin: `<b/>and/or</b>`},
	{shows: "a prefix does not help", attack: `<svg:script>steal()</svg:script>`, twin: `<svg:g><svg:circle r="2"/></svg:g>`},
	{shows: "a handler on any element", attack: `<q onpointerrawupdate=go(1)>x`, twin: `<q cite="https://example.com/">x</q>`},
	{shows: "a handler on an element nobody knows", attack: `<my-el onfocus="go()" tabindex=1>`, twin: `<my-el focus="go" tabindex=1>`},
	{shows: "white space before the equals sign", attack: "<img src=x onerror\n\f=\t'go()'>", twin: `<img src=x alt = 'on error'>`},
	{shows: "JSX is no HTML", attack: `<button onclick="go()">x</button>`, twin: `<Button onClick={() => go()}>x</Button>`},
	{shows: "braces without an arrow are a block", attack: `<img src=x onerror={alert(1)}>`, twin: `<Img onError={handleError} src={url} />`},
	{shows: "a quote ends the attribute", attack: `" autofocus onfocus="alert(1)`, twin: `"focus on this" he said`},
	{shows: "a quote, no blank", attack: `'onmouseover='confirm(1)`, twin: `'on mouse over' is an event`},
	{shows: "white space ends a bare attribute", attack: `x onclick=alert(1) y`, twin: `x on click = nothing`},
	{shows: "a link to a script", attack: `<a href="javascript:go(1)">x</a>`, twin: `<a href="https://example.com/javascript:intro">x</a>`},
	{shows: "tabs and references in a scheme", attack: "<a href=\"java\tscr&#105;pt&colon;go(1)\">x</a>", twin: `<a href="java&#x2d;script.html">x</a>`},
	{shows: "a form's target", attack: `<button form=a formaction=javascript:go(1)>`, twin: `<button form=a formaction=/save>`},
	{shows: "links that do nothing are common", attack: `<a href="javascript:void(0);go(1)">x</a>`, twin: `<a href="javascript:void(0);">x</a>`},
	{shows: "a bare script address", attack: `javascript:fetch('//h.example')`, twin: `javascript: the good parts`},
	{shows: "what click trackers report", attack: `javascript:__doPostBack(alert(1))`, twin: `javascript:__doPostBack('ctl00$grid','Page$2')`},
	{shows: "a document in an address", attack: `<iframe src="data:text/html;base64,PHNjcmlwdD4=">`, twin: `<img src="data:image/png;base64,iVBORw0KGgo=">`},
	{shows: "a document in a frame", attack: `<iframe srcdoc="&lt;script>go()&lt;/script>"></iframe>`, twin: `<iframe src="https://www.youtube.com/embed/abc" width="560" height="315" allowfullscreen></iframe>`},
	{shows: "plug-ins run what they load", attack: `<object data=//h.example/x.swf></object>`, twin: `<video src="https://example.com/x.mp4" controls></video>`},
	{shows: "a base moves every link", attack: `<base href=//h.example/>`, twin: `<p>All your base are belong to us</p>`},
	{shows: "a refresh moves the page", attack: `<meta http-equiv="refresh" content="0;url=//h.example">`, twin: `<meta name="viewport" content="width=device-width">`},
	{shows: "SVG animation sets a link", attack: `<svg><a><animate attributeName=href values=javascript:go(1) /></a></svg>`, twin: `<svg><animate attributeName="r" values="1;2" dur="1s"/></svg>`},
	{shows: "an expression in a style", attack: `<p style="width:ex/**/pression(go())">`, twin: `<p style="width: 50%; color: #333">An expression (old)</p>`},
	{shows: "CSS escapes", attack: `<p style="x:\65 xpression(go())">`, twin: `<p style="font-family:'Open Sans', Arial">x</p>`},
	{shows: "an address in a style sheet", attack: `<style>li{list-style:url("javascript:go()")}</style>`, twin: `<style>li{list-style:url("https://example.com/dot.png")}</style>`},
	{shows: "the end of a title", attack: `</title><svg onload=go()>`, twin: `The title: "A < B"`},
	{shows: "the end of a comment", attack: `--><img src=x onerror=go()>`, twin: `<!-- an ordinary remark, onerror=nothing here -->`},
	{shows: "a conditional comment", attack: `<!--[if IE]><script>go()</script><![endif]-->`, twin: `<!-- markdownlint-disable MD033 -->`},
	{shows: "the end of a script", attack: `';go(1)</script><b x='`, twin: `a b </p>`},
	{shows: "an attribute that is parsed again", attack: `<noscript><p title="</noscript><img src=x onerror=go()>">`, twin: `<p title="a < b and c > d">`},
	{shows: "a tag inside a word, for filters that strip tags", attack: `"auto<x>focus on<x>focus=alert<x>(1) y="`, twin: `List<String> a, Map<K,V> b = c`},
	{shows: "split over CDATA", attack: `<![CDATA[<]]>script<![CDATA[>]]>go()`, twin: `<![CDATA[a < b]]>`},
	{shows: "a NUL in a name", attack: "<scr\x00ipt>go()</script>", twin: "a\x00b <b>c</b>"},
	{shows: "plus signs for blanks", attack: `<img+src=x+onerror=go(1)>`, twin: `a+b<c+d`},
	{shows: "never closed", attack: `<svg/onload=go(1)//`, twin: `a <b && c`},
	{shows: "a framework's handler", attack: `<div ng-focus="$event.view.alert(1)" tabindex=0>`, twin: `<div ng-repeat="item in items" class="row">`},
	{shows: "Markdown's links", attack: `[x](javascript:alert(document.cookie))`, twin: `[x](https://example.com/javascript)`},
	{shows: "rich text", attack: `<p>Hi <a href=" javascript:go(1)">x</a></p>`, twin: `<p class="MsoNormal">Hi <b>you</b>, <a href="https://example.com/?a=b" target="_blank">x</a><br/><img src="https://example.com/a.png" alt="on=1"></p>`},
	{shows: "addresses in mail and love", attack: `<x onclick=go()>`, twin: `Jo <jo@example.com> <3 you`},
	{shows: "XML", attack: `<a xmlns="http://www.w3.org/1999/xhtml" onload="go()"/>`, twin: `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><on>1</on></soap:Body></soap:Envelope>`},
	{shows: "XAML names its handlers too", attack: `<Button onclick="go()">`, twin: `<asp:Button ID="b" OnClick="Save_Click" runat="server" />`},
	{shows: "query strings", attack: `x" onload="go()`, twin: `https://example.com/api.js?render=explicit&onload=ready`},
}

func TestPairs(t *testing.T) {
	for _, p := range pairs {
		if m := judge(p.attack); m.Confidence < blocked || m.Class != detect.ClassXSS {
			t.Errorf("%s: attack %q: %+v", p.shows, p.attack, m)
		}
		if m := judge(p.twin); m.Confidence >= blocked {
			t.Errorf("%s: twin %q: %+v", p.shows, p.twin, m)
		}
	}
}

// TestContexts writes one payload into a page at each place that ends differently.
func TestContexts(t *testing.T) {
	const payload = `<img src=x onerror=go(1)>`
	for _, before := range []string{"", `">`, `'>`, ">", "-->", "--!>", "</title>", "</TextArea >", "</style>", "</script>", "</noscript>", `"></option></select>`, "]]>", "x'\"><"} {
		if m := judge(before + payload); m.Confidence < 0.9 {
			t.Errorf("%q: %+v", before, m)
		}
	}
}

func TestBenignDoesNotAllocate(t *testing.T) {
	for _, p := range pairs {
		v := value.Of(p.twin, detect.SourceBody, "")
		if n := testing.AllocsPerRun(10, func() { Judge(&v) }); n > 0 && Judge(&v) == (value.Match{}) {
			t.Errorf("%q: %v allocations", p.twin, n)
		}
	}
}

// TestAgreesWithParser compares the walk with a full HTML5 tokenizer on well-formed input: a
// start tag with a handler is found exactly where the tokenizer sees one.
func TestAgreesWithParser(t *testing.T) {
	tags := []string{"<p>", `<a title="x">`, "<!-- c -->", "<br/>", "text ", `<i data-x='<b>'>`, "</p>", `<img src=x onerror=go(1)>`, `<u title=" onclick=go(1) ">`, "<!doctype html>", "a < b "}
	for n := range len(tags) * len(tags) * len(tags) {
		s := tags[n%len(tags)] + tags[n/len(tags)%len(tags)] + tags[n/len(tags)/len(tags)]
		slow := false
		z := html.NewTokenizer(strings.NewReader(s))
		for kind := z.Next(); kind != html.ErrorToken; kind = z.Next() {
			for _, a := range z.Token().Attr {
				slow = slow || strings.HasPrefix(a.Key, "on")
			}
		}
		p := scanner{src: s}
		p.data(0)
		if fast := p.best.Shape == "event handler"; fast != slow {
			t.Errorf("%q: walk %v, tokenizer %v", s, fast, slow)
		}
	}
}

func FuzzJudge(f *testing.F) {
	for _, p := range pairs {
		f.Add(p.attack)
		f.Add(p.twin)
	}
	for _, d := range dear {
		f.Add(d.text)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v := value.Of(s, detect.SourceBody, "")
		m := Judge(&v)
		if m.Class == detect.ClassNone {
			if m != (value.Match{}) {
				t.Fatalf("half a match: %+v", m)
			}
			return
		}
		if m.Confidence <= 0 || m.Confidence > 1 || m.Start < 0 || m.Start > m.End || m.End > len(s) || m.Shape == "" {
			t.Fatalf("bad match: %+v of %d bytes", m, len(s))
		}
		if !Possible(v.Traits) {
			t.Fatalf("found but not possible: %+v", m)
		}
	})
}
