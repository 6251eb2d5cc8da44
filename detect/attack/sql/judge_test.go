package sql

import (
	"os"
	"strings"
	"testing"

	"kongwaf/detect"
	"kongwaf/detect/attack/languagetest"
	"kongwaf/detect/attack/value"
)

var language = languagetest.Language{Class: detect.ClassSQLi, Possible: Possible, Judge: Judge, Rows: rows, Harmless: harmless, Hostile: hostile}

func TestLanguage(t *testing.T)   { language.Test(t) }
func FuzzJudge(f *testing.F)      { language.Fuzz(f) }
func BenchmarkJudge(b *testing.B) { language.Benchmark(b) }

var rows = []languagetest.Row{
	{Shows: "compared with all of a subquery", Attack: "x' and 7 > all(select 1)-- ", Twin: "x's and all 7 selected"},
	{Shows: "a query in backticks in a question", Attack: "name` from t union select 1-- ", Twin: "Why does `SELECT id, name FROM users ORDER BY name` return NULLs last?"},
	{Shows: "code of Markdown in backticks", Attack: "id` union select `name", Twin: "Never write `SELECT *` in a view"},
	{Shows: "a query in the quotes of a search", Attack: "x\"; select pass from users where '1", Twin: "body ~ \"select id from orders\""},
	{Shows: "a subscript of PostgreSQL", Attack: "3 or tags[2]=3", Twin: "tags[2] or rows[3]"},
	{Shows: "an array of PostgreSQL", Attack: "x' or array[2]=array[2]-- ", Twin: "array[2] or array[3] of x"},
	{Shows: "a bracketed name ends", Attack: "total] or 2=2-- ", Twin: "total] or more [here"},
	{Shows: "a subscript ends", Attack: "]+(select 4 where 2=2)|[", Twin: "] + (4) | ["},
	{Shows: "MySQL's variable without a name", Attack: "x' or @ or 'a'='a", Twin: "tom @ work or jerry @ home"},
	{Shows: "... compared", Attack: "2<@=2", Twin: "tom<at>work"},
	{Shows: "... behind an operator that PostgreSQL has", Attack: "x' or @>'2", Twin: "x' or > 2 of them"},
	{Shows: "a number inverted", Attack: "!3 or 4", Twin: "!important or 4"},
	{Shows: "a branch subtracted", Attack: "9-if(3>2,0,1)", Twin: "9-if so, why"},
	{Shows: "a delay in brackets", Attack: "(sleep(4))", Twin: "(sleep (4 hours))"},
	{Shows: "a statement behind one that nobody knows", Attack: "7; flush logs; drop table orders", Twin: "7; flush it; drop it on the table"},
	{Shows: "DO runs a function", Attack: "7; do sleep(4)", Twin: "7; do sleep (well)"},
	{Shows: "a CASE of the query's ends", Attack: "x' then 3 else 4 end) as y from (select 5", Twin: "the boys' then 3 else 4"},
	{Shows: "RETURNING behind a value", Attack: "x') returning pass-- ", Twin: "the boys' returning coach"},
	{Shows: "RETURNING behind a statement", Attack: "7; delete from orders returning *", Twin: "7; delete returning guests"},
	{Shows: "comments inside of words", Attack: "7 un/**/ion sel/*x*/ect pass from users", Twin: "7 /* union */ select /* pass */ of users"},
	{Shows: "a number in a text", Attack: "so many words before 4 or 4=4", Twin: "if n > 4 and len(s) == 4 then"},
	{Shows: "a number in a paragraph", Attack: "<p>hello</p><p>4; drop table orders</p>", Twin: "<p>hello</p><p>4; drop the table</p>"},
	{Shows: "a number in a list", Attack: "- tea\n- 4 union select pass from users\n- milk", Twin: "- tea\n- 4 unions select a speaker\n- milk"},
	{Shows: "text on the lines around", Attack: "a few words\nx' or 3=3 -- \n-- and some more words", Twin: "the cats' or the dogs' -- \nwho knows which of them"},
	{Shows: "a whole filter with a constant in it", Attack: "3 or 4>2", Twin: "state != 'new' or 4 > 2", Suspicious: true},
	{Shows: "one more condition of a filter", Attack: "and length(user())>3", Twin: "and upper(town) = 'ROME'", Suspicious: true},
	{Shows: "a condition among arguments", Attack: "if(4>3 and 1,2,3)", Twin: "count(up and job) > bool (3)"},
	{Shows: "a cast of a function", Attack: "x' ::text || 'y", Twin: "sum(price)::numeric"},
	{Shows: "a field of the request in a rule", Attack: "@a or 1=1", Twin: "@user.id != '' && owner = @user.id"},
	{Shows: "a list without FROM", Attack: "select 3,4,5", Twin: "select images,300,200"},
	{Shows: "a query on lines of its own is pasted", Attack: "1 union select a from b", Twin: "SELECT a\nFROM b\nWHERE c = 1\nORDER BY a;", Suspicious: true},
	{Shows: "number and tautology", Attack: "1 or 1=1", Twin: "1 or 2 of them"},
	{Shows: "tautology without a comparison", Attack: "1 or true", Twin: "true or false?"},
	{Shows: "double pipe as OR", Attack: "1 || 1", Twin: "5685587||order=||page=2"},
	{Shows: "XOR and numbers", Attack: "7 xor 7", Twin: "xor gate"},
	{Shows: "false condition", Attack: "12 and 1=2", Twin: "12 and under"},
	{Shows: "tautology of a column", Attack: "3 or id=id", Twin: "id=3 or name=x"},
	{Shows: "word as signs", Attack: "1-sleep(5)", Twin: "sleep(8 hours) a night"},
	{Shows: "division by word", Attack: "1 div 1", Twin: "div 1 of the page"},
	{Shows: "pattern match", Attack: "1 rlike 1", Twin: "things I like 1 to 5"},
	{Shows: "range", Attack: "1 or 2 between 1 and 3", Twin: "price between 10 and 20"},
	{Shows: "membership", Attack: "1 or 1 in (1,2)", Twin: "1 in (roughly) 10"},
	{Shows: "is not null", Attack: "1 or 1 is not null", Twin: "it is not null and void"},
	{Shows: "exists", Attack: "5 and exists(select * from users)", Twin: "it exists (somewhere)"},
	{Shows: "case when", Attack: "(case when 1=1 then 1 else 0 end)", Twin: "case when closed, else open -- end"},
	{Shows: "quoted tautology", Attack: "x' or 'a'='a", Twin: "the boys' or the girls' room"},
	{Shows: "empty strings", Attack: "' or ''='", Twin: "x == '' or y == ''"},
	{Shows: "literal left open by the query", Attack: "admin' or '1", Twin: "Dancin' or prancin'"},
	{Shows: "double quotes", Attack: `x" or "a"="a`, Twin: `necklace 16" or 18"`},
	{Shows: "double quotes and minus", Attack: `x" or ""-"`, Twin: `"PINK ROSES" -DRESS -SHIRT`},
	{Shows: "backtick closed", Attack: "id` or 1=1 -- ", Twin: "use `id` or 1 of the others"},
	{Shows: "comment ends the query", Attack: "admin'--", Twin: "admin'--our cat's name"},
	{Shows: "comment with a space", Attack: "admin' -- ", Twin: "rock 'n' roll -- the best"},
	{Shows: "hash comment", Attack: "admin'#", Twin: "the cats' #1 choice"},
	{Shows: "open comment", Attack: "admin'/*", Twin: "x/*"},
	{Shows: "operator between literals", Attack: "'='", Twin: "a='b'"},
	{Shows: "minus between literals", Attack: "'-'", Twin: "jack-o'-lantern"},
	{Shows: "signs", Attack: "abc' = !!'0", Twin: "that's = great!!"},
	{Shows: "brackets closed", Attack: "1')) or (('a'='a", Twin: "see a) or b) and c)"},
	{Shows: "LIKE pattern", Attack: "%' and 1=1 and '%'='", Twin: "where 1 of 10 like '%cats%'"},
	{Shows: "union", Attack: "-1 union select 1,2,3", Twin: "union was a great select"},
	{Shows: "union all", Attack: "1 union all select null,null from users", Twin: "O' UNION selected a few friends"},
	{Shows: "union without spaces", Attack: "1 union(select(1),(2))", Twin: "union (workers) select (1) delegate"},
	{Shows: "a number, and the rest of the query left out", Attack: "1--", Twin: "1---"},
	{Shows: "a variable, and the rest left out", Attack: "@@version /*", Twin: "media /*"},
	{Shows: "a function of time without brackets", Attack: "1 or current_date--", Twin: "1 or a current date--"},
	{Shows: "substring as the standard writes it", Attack: "ascii(substring(version() from 1 for 1))", Twin: "substring(from 1 for 1)"},
	{Shows: "union in comments", Attack: "1/**/union/**/distinct/**/select/**/1", Twin: "/* union */ select one of these"},
	{Shows: "union in a versioned comment", Attack: "1 /*!50000union*/ /*!select*/ 1,2", Twin: "/*! union of all */ the selected"},
	{Shows: "line comments as spaces", Attack: "1--x\nunion--x\nselect 1,2", Twin: "one -- x\nunion -- x\nselect it all"},
	{Shows: "exponent without digits", Attack: "1e1union select 1,2", Twin: "1e10 unions"},
	{Shows: "number dropped before a bracket", Attack: "1' or 1.e(1)=1.e(1)-- ", Twin: "1.e (see 1.f)"},
	{Shows: "union values", Attack: "1 union values(1,2)", Twin: "union values (and ours)"},
	{Shows: "unknown text before the union", Attack: "foo bar baz union select user,password from users", Twin: "the trade union select committee from users' side"},
	{Shows: "stacked drop", Attack: "1; drop table users", Twin: "Drop the table off; thanks"},
	{Shows: "stacked delete", Attack: "1;delete from users", Twin: "1; delete from the end"},
	{Shows: "stacked update", Attack: "x'; update users set role='admin", Twin: "it's 5 o'clock; update me"},
	{Shows: "stacked insert", Attack: "x'; insert into users values(1,'a')-- ", Twin: "insert coin; insert into slot"},
	{Shows: "stacked procedure", Attack: "1;exec master..xp_cmdshell 'dir'", Twin: "exec summary; see attachment"},
	{Shows: "stacked delay", Attack: "1;waitfor delay '0:0:5'", Twin: "waitfor it... delay 5 min"},
	{Shows: "stacked declare", Attack: "1;declare @q varchar(99);exec(@q)", Twin: "declare war; execute orders"},
	{Shows: "no semicolon", Attack: "x' waitfor delay '0:0:5'--", Twin: "don't wait for 'delay'"},
	{Shows: "copy to a program", Attack: "1; copy t from program 'id'", Twin: "copy that from the program"},
	{Shows: "load data", Attack: "1;load data infile '/etc/passwd' into table t", Twin: "load data into the form"},
	{Shows: "shutdown", Attack: "1;shutdown--", Twin: "government; shutdown looms"},
	{Shows: "create function", Attack: "1;create or replace function f(int) returns int as 'x','y' language c", Twin: "create or replace the function"},
	{Shows: "PostgreSQL delay", Attack: "1||pg_sleep(10)", Twin: "pg_sleep is documented in chapter 9"},
	{Shows: "benchmark", Attack: "1 and benchmark(5000000,md5(1))", Twin: "benchmark (good)"},
	{Shows: "error based", Attack: "1 and extractvalue(1,concat(0x7e,version()))", Twin: "extract value (1, 2)"},
	{Shows: "out of band", Attack: "'||utl_http.request('http://x')||'", Twin: "utl_http docs"},
	{Shows: "Oracle pipe", Attack: "1 and dbms_pipe.receive_message('a',5)=1", Twin: "dbms lecture 5 and 6"},
	{Shows: "file read", Attack: "1 union select load_file('/etc/passwd')", Twin: "load_file manager v2, into outfile?"},
	{Shows: "file write", Attack: "1 into outfile '/tmp/x'", Twin: "put 1 into the outfile"},
	{Shows: "XPath error", Attack: "1' and updatexml(1,concat(0x7e,user()),1) and '1'='1", Twin: "the user's updatexml code"},
	{Shows: "order by probing", Attack: "1' order by 5-- ", Twin: "in order by 5 pm"},
	{Shows: "order by, bare", Attack: "1 order by 10", Twin: "1 order by mail"},
	{Shows: "group by and having", Attack: "1' group by 1 having 1=1-- ", Twin: "Group by Teacher having > 5 pupils"},
	{Shows: "having", Attack: "' having 1=1-- ", Twin: "I'm having 1 of those"},
	{Shows: "procedure analyse", Attack: "1 procedure analyse(1,1)", Twin: "procedure: analyse (carefully)"},
	{Shows: "subquery", Attack: "(select count(*) from users)", Twin: "Size (select one)"},
	{Shows: "subquery behind a comma", Attack: "name,(select case when (1=1) then 1 else 2 end)", Twin: "name, (please select one)"},
	{Shows: "subquery compared", Attack: "1 and (select 1 from users limit 1)=1", Twin: "1 and (select 1 of 2)"},
	{Shows: "blind", Attack: "1 and ascii(substring(user(),1,1))>64", Twin: "ascii(7) and substring art"},
	{Shows: "server variable", Attack: "1 and @@version like '5%'", Twin: "mail @@home and @@work"},
	{Shows: "sounds like", Attack: "1 and 'a' sounds like 'a'", Twin: "and it sounds like 1"},
	{Shows: "full-text search", Attack: "x' in boolean mode) or 1=1#", Twin: "x' in boolean logic"},
	{Shows: "regular expression operator", Attack: "1' and 'abc' ~ 'a' -- ", Twin: "that's ~ 5 'a' day"},
	{Shows: "JSON operator", Attack: `1 or '{"a":1}'::jsonb @> '{"a":1}'::jsonb`, Twin: `{"a":1} or {"b":2}`},
	{Shows: "JSON arrow", Attack: `1' or data->>'a' = 'b' -- `, Twin: `p->q or 'b'`},
	{Shows: "JSON function", Attack: `-1' or json_length('{}') <= 8896 -- `, Twin: "json length or width"},
	{Shows: "null-safe comparison", Attack: "1 or 1<=>1", Twin: "1 <=> 2 mapping"},
	{Shows: "assignment", Attack: "1 or @a:=1", Twin: "a := 1"},
	{Shows: "hex", Attack: "1 or 0x61=0x61", Twin: "0x61 or so"},
	{Shows: "null as \\N", Attack: `1 or \N is null`, Twin: `C:\N is null`},
	{Shows: "national string", Attack: "x' or N'a'=N'a", Twin: "x' or n'est ce pas"},
	{Shows: "dollar quoting", Attack: "1 or $a$x$a$=$a$x$a$", Twin: "$5 or $10 = cheap"},
	{Shows: "Oracle quoting", Attack: "1 or q'[a]'=q'[a]'", Twin: "q or a"},
	{Shows: "bracketed names", Attack: "1 union select [name] from [users]", Twin: "[name] from [town]"},
	{Shows: "backticked names", Attack: "1 union select`user`from`mysql`.`user`", Twin: "the `user` from `mysql`"},
	{Shows: "keyword case", Attack: "1 oR 1=1", Twin: "1 oR 2 things"},
	{Shows: "brackets instead of spaces", Attack: "1or(1)=(1)", Twin: "1or2 (or 3)"},
	{Shows: "double minus is not a comment to MySQL", Attack: "1--1 or 2>1", Twin: "1--1 or so"},
	{Shows: "escaped quote that is none", Attack: `\' or 1=1 -- `, Twin: `it\'s 1 of 1`},
	{Shows: "escaped quote and another", Attack: `\''); drop table users; --`, Twin: `\''); that is all`},
	{Shows: "inside a comment", Attack: "*/ union select 1,2,3/*", Twin: "*/ union of the two"},
	{Shows: "whole query", Attack: "select * from users where id=1", Twin: "SELECT your seat (A1 or B2) -- limited offer!"},
	{Shows: "whole query with functions", Attack: "select version(), user()", Twin: "Select the version; user decides"},
	{Shows: "whole statement", Attack: "insert into users(name) values('x')", Twin: "insert into the form and send"},
	{Shows: "whole drop", Attack: "drop table users", Twin: "drop by the table"},
	{Shows: "catalogue", Attack: "select table_name from information_schema.tables", Twin: "information_schema tables"},
	{Shows: "constant condition as an argument", Attack: "if(1=1,1,0)", Twin: "if(x) then y"},
	{Shows: "truth as a number", Attack: "(1=1)*5", Twin: "2*(3+4)=14"},
	{Shows: "ODBC escape", Attack: "1 or {fn length('a')}=1", Twin: "{name} or {email}"},
	{Shows: "attack behind a doubled quote", Attack: "O''Brien' or 1=1-- ", Twin: "O''Brien or O''Neil"},
	{Shows: "ClickHouse", Attack: "1' or sleepEachRow(3)=0 -- ", Twin: "sleep each row"},
	{Shows: "unnecessary words", Attack: "1 or not not not 0=1", Twin: "not 1 or 2"},
}

// harmless are values that real forms, searches and APIs carry.
var harmless = []string{
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
}

var hostile = []string{"'", `"`, "`", "' ", "''' ", `\'`, "/*", "/**/", "/*!", "*/", "(", ")", "1 or ", "1+", "1,", "a ", "a.", "@", "#\n", "--\n", "-- ", "q'[", "q'[+", "$a$",
	"$a", "[", "union ", "union select ", "(select ", "case ", "not ", "1 or 1=1 ", "'+'", `"+"'+'`, "'+\"+'+\"", " ", "\x00", "\xa0", "\n", ";", "; ", "; begin ", "a(", "1e", "0x", "n", "unio",
	"q'[q'[q'[", "$a$b$a", "/*!/*!*/*/", "((((((", "1.e(1.e(", "''''\"\"\"``", "@@@@a", "case case when", "\xc2\xa0\xe3\x80\x80", "1--1--1", "a..b..c.*", "union union union select"}

// FuzzUnion holds that the search for UNION finds nothing that a slow one does not.
func FuzzUnion(f *testing.F) {
	for _, row := range rows {
		f.Add(row.Attack)
		f.Add(row.Twin)
	}
	for _, piece := range hostile {
		f.Add(piece)
	}
	f.Fuzz(func(t *testing.T, text string) {
		slow := strings.Contains(strings.ToLower(text), "union")
		if got := union(text, nil); got.Confidence > 0 && !slow {
			t.Fatalf("%q: union found what is not there", text)
		}
	})
}

// Whatever a server takes for a space between words must not hide an attack.
func TestSeparators(t *testing.T) {
	for _, attack := range []string{
		"1 or 1 = 1", "1 and 1 = 2 union select 1,2", "x' or 'a' = 'a", "x' union all select null from users",
		"1 ; drop table users", "1 order by 3", "1 and sleep (3)", "x' and 1 = 1 -- ",
	} {
		for _, space := range []string{"  ", "\t", "\n", "\r\n", "\v", "\f", "\x00", "\x01", "\xa0", "\u00a0", "\u3000", "/**/", "/*x*/", "/*'*/", " -- x\n", "#x\n", "/*!*/", "/*!50000*/"} {
			text := strings.ReplaceAll(attack, " ", space)
			if m := language.Match(text); m.Confidence < blocked {
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
		if m := language.Match(text); m.Confidence < blocked {
			t.Errorf("%.20q... (%d bytes): %.2f %s", text, len(text), m.Confidence, m.Shape)
		}
	}
}

func TestEvidence(t *testing.T) {
	text := "O'Brien"
	if m := language.Match(text); m != (value.Match{}) {
		t.Errorf("%q: %+v, want the zero Match", text, m)
	}
	text = "admin' or 1=1-- "
	m := language.Match(text)
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
		if m := language.Match(text); m.Confidence < blocked {
			t.Errorf("%q: %.2f %s", text, m.Confidence, m.Shape)
		}
	})
	corpus(t, "harmless.txt", 200, func(text string) {
		if m := language.Match(text); m.Confidence >= 0.4 {
			t.Errorf("%q: %.2f %s", text, m.Confidence, m.Shape)
		}
	})
}
