package sql

import (
	"os"
	"strings"
	"testing"

	"kongwaf/detect"
	"kongwaf/detect/attack/value"
)

func judge(text string) value.Match {
	v := value.Of(text, detect.SourceQuery, "q")
	if !Possible(v.Traits) {
		return value.Match{}
	}
	return Judge(&v)
}

// Every attack stands beside something harmless that shares its words or marks.
var twins = []struct {
	shows  string
	attack string
	twin   string
}{
	{shows: "number and tautology", attack: "1 or 1=1", twin: "1 or 2 of them"},
	{shows: "tautology without a comparison", attack: "1 or true", twin: "true or false?"},
	{shows: "double pipe as OR", attack: "1 || 1", twin: "5685587||order=||page=2"},
	{shows: "XOR and numbers", attack: "7 xor 7", twin: "xor gate"},
	{shows: "false condition", attack: "12 and 1=2", twin: "12 and under"},
	{shows: "tautology of a column", attack: "3 or id=id", twin: "id=3 or name=x"},
	{shows: "word as signs", attack: "1-sleep(5)", twin: "sleep(8 hours) a night"},
	{shows: "division by word", attack: "1 div 1", twin: "div 1 of the page"},
	{shows: "pattern match", attack: "1 rlike 1", twin: "things I like 1 to 5"},
	{shows: "range", attack: "1 or 2 between 1 and 3", twin: "price between 10 and 20"},
	{shows: "membership", attack: "1 or 1 in (1,2)", twin: "1 in (roughly) 10"},
	{shows: "is not null", attack: "1 or 1 is not null", twin: "it is not null and void"},
	{shows: "exists", attack: "5 and exists(select * from users)", twin: "it exists (somewhere)"},
	{shows: "case when", attack: "(case when 1=1 then 1 else 0 end)", twin: "case when closed, else open -- end"},
	{shows: "quoted tautology", attack: "x' or 'a'='a", twin: "the boys' or the girls' room"},
	{shows: "empty strings", attack: "' or ''='", twin: "x == '' or y == ''"},
	{shows: "literal left open by the query", attack: "admin' or '1", twin: "Dancin' or prancin'"},
	{shows: "double quotes", attack: `x" or "a"="a`, twin: `necklace 16" or 18"`},
	{shows: "double quotes and minus", attack: `x" or ""-"`, twin: `"PINK ROSES" -DRESS -SHIRT`},
	{shows: "backtick closed", attack: "id` or 1=1 -- ", twin: "use `id` or 1 of the others"},
	{shows: "comment ends the query", attack: "admin'--", twin: "admin'--our cat's name"},
	{shows: "comment with a space", attack: "admin' -- ", twin: "rock 'n' roll -- the best"},
	{shows: "hash comment", attack: "admin'#", twin: "the cats' #1 choice"},
	{shows: "open comment", attack: "admin'/*", twin: "x/*"},
	{shows: "operator between literals", attack: "'='", twin: "a='b'"},
	{shows: "minus between literals", attack: "'-'", twin: "jack-o'-lantern"},
	{shows: "signs", attack: "abc' = !!'0", twin: "that's = great!!"},
	{shows: "brackets closed", attack: "1')) or (('a'='a", twin: "see a) or b) and c)"},
	{shows: "LIKE pattern", attack: "%' and 1=1 and '%'='", twin: "where 1 of 10 like '%cats%'"},
	{shows: "union", attack: "-1 union select 1,2,3", twin: "union was a great select"},
	{shows: "union all", attack: "1 union all select null,null from users", twin: "O' UNION selected a few friends"},
	{shows: "union without spaces", attack: "1 union(select(1),(2))", twin: "union (workers) select (1) delegate"},
	{shows: "union in comments", attack: "1/**/union/**/distinct/**/select/**/1", twin: "/* union */ select one of these"},
	{shows: "union in a versioned comment", attack: "1 /*!50000union*/ /*!select*/ 1,2", twin: "/*! union of all */ the selected"},
	{shows: "line comments as spaces", attack: "1--x\nunion--x\nselect 1,2", twin: "one -- x\nunion -- x\nselect it all"},
	{shows: "exponent without digits", attack: "1e1union select 1,2", twin: "1e10 unions"},
	{shows: "number dropped before a bracket", attack: "1' or 1.e(1)=1.e(1)-- ", twin: "1.e (see 1.f)"},
	{shows: "union values", attack: "1 union values(1,2)", twin: "union values (and ours)"},
	{shows: "unknown text before the union", attack: "foo bar baz union select user,password from users", twin: "the trade union select committee from users' side"},
	{shows: "stacked drop", attack: "1; drop table users", twin: "Drop the table off; thanks"},
	{shows: "stacked delete", attack: "1;delete from users", twin: "1; delete from the end"},
	{shows: "stacked update", attack: "x'; update users set role='admin", twin: "it's 5 o'clock; update me"},
	{shows: "stacked insert", attack: "x'; insert into users values(1,'a')-- ", twin: "insert coin; insert into slot"},
	{shows: "stacked procedure", attack: "1;exec master..xp_cmdshell 'dir'", twin: "exec summary; see attachment"},
	{shows: "stacked delay", attack: "1;waitfor delay '0:0:5'", twin: "waitfor it... delay 5 min"},
	{shows: "stacked declare", attack: "1;declare @q varchar(99);exec(@q)", twin: "declare war; execute orders"},
	{shows: "no semicolon", attack: "x' waitfor delay '0:0:5'--", twin: "don't wait for 'delay'"},
	{shows: "copy to a program", attack: "1; copy t from program 'id'", twin: "copy that from the program"},
	{shows: "load data", attack: "1;load data infile '/etc/passwd' into table t", twin: "load data into the form"},
	{shows: "shutdown", attack: "1;shutdown--", twin: "government; shutdown looms"},
	{shows: "create function", attack: "1;create or replace function f(int) returns int as 'x','y' language c", twin: "create or replace the function"},
	{shows: "PostgreSQL delay", attack: "1||pg_sleep(10)", twin: "pg_sleep is documented in chapter 9"},
	{shows: "benchmark", attack: "1 and benchmark(5000000,md5(1))", twin: "benchmark (good)"},
	{shows: "error based", attack: "1 and extractvalue(1,concat(0x7e,version()))", twin: "extract value (1, 2)"},
	{shows: "out of band", attack: "'||utl_http.request('http://x')||'", twin: "utl_http docs"},
	{shows: "Oracle pipe", attack: "1 and dbms_pipe.receive_message('a',5)=1", twin: "dbms lecture 5 and 6"},
	{shows: "file read", attack: "1 union select load_file('/etc/passwd')", twin: "load_file manager v2, into outfile?"},
	{shows: "file write", attack: "1 into outfile '/tmp/x'", twin: "put 1 into the outfile"},
	{shows: "XPath error", attack: "1' and updatexml(1,concat(0x7e,user()),1) and '1'='1", twin: "the user's updatexml code"},
	{shows: "order by probing", attack: "1' order by 5-- ", twin: "in order by 5 pm"},
	{shows: "order by, bare", attack: "1 order by 10", twin: "1 order by mail"},
	{shows: "group by and having", attack: "1' group by 1 having 1=1-- ", twin: "Group by Teacher having > 5 pupils"},
	{shows: "having", attack: "' having 1=1-- ", twin: "I'm having 1 of those"},
	{shows: "procedure analyse", attack: "1 procedure analyse(1,1)", twin: "procedure: analyse (carefully)"},
	{shows: "subquery", attack: "(select count(*) from users)", twin: "Size (select one)"},
	{shows: "subquery behind a comma", attack: "name,(select case when (1=1) then 1 else 2 end)", twin: "name, (please select one)"},
	{shows: "subquery compared", attack: "1 and (select 1 from users limit 1)=1", twin: "1 and (select 1 of 2)"},
	{shows: "blind", attack: "1 and ascii(substring(user(),1,1))>64", twin: "ascii(7) and substring art"},
	{shows: "server variable", attack: "1 and @@version like '5%'", twin: "mail @@home and @@work"},
	{shows: "sounds like", attack: "1 and 'a' sounds like 'a'", twin: "and it sounds like 1"},
	{shows: "full-text search", attack: "x' in boolean mode) or 1=1#", twin: "x' in boolean logic"},
	{shows: "regular expression operator", attack: "1' and 'abc' ~ 'a' -- ", twin: "that's ~ 5 'a' day"},
	{shows: "JSON operator", attack: `1 or '{"a":1}'::jsonb @> '{"a":1}'::jsonb`, twin: `{"a":1} or {"b":2}`},
	{shows: "JSON arrow", attack: `1' or data->>'a' = 'b' -- `, twin: `p->q or 'b'`},
	{shows: "JSON function", attack: `-1' or json_length('{}') <= 8896 -- `, twin: "json length or width"},
	{shows: "null-safe comparison", attack: "1 or 1<=>1", twin: "1 <=> 2 mapping"},
	{shows: "assignment", attack: "1 or @a:=1", twin: "a := 1"},
	{shows: "hex", attack: "1 or 0x61=0x61", twin: "0x61 or so"},
	{shows: "null as \\N", attack: `1 or \N is null`, twin: `C:\N is null`},
	{shows: "national string", attack: "x' or N'a'=N'a", twin: "x' or n'est ce pas"},
	{shows: "dollar quoting", attack: "1 or $a$x$a$=$a$x$a$", twin: "$5 or $10 = cheap"},
	{shows: "Oracle quoting", attack: "1 or q'[a]'=q'[a]'", twin: "q or a"},
	{shows: "bracketed names", attack: "1 union select [name] from [users]", twin: "[name] from [town]"},
	{shows: "backticked names", attack: "1 union select`user`from`mysql`.`user`", twin: "the `user` from `mysql`"},
	{shows: "keyword case", attack: "1 oR 1=1", twin: "1 oR 2 things"},
	{shows: "brackets instead of spaces", attack: "1or(1)=(1)", twin: "1or2 (or 3)"},
	{shows: "double minus is not a comment to MySQL", attack: "1--1 or 2>1", twin: "1--1 or so"},
	{shows: "escaped quote that is none", attack: `\' or 1=1 -- `, twin: `it\'s 1 of 1`},
	{shows: "escaped quote and another", attack: `\''); drop table users; --`, twin: `\''); that is all`},
	{shows: "inside a comment", attack: "*/ union select 1,2,3/*", twin: "*/ union of the two"},
	{shows: "whole query", attack: "select * from users where id=1", twin: "SELECT your seat (A1 or B2) -- limited offer!"},
	{shows: "whole query with functions", attack: "select version(), user()", twin: "Select the version; user decides"},
	{shows: "whole statement", attack: "insert into users(name) values('x')", twin: "insert into the form and send"},
	{shows: "whole drop", attack: "drop table users", twin: "drop by the table"},
	{shows: "catalogue", attack: "select table_name from information_schema.tables", twin: "information_schema tables"},
	{shows: "constant condition as an argument", attack: "if(1=1,1,0)", twin: "if(x) then y"},
	{shows: "truth as a number", attack: "(1=1)*5", twin: "2*(3+4)=14"},
	{shows: "ODBC escape", attack: "1 or {fn length('a')}=1", twin: "{name} or {email}"},
	{shows: "attack behind a doubled quote", attack: "O''Brien' or 1=1-- ", twin: "O''Brien or O''Neil"},
	{shows: "ClickHouse", attack: "1' or sleepEachRow(3)=0 -- ", twin: "sleep each row"},
	{shows: "unnecessary words", attack: "1 or not not not 0=1", twin: "not 1 or 2"},
}

func TestTwins(t *testing.T) {
	for _, row := range twins {
		t.Run(row.shows, func(t *testing.T) {
			if m := judge(row.attack); m.Confidence < blocked || m.Class != detect.ClassSQLi {
				t.Errorf("attack %q: %v %.2f %s", row.attack, m.Class, m.Confidence, m.Shape)
			}
			if m := judge(row.twin); m.Confidence >= 0.4 {
				t.Errorf("harmless %q: %.2f %s", row.twin, m.Confidence, m.Shape)
			}
		})
	}
}

// Values that real forms, searches and APIs carry.
func TestHarmless(t *testing.T) {
	for _, text := range []string{
		"", "1", "a", "O'Brien", "O'Brien or O'Neil", "d'Artagnan", "rock 'n' roll -- '90s & '00s; and/or",
		"Don't drop the table; select one or two and union with others",
		"Please select the union rep from the list where it's due",
		"1-800-555-0199", "2024-01-01 10:00:00", "a=b or c=d", "a=b&c=d&e=f", "status=1 and type=2",
		"John & Jane's \"place\" (2nd floor)", "5'11\" tall", "1/4\"-1/2\" wide ribbon", "\"foo\" AND \"bar\"", "50% off -- today only!",
		"C:\\Program Files\\x", "https://example.com/?a=1&b=2#top", "Mozilla/5.0 (Windows NT 10.0; Win64; x64)",
		"text/html,application/xml;q=0.9,*/*;q=0.8", `"Chromium";v="110", "Not A(Brand";v="24"`,
		"if err := f(x); err != nil { return len(x) == 0 || len(y) == 0 }",
		"local x = a == \"\" and \"yes\" or 'no' -- pick one",
		"for i in $(seq 1 10); do echo \"$i\"; done # count",
		"<div className=\"a\" onClick={() => f('x')}>{a && b || c}</div>",
		"query(\"SELECT * FROM t WHERE id = \" + id + \" ORDER BY x\")",
		"db.Exec(`UPDATE t SET a = $1 WHERE id = $2`, a, id)",
		"- name: \"x\"\n  command: ['a', 'b'] # c\n- --flag=1",
		"$x^2 + y^2 = z^2$ or $a<b$", "f(x) = x' + x''", "SELECT", "select", "union", "null", "true", "1 or", "order by",
		"the `count(*)` and `sum(x)` functions", "char(10), varchar(255) and int(11) columns",
		"ORDER-123;ITEM-4", "1,2,3,4,5", "(1)", "((1))", "1;2;3", "id IN PROGRESS", "what is null?", "L'été or l'hiver",
		"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc==", "1=1", "2+2=4", "x > 5 and x < 10", "a'b", "''", "'", "\"", "`", "--", "/*", "#1",
		"Robert'); said the teacher", "Re: [Ticket#1234] can't connect (ORA-12154) to db",
		"日本語 or 中文 -- ok", "a\u00a0or\u00a0b",
	} {
		if m := judge(text); m.Confidence >= 0.4 {
			t.Errorf("%q: %.2f %s", text, m.Confidence, m.Shape)
		}
	}
}

// Whatever a server takes for a space between words must not hide an attack.
func TestSeparators(t *testing.T) {
	for _, attack := range []string{
		"1 or 1 = 1", "1 and 1 = 2 union select 1,2", "x' or 'a' = 'a", "x' union all select null from users",
		"1 ; drop table users", "1 order by 3", "1 and sleep (3)", "x' and 1 = 1 -- ",
	} {
		for _, space := range []string{"  ", "\t", "\n", "\r\n", "\v", "\f", "\x00", "\x01", "\xa0", "\u00a0", "\u3000", "/**/", "/*x*/", "/*'*/", " -- x\n", "#x\n", "/*!*/", "/*!50000*/"} {
			text := strings.ReplaceAll(attack, " ", space)
			if m := judge(text); m.Confidence < blocked {
				t.Errorf("%q: %.2f %s", text, m.Confidence, m.Shape)
			}
		}
	}
}

// Padding before, in and behind an attack must not hide it.
func TestPadding(t *testing.T) {
	long := strings.Repeat("A", 1<<14)
	for _, text := range []string{
		long + "' or 1=1-- ", long + "' union select 1,2 from users-- ",
		"1 or/*" + long + "*/1=1", "1 union" + strings.Repeat(" ", 1<<14) + "select 1,2",
		"1 or" + strings.Repeat("(", 40) + "1=1" + strings.Repeat(")", 40),
		"1 or " + strings.Repeat("+-", 500) + "1=1", "x' and '" + long + "'='" + long,
		"1 or 1=1-- " + long, "x'" + strings.Repeat("+1", 30000) + " or 1=1-- ", "1" + strings.Repeat("+1", 5000) + " or 1=1-- ", strings.Repeat("word ", 2000) + "union select user, password from users",
	} {
		if m := judge(text); m.Confidence < blocked {
			t.Errorf("%.20q... (%d bytes): %.2f %s", text, len(text), m.Confidence, m.Shape)
		}
	}
}

func TestEvidence(t *testing.T) {
	text := "O'Brien"
	if m := judge(text); m != (value.Match{}) {
		t.Errorf("%q: %+v, want the zero Match", text, m)
	}
	text = "admin' or 1=1-- "
	m := judge(text)
	if got := text[m.Start:m.End]; !strings.HasPrefix(got, "' or 1=1") {
		t.Errorf("evidence of %q is %q", text, got)
	}
}

func TestNoAllocations(t *testing.T) {
	for _, text := range []string{"O'Brien", "Don't drop the table; select one or two", "1 or 1=1", "x' union select 1,2 from users-- ", strings.Repeat("a=b&", 500)} {
		v := value.Of(text, detect.SourceQuery, "q")
		if n := testing.AllocsPerRun(50, func() { Judge(&v) }); n != 0 {
			t.Errorf("%.30q: %v allocations", text, n)
		}
	}
}

// corpus calls visit for each line of a file in testdata, and expects at least so many.
func corpus(t *testing.T, name string, least int, visit func(text string)) {
	file, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(file)) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasPrefix(line, "# ") {
			continue
		}
		n++
		visit(line)
	}
	if n < least {
		t.Errorf("%s: only %d lines read", name, n)
	}
}

func TestCorpus(t *testing.T) {
	unescape := strings.NewReplacer(`\n`, "\n", `\v`, "\v")
	corpus(t, "attacks.txt", 200, func(text string) {
		text = unescape.Replace(text)
		if m := judge(text); m.Confidence < blocked {
			t.Errorf("%q: %.2f %s", text, m.Confidence, m.Shape)
		}
	})
	corpus(t, "harmless.txt", 200, func(text string) {
		if m := judge(text); m.Confidence >= 0.4 {
			t.Errorf("%q: %.2f %s", text, m.Confidence, m.Shape)
		}
	})
}
