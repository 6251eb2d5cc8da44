package attack

import (
	"net/url"
	"testing"
)

// TestScalarsAreNoTexts holds that words about attacks disguise none where nobody writes
// sentences: the caller chooses the words, but the application chose the parameter.
func TestScalarsAreNoTexts(t *testing.T) {
	engine := newEngine(t, Options{})
	texts := []string{
		"In this advisory the payload `' union select password from users -- ` is shown. It is an SQL injection.",
		"This is an example of SQL injection. The attacker sends x' union select password from users -- ",
		"The scanner's payload for XSS was `<script>alert(document.cookie)</script>`, and it ran. We fixed the vulnerability.",
		"A payload for template injection is `{{config.__class__.__init__.__globals__['os'].popen('id').read()}}`. It is a vulnerability.",
	}
	for _, text := range texts {
		for _, name := range []string{"id", "user", "sort", "invoice_id", "productId"} {
			if report := engine.Inspect(get("/p?" + name + "=" + url.QueryEscape(text))); !report.Blocked {
				t.Errorf("%s: %.2f, not blocked: %q", name, report.Score, text)
			}
			if report := engine.Inspect(post(formType, name+"="+url.QueryEscape(text))); !report.Blocked {
				t.Errorf("form %s: %.2f, not blocked: %q", name, report.Score, text)
			}
		}
		if report := engine.Inspect(post(formType, "comment="+url.QueryEscape(text))); report.Blocked {
			t.Errorf("comment: %.2f, blocked: %q", report.Score, text)
		}
	}
}
