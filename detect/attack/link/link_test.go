package link

import "kongwaf/detect"

type row struct {
	name         string
	attack, twin string
	source       detect.Source
	field        string
	isName       bool
}

var rows = []row{
	{name: "metadata service", attack: "http://169.254.169.254/latest/meta-data/", twin: "http://198.51.100.4/latest/"},
	{name: "metadata by number", attack: "http://2852039166/", twin: "http://example.com/2852039166"},
	{name: "metadata in hexadecimal", attack: "http://0xa9fea9fe/", twin: "http://example.com/0xa9fea9fe"},
	{name: "metadata mapped into IPv6", attack: "http://[::ffff:169.254.169.254]/", twin: "http://[2001:db8::1]/"},
	{name: "metadata by name", attack: "http://metadata.google.internal/computeMetadata/v1/", twin: "https://metadata.example.com/v1/"},
	{name: "another cloud's metadata", attack: "http://100.100.100.200/latest/", twin: "http://100.99.100.200/x"},
	{name: "loopback by number", attack: "http://2130706433/", twin: "2130706433"},
	{name: "loopback in octal", attack: "http://0177.0.0.1/", twin: "0177.0.0.1"},
	{name: "loopback in hexadecimal", attack: "http://0x7f000001/", twin: "0x7f000001"},
	{name: "loopback cut short", attack: "http://127.1/", twin: "version: 127.1"},
	{name: "zero", attack: "http://0/", twin: "a:0"},
	{name: "IPv6 loopback at a service", attack: "http://[::1]:22/", twin: "[::1]"},
	{name: "loopback at a service's port", attack: "http://127.0.0.1:6379/", twin: "http://localhost:3000/callback", field: "redirect_uri"},
	{name: "loopback's administration", attack: "http://localhost/admin", twin: "http://localhost:8080"},
	{name: "origin in development", attack: "http://169.254.169.254", twin: "http://localhost:9000", source: detect.SourceHeader, field: "Origin"},
	{name: "name that embeds an address", attack: "http://127.0.0.1.nip.io/", twin: "http://www.nip.example/"},
	{name: "user part that looks like a host", attack: "http://good.example@evil.example/", twin: "http://user:secret@host.example/"},
	{name: "two hosts by a blank", attack: "http://1.1.1.1 &@2.2.2.2# @3.3.3.3/", twin: "http://1.1.1.1 & me@example.com"},
	{name: "two hosts by a backslash", attack: "http://good.example\\@evil.example/", twin: "http://good.example/a@b"},
	{name: "gopher", attack: "gopher://127.0.0.1:6379/_INFO", twin: "the gopher: an animal"},
	{name: "dict", attack: "dict://127.0.0.1:11211/stats", twin: "dict: a dictionary"},
	{name: "nested scheme", attack: "jar:http://x.example!/a", twin: "jar: of jam"},
	{name: "directory service", attack: "ldap://192.0.2.1/a", twin: "ldap: what is it"},
	{name: "netdoc", attack: "netdoc:///etc/passwd", twin: "netdoc"},
	{name: "remote script to include", attack: "http://x.example/shell.txt?", twin: "http://x.example/readme.txt", field: "page"},
	{name: "redirect by three slashes", attack: "///evil.example/%2f..", twin: "//cdn.example.com/lib.js"},
	{name: "redirect by a backslash", attack: "/\\evil.example", twin: "/evil.example"},
	{name: "redirect by mixed slashes", attack: "\\/\\/evil.example/", twin: "and\\/or"},
	{name: "referring page", attack: "http://169.254.169.254/", twin: "https://www.example.com/search?q=http://localhost", source: detect.SourceHeader, field: "Referer"},
	{name: "tracking", attack: "http://[::]:80/", twin: "https://t.example/p?u=https%3A%2F%2Fwww.example.com%2F&r=https://a.example/b?c=d"},
	{name: "address in a log line", attack: "http://169.254.169.254", twin: "GET / from 10.0.0.5 took 12 ms, next hop 192.168.0.1:443"},
}
