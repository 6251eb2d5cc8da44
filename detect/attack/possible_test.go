package attack

import (
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/detect"
	"kongwaf/detect/attack/value"
)

// TestAskAsksAll holds that ask asks every language, each for its own bit.
func TestAskAsksAll(t *testing.T) {
	seen := uint32(0)
	for _, seed := range seeds {
		for _, text := range []string{seed.attack, seed.benign, "{{7*7}}", "../etc/passwd", "shell.php", "a.oastify.com", "a.__proto__.b", "O:8:\"stdClass\":0:{}", "a\r\nSet-Cookie: b=c"} {
			for _, isName := range []bool{false, true} {
				v := value.Of(text, detect.SourceQuery, "q")
				v.IsName = isName
				mask := ask(&v)
				seen |= mask
				for i := range languages {
					require.Equal(t, languages[i].possible(&v), mask&(1<<i) != 0, "%s: %q", languages[i].name, text)
				}
			}
		}
	}
	require.EqualValues(t, 1<<len(languages)-1, seen)
}

// FuzzPairsMissNothing holds that no language passes over a value for want of pairs of bytes in
// which it would see something if it looked.
func FuzzPairsMissNothing(f *testing.F) {
	for _, s := range []string{
		"", "' or 1=1", "<script>alert(1)</script>", "${jndi:ldap://a/b}", "../../etc/passwd", "a.__proto__.b", "constructor.prototype.x",
		"class.module.classLoader.x", `O:8:"stdClass":0:{}`, "!!python/object", "{{7*7}}", "#set($x=1)", "<!--#exec cmd=\"id\"-->", "<!ENTITY x SYSTEM 'a'>",
		"http://169.254.169.254/", "https:evil.example", "///evil.example", "\u560aSet-Cookie: a=b", "\u010aSet-Cookie: a=b", "rcpt to: <a@b.c>", "']|//*|a['",
		"'] or count(//a)", "a' or ancestor::b", "$where: 1", "x DETACH DELETE n", "_$$ND_FUNC$$_function(){}", "=cmd|'/C calc'!A0", "\\immediate\\write18{id}",
		"%x(id)", "@java.lang.Runtime@getRuntime()", "GIF89a<?php", "compress.bzip2://a", "ZLIB://a", "data:text/plain;base64,PD9w", "0x2e0x2e0x2f", "{\"@type\":\"com.sun.rowset.JdbcRowSetImpl\"}",
	} {
		f.Add(s, uint8(detect.SourceQuery), "q", false)
	}
	for _, s := range []string{"rO0ABXNy1", "aced00057372", "gASVAAAAAAAAAAAAA", "BAhvOg", "Y29zCnN5", "com.sun.rowset.JdbcRowSetImpl", "java.lang.Runtime", "system.io.fileinfo",
		"..etcpasswd", "etcpasswd", ".htpasswd", "WINNTwin.ini", "0x2e0x2e", "a.constructor.prototype.b", "a.oastify.com", "acunetix_test", "class.module.classLoader"} {
		f.Add(s, uint8(detect.SourceBody), "type", false)
	}
	f.Fuzz(func(t *testing.T, text string, source uint8, name string, isName bool) {
		v := value.Of(text, detect.Source(source%7), name)
		v.IsName = isName
		all := v
		all.Pairs = ^value.Pairs(0)
		onlyWords := v.Traits.Only(value.Word) && (v.Pairs&dottedPairs == 0 || v.Pairs&wordPairs == 0 && !v.Traits.Any(value.Dot)) && v.Source != detect.SourcePath && v.Source != detect.SourceHeader && !isName
		for _, l := range languages {
			if m := l.judge(&all); m.Confidence >= suspicious && !l.possible(&value.Value{Traits: v.Traits, Pairs: v.Pairs, Source: v.Source, IsName: isName}) {
				t.Errorf("%s: %q: %+v, but not possible", l.name, text, m)
			}
			if onlyWords && l.possible(&v) {
				t.Errorf("%s: %q is possible, but passed over for its words", l.name, text)
			}
			if got, want := l.judge(&v), l.judge(&all); got != want && max(got.Confidence, want.Confidence) >= suspicious {
				t.Errorf("%s: %q: %+v by its pairs, %+v without", l.name, text, got, want)
			}
		}
	})
}
