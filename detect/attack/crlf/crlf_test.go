package crlf

import "kongwaf/detect"

type row struct {
	name         string
	attack, twin string
	source       detect.Source
	field        string
	isName       bool
}

var rows = []row{
	{name: "cookie", attack: "en\r\nSet-Cookie: a=b", twin: "en\r\nand more", source: detect.SourceQuery},
	{name: "line feed only", attack: "\nSet-Cookie:crlf=injection", twin: "\nset cookies", source: detect.SourceQuery},
	{name: "redirect", attack: "x\r\nLocation: https://evil.example/", twin: "Address\nLocation: London", source: detect.SourceQuery},
	{name: "page after an empty line", attack: "x\r\n\r\n<html>", twin: "text\n\n<b>more</b>", source: detect.SourceQuery},
	{name: "split response", attack: "x\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>", twin: "1\n2\n3", source: detect.SourceQuery},
	{name: "split request", attack: "x HTTP/1.1\r\nHost: a\r\n\r\nGET /admin HTTP/1.1", twin: "Dear all,\r\nget the bus home", source: detect.SourceBody},
	{name: "characters whose low bytes are CR and LF", attack: "x\u560d\u560aSet-Cookie: a=b", twin: "\u560d\u560a", source: detect.SourceQuery},
	{name: "blind copy", attack: "me@example.com\nBcc: all@example.org", twin: "me@example.com\nsecond line", source: detect.SourceBody},
	{name: "copy with CRLF", attack: "me@example.com\r\nCc: all@example.org", twin: "to: be or not\nto: be", source: detect.SourceQuery},
	{name: "SMTP command", attack: "RCPT TO: test@evil.example", twin: "mail to the office", source: detect.SourceBody},
	{name: "IMAP command", attack: "V100 CAPABILITY\r\nV101 FETCH 4791", twin: "Room V100\r\nRoom V101", source: detect.SourceBody},
	{name: "configuration is data", attack: "a\r\nX-Forwarded-Host: evil.example", twin: "host: db.example.com\nport: 5432\nuser: app\nlocation: eu\nstatus: active\n", source: detect.SourceBody},
	{name: "quoted mail is data", attack: "subject\r\nBcc: x@example.org", twin: "Hello,\nplease see below what she wrote.\n\nFrom: Ann\nTo: Bob\nSubject: the report\n\nHere it is, as promised.\nAnn", source: detect.SourceBody},
}
