package extract

import (
	"slices"
	"strings"
	"testing"
)

func TestXML(t *testing.T) {
	x := func(body string) *shapeRequest { return post("text/xml", body) }
	run(t, []shape{
		{
			name: "text, attributes, names",
			req:  x(`<?xml version="1.0"?><o:order id="1'--"><name>O&#39;Brien</name></o:order>`),
			want: []string{"body.xml#o:order", "body.xml.o:order#id", "body.xml.o:order.id=1'--", "body.xml.o:order.name=O'Brien {xml}"},
			not:  []string{`body=<?xml version="1.0"?><o:order id="1'--"><name>O&#39;Brien</name></o:order>`},
		},
		{
			name: "a payload split by CDATA and a comment is put together",
			req:  x(`<a>1' o<![CDATA[r 1]]><!-- x -->=1&#45;-</a>`),
			want: []string{"body.xml.a=1' or 1=1-- {xml}", "body.xml.a.comment=x"},
		},
		{
			name: "harmless twin: a comment between elements",
			req:  x(`<a><b>x</b><!-- y --><c>z</c></a>`),
			want: []string{"body.xml.a.b=x", "body.xml.a.c=z"},
		},
		{
			name: "a document type with its literals",
			req:  x(`<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY y "p&#37;q">]><a>&x;</a>`),
			want: []string{
				`body.xml.doctype=<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY y "p&#37;q">]>`,
				"body.xml.entity=file:///etc/passwd", "body.xml.entity=p%q {xml}", "body.xml.a=&x;",
			},
		},
		{
			name: "XInclude: the whole tag",
			req:  x(`<a xmlns:xi="u"><xi:include href="file:///etc/passwd"/></a>`),
			want: []string{`body.xml.a.xi:include=<xi:include href="file:///etc/passwd"/>`, "body.xml.a.xi:include.href=file:///etc/passwd"},
		},
		{
			name: "elements that name classes: the whole tags",
			req:  x(`<java class="java.beans.XMLDecoder"><java.util.PriorityQueue/><void/></java>`),
			want: []string{`body.xml.java=<java class="java.beans.XMLDecoder">`, "body.xml.java.java.util.PriorityQueue=<java.util.PriorityQueue/>"},
		},
		{
			name: "an event handler: the whole tag",
			req:  x(`<svg ONLOAD="f()"/>`),
			want: []string{`body.xml.svg=<svg ONLOAD="f()"/>`},
		},
		{
			name: "harmless twin: classes of a style sheet",
			req:  x(`<div class="box wide"><p/></div>`),
			not:  []string{`body.xml.div=<div class="box wide">`},
		},
		{
			name: "a server-side include",
			req:  x(`<a><!--#exec cmd="id"--></a>`),
			want: []string{`body.xml.a.comment=<!--#exec cmd="id"-->`},
		},
		{
			name: "a processing instruction",
			req:  x(`<a><?php system('id') ?></a>`),
			want: []string{"body.xml.a.instruction=<?php system('id') ?>"},
		},
		{
			name: "siblings do not pile up in the place",
			req:  x(`<a><b/><c x="1"/><d>2'</d></a>`),
			want: []string{"body.xml.a.d=2'"},
		},
		{
			name: "not closed, not quoted: text is handed out whole as well",
			req:  x(`<a b=1'-- c='x>y`),
			want: []string{"body.xml.a.b=1'--", `body=<a b=1'-- c='x>y`},
		},
		{
			name: "a lone '<' is text",
			req:  x(`<a>1 < 2'</a>`),
			want: []string{"body.xml.a=1 < 2'"},
		},
		{
			name: "undeclared",
			req:  post("", `<a>1'--</a>`),
			want: []string{"body.xml.a=1'--"},
		},
		{
			name: "undeclared markup of HTML is handed out whole as well",
			req:  post("text/plain", `<div onclick="x">y</div>`),
			want: []string{`body=<div onclick="x">y</div>`, "body.xml.div.onclick=x"},
		},
		{
			name: "the location of a schema",
			req:  x(`<a xsi:schemaLocation="u http://evil.example/x">1</a>`),
			want: []string{`body.xml.a=<a xsi:schemaLocation="u http://evil.example/x">`},
		},
		{
			name: "declared as JSON",
			req:  post("application/json", `<a>1'--</a>`),
			want: []string{"body.xml.a=1'--"},
		},
		{
			name: "SOAP",
			req:  post("application/soap+xml", `<s:Envelope><s:Body><m:q><m:id>1'--</m:id></m:q></s:Body></s:Envelope>`),
			want: []string{"body.xml.s:Envelope.s:Body.m:q.m:id=1'--"},
		},
		{
			name: "UTF-16",
			req:  x("\xff\xfe<\x00a\x00>\x00'\x00<\x00/\x00a\x00>\x00"),
			want: []string{"body.xml.a=' {utf-16}"},
		},
		{
			name: "UTF-7 by the XML declaration",
			req:  x(`<?xml version="1.0" encoding="UTF-7"?><a>+ACc--- or 1</a>`),
			want: []string{"body.xml.a='-- or 1 {utf-7}"},
		},
		{
			name: "EBCDIC by its first bytes",
			req:  x("\x4c\x6f\xa7\x94\x93\x6f\x6e\x4c\x81\x6e\x7d\x4c\x61\x81\x6e"), // <?xml?><a>'</a>
			want: []string{"body.xml.a=' {ibm037}"},
		},
	})
}

func TestXMLTooDeep(t *testing.T) {
	body := strings.Repeat("<a>", 300) + "1'--" + strings.Repeat("</a>", 300)
	got, truncated, _ := leaves(post("text/xml", body), Limits{}, false)
	if !truncated || !slices.ContainsFunc(got, func(s string) bool { return strings.HasSuffix(s, "=1'--") }) {
		t.Errorf("truncated %v, %d leaves", truncated, len(got))
	}
}
