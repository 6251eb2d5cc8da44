package crlf

import (
	"testing"

	"kongwaf/detect"
	"kongwaf/detect/attack/languagetest"
)

var language = languagetest.Language{Class: detect.ClassCRLF, Possible: Possible, Judge: Judge, Rows: rows}

func TestLanguage(t *testing.T)   { language.Test(t) }
func FuzzJudge(f *testing.F)      { language.Fuzz(f) }
func BenchmarkJudge(b *testing.B) { language.Benchmark(b) }

var rows = []languagetest.Row{
	{Shows: "a command of SMTP on its own line", Attack: "\r\nQUIT\r\n", Twin: "\r\nQuit smoking\r\n"},
	{Shows: "a command with a word", Attack: "\r\nVRFY root", Twin: "\r\nUSER guide for beginners"},
	{Shows: "cookie", Attack: "en\r\nSet-Cookie: a=b", Twin: "en\r\nand more", Source: detect.SourceQuery},
	{Shows: "a status line", Attack: "x\r\nHTTP/1.1 404 Not Found\r\n", Twin: "x\r\nHTTP/1.1 is from 1997\r\n", Source: detect.SourceQuery},
	{Shows: "any header behind NUL", Attack: "\x00\r\nA:2", Twin: "a\r\nA:2", Source: detect.SourceQuery},
	{Shows: "a header of one's own", Attack: "de\r\nInternal-Role: admin", Twin: "de\r\nplease note: closed", Source: detect.SourceQuery},
	{Shows: "a line break in credentials", Attack: "x\r\nisroot=1", Twin: "x;isroot=1", Source: detect.SourceHeader, Name: "password"},
	{Shows: "a copy of headers", Attack: "en\r\nContent-Length: 5\r\nX-Cache: HIT\r\n", Twin: "content-type: text/css\r\ncontent-length: 5\r\nx-cache: HIT\r\n", Source: detect.SourceQuery, Suspicious: true},
	{Shows: "line feed only", Attack: "\nSet-Cookie:crlf=injection", Twin: "\nset cookies", Source: detect.SourceQuery},
	{Shows: "redirect", Attack: "x\r\nLocation: https://evil.example/", Twin: "Address\nLocation: London", Source: detect.SourceQuery, Suspicious: true},
	{Shows: "page after an empty line", Attack: "x\r\n\r\n<html>", Twin: "text\n\n<b>more</b>", Source: detect.SourceQuery, Suspicious: true},
	{Shows: "split response", Attack: "x\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>", Twin: "1\n2\n3", Source: detect.SourceQuery},
	{Shows: "split request", Attack: "x HTTP/1.1\r\nHost: a\r\n\r\nGET /admin HTTP/1.1", Twin: "Dear all,\r\nget the bus home", Source: detect.SourceBody},
	{Shows: "characters whose low bytes are CR and LF", Attack: "x\u560d\u560aSet-Cookie: a=b", Twin: "\u560d\u560a", Source: detect.SourceQuery},
	{Shows: "blind copy", Attack: "me@example.com\nBcc: all@example.org", Twin: "me@example.com\nsecond line", Source: detect.SourceBody},
	{Shows: "copy with CRLF", Attack: "me@example.com\r\nCc: all@example.org", Twin: "to: be or not\nto: be", Source: detect.SourceQuery, Suspicious: true},
	{Shows: "SMTP command", Attack: "RCPT TO: test@evil.example", Twin: "mail to the office", Source: detect.SourceBody},
	{Shows: "IMAP command", Attack: "V100 CAPABILITY\r\nV101 FETCH 4791", Twin: "Room V100\r\nRoom V101", Source: detect.SourceBody},
	{Shows: "configuration is data", Attack: "a\r\nX-Forwarded-Host: evil.example", Twin: "host: db.example.com\nport: 5432\nuser: app\nlocation: eu\nstatus: active\n", Source: detect.SourceBody},
	{Shows: "quoted mail is data", Attack: "subject\r\nBcc: x@example.org", Twin: "Hello,\nplease see below what she wrote.\n\nFrom: Ann\nTo: Bob\nSubject: the report\n\nHere it is, as promised.\nAnn", Source: detect.SourceBody},
}
