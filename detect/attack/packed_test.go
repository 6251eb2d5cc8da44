package attack

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/base64"
	"io"
	"net/url"
	"testing"

	"kongwaf/detect"
)

// deflated returns base64 of a raw deflated text, as SAML's redirect binding has it.
func deflated(text string) string {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.DefaultCompression)
	io.WriteString(w, text)
	w.Close()
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

// archive returns a zip upload with members, given as name and content in turn.
func archive(name string, members ...string) *detect.Request {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(members); i += 2 {
		m, _ := z.Create(members[i])
		io.WriteString(m, members[i+1])
	}
	z.Close()
	return post("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\""+name+
		"\"\r\nContent-Type: application/octet-stream\r\n\r\n"+b.String()+"\r\n--b--\r\n")
}

// TestPackedValues hides attacks in values that are packed as applications pack theirs, beside
// what they pack.
func TestPackedValues(t *testing.T) {
	e := newEngine(t, Options{})
	const login = `<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ` +
		`ID="_8f2c1d" Version="2.0" IssueInstant="2026-01-02T03:04:05Z" Destination="https://idp.example/sso" ` +
		`AssertionConsumerServiceURL="https://app.example/acs"><saml:Issuer>https://app.example/metadata</saml:Issuer>` +
		`<samlp:NameIDPolicy Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress" AllowCreate="true"/></samlp:AuthnRequest>`
	const xmlHead = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	const doctype = `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>`
	for _, row := range []struct {
		name    string
		request *detect.Request
		class   detect.Class // ClassNone: harmless
	}{
		{name: "SAML request", request: get("/sso?SAMLRequest=" + url.QueryEscape(deflated(login)) + "&RelayState=home")},
		{name: "SAML request with an external entity", request: get("/sso?SAMLRequest=" + url.QueryEscape(deflated(doctype+login))), class: detect.ClassXXE},
		{name: "the same in a form", request: post(formType, "SAMLRequest="+url.QueryEscape(deflated(doctype+login))), class: detect.ClassXXE},
		{name: "a diagram in a link", request: get("/#" + url.QueryEscape(deflated(`<mxGraphModel><root><mxCell id="0" value="Start &amp; end"/></root></mxGraphModel>`)))},
		{name: "YAML with binary data", request: post("application/yaml", "logo: !!binary |\n  "+base64.StdEncoding.EncodeToString([]byte("a plain text, packed"))+"\n")},
		{name: "YAML with code in binary data", request: post("application/yaml", "logo: !!binary |\n  PHNjcmlwdD5\n  hbGVydCgxKTwvc2NyaXB0Pg==\n"), class: detect.ClassXSS},
		{name: "spreadsheet", request: archive("a.xlsx",
			"[Content_Types].xml", xmlHead+`<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>`,
			"_rels/.rels", xmlHead+`<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Target="xl/workbook.xml"/></Relationships>`,
			"xl/workbook.xml", xmlHead+`<workbook xmlns="x"><sheets><sheet name="Sheet1" sheetId="1"/></sheets></workbook>`,
			"xl/sharedStrings.xml", xmlHead+`<sst><si><t>O'Neill &amp; Sons; select one or two</t></si></sst>`,
			"xl/worksheets/sheet1.xml", xmlHead+`<worksheet><sheetData><row r="1"><c r="A1" t="s"><f>SUM(A1:A2)</f><v>0</v></c></row></sheetData></worksheet>`)},
		{name: "spreadsheet with an external entity", request: archive("a.xlsx", "[Content_Types].xml", xmlHead+doctype+`<Types>&x;</Types>`), class: detect.ClassXXE},
		{name: "book", request: archive("a.epub", "mimetype", "application/epub+zip", "toc.ncx",
			xmlHead+`<!DOCTYPE ncx PUBLIC "-//NISO//DTD ncx 2005-1//EN" "http://www.daisy.org/z3986/2005/ncx-2005-1.dtd"><ncx/>`,
			"a.xhtml", xmlHead+`<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "http://www.w3.org/TR/xhtml11/DTD/xhtml11.dtd"><html/>`,
			"b.svg", xmlHead+`<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd"><svg/>`)},
		{name: "source code", request: archive("plugin.zip", "plugin/plugin.php", "<?php\nsystem($_GET['c']);", "plugin/.htaccess", "Deny from all", "plugin/a.js", "eval(x)")},
		{name: "archive that climbs", request: archive("a.zip", "a.txt", "x", "../../var/www/x.php", "x"), class: detect.ClassPathTraversal},
		{name: "JSON5 over two lines", request: post("application/json", "{\"a\":\"a long \\\nsentence\"}")},
		{name: "an injection over two lines", request: post("application/json", "{\"a\":\"1' uni\\\non sel\\\nect password from users-- \"}"), class: detect.ClassSQLi},
	} {
		r := e.Inspect(row.request)
		switch {
		case row.class == detect.ClassNone && r.Blocked:
			t.Errorf("%s: blocked: %+v", row.name, r.Attacks)
		case row.class != detect.ClassNone && (!r.Blocked || r.Attacks[0].Class != row.class):
			t.Errorf("%s: %+v", row.name, r)
		}
	}
}
