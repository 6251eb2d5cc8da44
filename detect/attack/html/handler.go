package html

import "strings"

// handler judges an event handler.
func (p *scanner) handler(t *tag, name, stop, equals, from, to int, quote byte) {
	s := p.src
	v := s[from:to]
	if t.prefixed || len(v) == 0 {
		return
	}
	if quote == 0 && v[0] == '{' {
		// JSX: onClick={() => x}, and what imitates it. The rest of the braces may hold blanks.
		body := s[from+1 : min(len(s), from+256)]
		if strings.Contains(body, "=>") || !p.acts(body).Hostile || t.injected {
			return
		}
	}
	if t.injected && p.best.Confidence >= 0.5 && !strings.ContainsAny(v[:min(len(v), 512)], "(`=&[+-") {
		return // a word; nothing new
	}
	r := p.acts(v)
	if !r.Acts() && p.best.Confidence >= 0.75 {
		return
	}
	known := knownEvent(s[name:stop])
	strong := r.Hostile || r.Acts() || strings.IndexByte(v, '&') >= 0 && strings.ContainsAny(v, ";#") && known
	switch {
	case !t.injected && strong:
		p.see(0.95, t.start, to, "event handler")
	case !t.injected && known:
		if quote != 0 || to-from > 0 && isLetter(v[0]) || len(v) > 0 {
			p.see(0.75, t.start, to, "event handler")
		}
	case !t.injected:
		p.see(0.4, t.start, to, "event handler")
	case t.quoted && r.Hostile:
		p.see(0.93, t.start, to, "injected event handler")
	case t.quoted && strong && known && equals-stop < 2:
		p.see(0.85, t.start, to, "injected event handler")
	case t.quoted && strong && equals-stop < 2:
		p.see(0.6, t.start, to, "injected event handler")
	case t.quoted && known && t.facts&(hasSrc|hasHref) != 0:
		p.see(0.72, t.start, to, "injected event handler")
	case t.quoted && known:
		p.see(0.5, t.start, to, "injected event handler")
	case !t.quoted && r.Hostile && equals == stop:
		p.see(0.82, t.start, to, "injected event handler")
	case strong && known && equals == stop:
		p.see(0.6, t.start, to, "injected event handler")
	}
}

// stems are what the names of events begin with behind "on" (HTML, DOM, touch, pointer,
// animation and old browsers' events), by their first letter.
var stems = func() (byLetter [26][]string) {
	const all = "abort activate active after animation auxclick before begin blur bounce cancel canplay capture cell change click close " +
		"context control copy cue cut data dblclick deactivate device doubleclick drag drop emptied end error filter finish focus form fullscreen gesture got " +
		"hash help input install interrupt invalid key language layout load locate loose lost media message mouse move ms negotiation no offline online " +
		"orientation out overflow page paste pause play pointer pop print progress property qt rate ready redo rejection repeat reset resize resume " +
		"reverse row scroll search seek select show slot stalled start stop storage submit suspend synch time toggle touch track transition " +
		"undo unhandled unload update url user volume wait webkit wheel x zoom"
	for _, stem := range strings.Fields(all) {
		byLetter[stem[0]-'a'] = append(byLetter[stem[0]-'a'], stem)
	}
	return byLetter
}()

// knownEvent reports whether the name, which begins with "on" but for marks before it, is
// made of words that events are named by.
func knownEvent(name string) bool {
	i := 0
	for i < len(name) && !isLetter(name[i]) {
		i++
	}
	name = name[i:]
	if len(name) < 5 || len(name) > 40 || !isLetter(name[2]) {
		return false
	}
	for _, stem := range stems[lower(name[2])-'a'] {
		if startsFold(name[2:], stem) {
			return true
		}
	}
	return false
}
