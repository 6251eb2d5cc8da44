package template

import (
	"testing"

	"kongwaf/detect"
	"kongwaf/detect/attack/value"
)

// blocked is the confidence from which a match is blocked at the default sensitivity.
const blocked = 0.7

// pairs are attacks, each beside a harmless text of nearly the same form.
var pairs = []struct {
	shows, attack, twin string
	name                bool // the texts are names
}{
	{shows: "a sum is a probe", attack: "{{7*7}}", twin: "{{count}}"},
	{shows: "a string times a number", attack: "{{ 7 * '7' }}", twin: "{{ 7 }} of '7'"},
	{shows: "a dollar", attack: "${6*7}", twin: "${HOME}/bin:${PATH}"},
	{shows: "a hash", attack: "a#{3*3}b", twin: "#{id} and #42"},
	{shows: "ERB", attack: "<%= 7 * 7 %>", twin: "<%= user.name %>"},
	{shows: "ERB runs commands", attack: "<%= `id` %>", twin: "100<% of all"},
	{shows: "Thymeleaf", attack: "[[${7*7}]]", twin: "[[link to a page]]"},
	{shows: "Razor", attack: "@(1+2)", twin: "jo@(nospam)example.com"},
	{shows: "reflection", attack: "{{ ''.__class__.__mro__[1].__subclasses__() }}", twin: "{{ user.class.name }}"},
	{shows: "reflection in a statement", attack: "{% for c in [].__class__.__base__.__subclasses__() %}{% endfor %}", twin: "{% for item in items %}{{ item.name }}{% endfor %}"},
	{shows: "names put together", attack: `{{request|attr("\x5f\x5fclass\x5f\x5f")}}`, twin: `{{ name|default("x")|upper }}`},
	{shows: "a context object's contents", attack: "{{config.items()}}", twin: "{{ config.title }}"},
	{shows: "a filter that runs", attack: "{{['id']|filter('system')}}", twin: "{{ items|filter('active') }}"},
	{shows: "Twig's own object", attack: `{{_self.env.registerUndefinedFilterCallback("exec")}}`, twin: "{{ page.env.name }}"},
	{shows: "Freemarker", attack: `<#assign x="freemarker.template.utility.Execute"?new()>${x("id")}`, twin: `<#if user??>${user.name}</#if>`},
	{shows: "Velocity", attack: "#set($e='e')$e.getClass().forName('java.lang.Runtime')", twin: "#set a goal (or two)"},
	{shows: "Smarty", attack: "{system('id')}", twin: "{count, plural, one {# file} other {# files}}"},
	{shows: "Smarty's PHP", attack: "{php}echo 1;{/php}", twin: `{"php": 1}`},
	{shows: "Mako", attack: "${self.module.cache.util.os.system('id')}", twin: "${self.title}"},
	{shows: "AngularJS", attack: "{{constructor.constructor('x()')()}}", twin: "{{ 'greeting' | translate }}"},
	{shows: "Handlebars builds a function", attack: `{{#with (lookup this "constructor")}}{{lookup this "constructor"}}{{/with}}`, twin: `{{#each items}}{{lookup this "name"}}{{/each}}`},
	{shows: "workflow files", attack: "${{7*7}}", twin: "${{ github.event.pull_request.head.sha }}"},
	{shows: "Helm and Go templates", attack: "{{7*7}}{{x}}", twin: `{{ index .Labels "a" | quote }} {{- if .Values.x }}y{{ end }}`},
	{shows: "template strings", attack: "${7*7}", twin: "`${base}/${a + 1}/${name.toLowerCase()}`"},
	{shows: "LaTeX", attack: "{{2*3}}", twin: `\frac{{a}^{2}}{\sqrt{{b}}}`},
	{shows: "dates", attack: "{{2024*1}}", twin: "{{ 2024-01-01 }}"},
	{shows: "Go literals", attack: "{{9*9}}", twin: `[]T{{Key: "ID", Val: "id"}, {Key: "x"}}`},
}

func TestPairs(t *testing.T) {
	for _, p := range pairs {
		v := value.Of(p.attack, detect.SourceQuery, "q")
		v.IsName = p.name
		if m := Judge(&v); m.Confidence < blocked || m.Class != detect.ClassSSTI {
			t.Errorf("%s: attack %q: %+v", p.shows, p.attack, m)
		}
		v = value.Of(p.twin, detect.SourceQuery, "q")
		v.IsName = p.name
		if m := Judge(&v); m.Confidence >= blocked {
			t.Errorf("%s: twin %q: %+v", p.shows, p.twin, m)
		}
		if n := testing.AllocsPerRun(10, func() { Judge(&v) }); n > 0 {
			t.Errorf("%q: %v allocations", p.twin, n)
		}
	}
}

func FuzzJudge(f *testing.F) {
	for _, p := range pairs {
		f.Add(p.attack, p.name)
		f.Add(p.twin, p.name)
	}
	for _, d := range dear {
		f.Add(d.text, false)
	}
	f.Fuzz(func(t *testing.T, s string, name bool) {
		v := value.Of(s, detect.SourceBody, "")
		v.IsName = name
		m := Judge(&v)
		if m.Class == detect.ClassNone {
			if m != (value.Match{}) {
				t.Fatalf("half a match: %+v", m)
			}
			return
		}
		if m.Confidence <= 0 || m.Confidence > 1 || m.Start < 0 || m.Start > m.End || m.End > len(s) || m.Shape == "" {
			t.Fatalf("bad match: %+v of %d bytes", m, len(s))
		}
		if !Possible(v.Traits) {
			t.Fatalf("found but not possible: %+v", m)
		}
	})
}
