package scanner

import "kongwaf/detect"

type row struct {
	name         string
	attack, twin string
	source       detect.Source
	field        string
	isName       bool
}

const browser = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"

var rows = []row{
	{name: "sqlmap", attack: "sqlmap/1.7.4#stable (https://sqlmap.org)", twin: "curl/8.5.0", source: detect.SourceHeader, field: "User-Agent"},
	{name: "Nikto", attack: "Mozilla/5.00 (Nikto/2.1.6) (Evasions:None) (Test:Port Check)", twin: browser, source: detect.SourceHeader, field: "User-Agent"},
	{name: "Nuclei", attack: "Nuclei - Open-source project (github.com/projectdiscovery/nuclei)", twin: "python-requests/2.31.0", source: detect.SourceHeader, field: "user-agent"},
	{name: "OpenVAS", attack: "Mozilla/5.0 [en] (X11, U; OpenVAS-VT 22.4.1)", twin: "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0", source: detect.SourceHeader, field: "User-Agent"},
	{name: "OpenVAS by another name", attack: "Microsoft WinRM Client OpenVASVT", twin: "Microsoft WinRM Client", source: detect.SourceHeader, field: "User-Agent"},
	{name: "a name of several words", attack: "Fuzz Faster U Fool v2.0.0", twin: "Go-http-client/2.0", source: detect.SourceHeader, field: "User-Agent"},
	{name: "a script of Nessus", attack: "x_sql_injection.nasl", twin: "Googlebot/2.1 (+http://www.google.com/bot.html)", source: detect.SourceHeader, field: "User-Agent"},
	{name: "a tool's name elsewhere is a word", attack: "WPScan v3.8 (https://wpscan.com)", twin: "zapper/1.0", source: detect.SourceHeader, field: "User-Agent"},
	{name: "header of a scanner", attack: "X-Scanner", twin: "X-Request-Id", source: detect.SourceHeader, isName: true},
	{name: "repository", attack: "/.git/HEAD", twin: "/git/head", source: detect.SourcePath},
	{name: "environment", attack: "/app/.env", twin: "/app/env", source: detect.SourcePath},
	{name: "heap dump", attack: "/actuator/heapdump", twin: "/actuator/health", source: detect.SourcePath},
	{name: "backup of a configuration", attack: "/wp-config.php.bak", twin: "/wp-login.php", source: detect.SourcePath},
	{name: "call-out domain", attack: "http://lmb1ikpej3yys0gqft8lxewm2d89w5.burpcollaborator.net/", twin: "https://portswigger.net/burp"},
	{name: "call-out in a command", attack: "nslookup w63gecoroprj5um8ypnd7r6in9t0.oast.me", twin: "the oast house.me"},
	{name: "canary", attack: "acunetix_wvs_security_test", twin: "security_test"},
}
