package template

import (
	"testing"

	"kongwaf/detect"
	"kongwaf/detect/attack/languagetest"
)

var language = languagetest.Language{Class: detect.ClassSSTI, Possible: Possible, Judge: Judge, Rows: rows, Hostile: hostile}

func TestLanguage(t *testing.T)   { language.Test(t) }
func FuzzJudge(f *testing.F)      { language.Fuzz(f) }
func BenchmarkJudge(b *testing.B) { language.Benchmark(b) }

var rows = []languagetest.Row{
	{Shows: "constructor in a block of Handlebars", Attack: "{{#with s.sub.constructor}}{{this}}{{/with}}", Twin: "{{#with race.driver}}{{constructor.name}}{{/with}}"},
	{Shows: "class of a literal", Attack: "{{[].class}}", Twin: "{{row.class}}"},
	{Shows: "variable of Freemarker's own", Attack: "${.data_model}", Twin: "${data.model}"},
	{Shows: "arguments of a request", Attack: "{{request.args}}", Twin: "{{invoice.args}}"},
	{Shows: "environment of Ruby", Attack: "<%= ENV %>", Twin: "<%= name %>"},
	{Shows: "contexts of Java's pages", Attack: "${pageContext.request.session}", Twin: "${page.title}"},
	{Shows: "context of JSF", Attack: "#{facesContext.externalContext}", Twin: "#{faces.title}"},
	{Shows: "context object behind words", Attack: "good morning dear {{config}}", Twin: "good {{config}} morning to you", Suspicious: true},
	{Shows: "the process behind a global", Attack: "{{= global.process.env }}", Twin: "{{= order.process.state }}"},
	{Shows: "the server behind a request", Attack: "{{app.request.server.all|join(',')}}", Twin: "{{order.title|join(',')}}"},
	{Shows: "lookup of the system", Attack: "${sys:user.home}", Twin: "${env:HOME}"},
	{Shows: "secret of the environment", Attack: "${env:DB_PASSWORD}", Twin: "${env:EDITOR}"},
	{Shows: "delimiter in two pieces", Attack: "$\\A{3*3}", Twin: "$\\alpha{x}"},
	{Shows: "delimiters of several engines", Attack: "${{<%[%'\"}}%\\", Twin: "{{name}} <b>100%</b>"},
	{Shows: "product in single braces", Attack: "{8*8}", Twin: "{1,2}*{3,4}"},
	{Shows: "fragment of Thymeleaf", Attack: "~{::x}", Twin: "~{x}"},
	{Shows: "inclusion of a file of the system", Attack: "{% include '/etc/hostname' %}", Twin: "{% include 'parts/menu.html' %}"},
	{Shows: "inclusion that climbs", Attack: "{%- extends \"../../secret.txt\" %}", Twin: "{%- extends \"base.html\" %}"},
	{Shows: "behind lines of a letter", Attack: "Dear all,\nthe garden is lovely.\nCome and see it soon.\nThe roses bloom now.\n{{7*7}}", Twin: "Dear all,\nthe garden is lovely.\nCome and see it soon.\nThe roses bloom now.\n{{name}}"},
	{Shows: "the settings alone", Attack: "{{config}}", Twin: "{{name}}"},
	{Shows: "a sum that is printed", Attack: "{%print(7*7)%}", Twin: "{% if x %}"},
	{Shows: "a default of the shell is no sum", Attack: "${7*7}", Twin: "${1+\"$@\"}"},
	{Shows: "a sum is a probe", Attack: "{{7*7}}", Twin: "{{count}}"},
	{Shows: "a string times a number", Attack: "{{ 7 * '7' }}", Twin: "{{ 7 }} of '7'"},
	{Shows: "a dollar", Attack: "${6*7}", Twin: "${HOME}/bin:${PATH}"},
	{Shows: "a hash", Attack: "a#{3*3}b", Twin: "#{id} and #42"},
	{Shows: "ERB", Attack: "<%= 7 * 7 %>", Twin: "<%= user.name %>"},
	{Shows: "ERB runs commands", Attack: "<%= `id` %>", Twin: "100<% of all"},
	{Shows: "Thymeleaf", Attack: "[[${7*7}]]", Twin: "[[link to a page]]"},
	{Shows: "Razor", Attack: "@(1+2)", Twin: "jo@(nospam)example.com"},
	{Shows: "reflection", Attack: "{{ ''.__class__.__mro__[1].__subclasses__() }}", Twin: "{{ user.class.name }}"},
	{Shows: "reflection in a statement", Attack: "{% for c in [].__class__.__base__.__subclasses__() %}{% endfor %}", Twin: "{% for item in items %}{{ item.name }}{% endfor %}"},
	{Shows: "names put together", Attack: `{{request|attr("\x5f\x5fclass\x5f\x5f")}}`, Twin: `{{ name|default("x")|upper }}`},
	{Shows: "a context object's contents", Attack: "{{config.items()}}", Twin: "{{ config.title }}", Suspicious: true},
	{Shows: "a filter that runs", Attack: "{{['id']|filter('system')}}", Twin: "{{ items|filter('active') }}"},
	{Shows: "Twig's own object", Attack: `{{_self.env.registerUndefinedFilterCallback("exec")}}`, Twin: "{{ page.env.name }}"},
	{Shows: "Freemarker", Attack: `<#assign x="freemarker.template.utility.Execute"?new()>${x("id")}`, Twin: `<#if user??>${user.name}</#if>`},
	{Shows: "Velocity", Attack: "#set($e='e')$e.getClass().forName('java.lang.Runtime')", Twin: "#set a goal (or two)"},
	{Shows: "Smarty", Attack: "{system('id')}", Twin: "{count, plural, one {# file} other {# files}}"},
	{Shows: "Smarty's PHP", Attack: "{php}echo 1;{/php}", Twin: `{"php": 1}`},
	{Shows: "Mako", Attack: "${self.module.cache.util.os.system('id')}", Twin: "${self.title}", Suspicious: true},
	{Shows: "AngularJS", Attack: "{{constructor.constructor('x()')()}}", Twin: "{{ 'greeting' | translate }}"},
	{Shows: "Handlebars builds a function", Attack: `{{#with (lookup this "constructor")}}{{lookup this "constructor"}}{{/with}}`, Twin: `{{#each items}}{{lookup this "name"}}{{/each}}`},
	{Shows: "workflow files", Attack: "${{7*7}}", Twin: "${{ github.event.pull_request.head.sha }}"},
	{Shows: "Helm and Go templates", Attack: "{{7*7}}{{x}}", Twin: `{{ index .Labels "a" | quote }} {{- if .Values.x }}y{{ end }}`},
	{Shows: "template strings", Attack: "${7*7}", Twin: "`${base}/${a + 1}/${name.toLowerCase()}`"},
	{Shows: "LaTeX", Attack: "{{2*3}}", Twin: `\frac{{a}^{2}}{\sqrt{{b}}}`},
	{Shows: "dates", Attack: "{{2024*1}}", Twin: "{{ 2024-01-01 }}"},
	{Shows: "Go literals", Attack: "{{9*9}}", Twin: `[]T{{Key: "ID", Val: "id"}, {Key: "x"}}`},
}

var hostile = []string{
	"{{",                           // openings
	"${",                           // dollars
	"{{${#{*{~{@{{%{#<%<#[#@([[[(", // all openings
	"{{1+",                         // sums
	"{{\"",                         // strings
	"{{'a\"b",                      // mixed strings
	"<%a b c ",                     // statements
	"{%aaaaaa bbbbbb ",             // words
	"{{constructor.constructor",    // names
	"#set($a",                      // directives
	"{if a",                        // smarty
	"#",                            // hashes
	"{{(((",                        // brackets
	"{{a.b}}",                      // closed
	"${a}",                         // placeholders
	"{{a|b|c",                      // filters
}
