package attack

import (
	"strings"

	"kongwaf/detect"
	"kongwaf/detect/attack/document"
	"kongwaf/detect/attack/place"
	"kongwaf/detect/attack/reading"
	"kongwaf/detect/attack/value"
)

// mentionedMost is the most that an attack counts which a text mentions rather than uses:
// suspicious, and blocked at high sensitivity only, however many there are.
const mentionedMost = 0.5

// mentioned lowers the match of a language in a text that is plainly about it: a bug report,
// an advisory, a tutorial (see document.Talk). What the text says besides its quotations is
// judged once more by itself, so that a second payload cannot hide behind a quoted one.
func (s *session) mentioned(r *reading.Reading, language int, m value.Match) (_ value.Match, lowered bool) {
	l, text := r.Leaf, r.Text
	if m.Confidence <= mentionedMost || l.IsName || len(text) < shortestTalk ||
		l.Source != detect.SourceBody && l.Source != detect.SourceQuery || !s.work.Spend(talkCost*len(text)) {
		return m, false
	}
	typ := s.placeOf(l, l.Place())
	if typ == place.Scalar {
		return m, false // words around a payload are no more than a disguise there
	}
	talk := document.TalkOf(text, m.Start, m.End)
	manner := document.Anywhere
	switch {
	case strings.HasPrefix(m.Shape, "JNDI"):
		manner = document.Careful
	case typ == place.Message:
		manner = document.InMessage
	}
	if !talk.Mentions(m.Start, manner) {
		return m, false
	}
	shown := m
	shown.Confidence = mentionedMost
	shown.Shape += ", mentioned in a text about it"
	if !talk.Quoted(m.Start) {
		return shown, true
	}
	if !s.work.Spend(len(text)) {
		return m, false
	}
	lowered = true
	s.reader.Borrow(talk.AppendUnquoted, func(unquoted string) {
		outer := s.value
		s.value.Text = unquoted
		s.value.Traits, s.value.Pairs = value.Look(unquoted)
		if languages[language].possible(&s.value) {
			if again := languages[language].judge(&s.value); again.Confidence > mentionedMost && !talk.Mentions(again.Start, manner) {
				shown, lowered = again, false
			}
		}
		s.value = outer
	})
	return shown, lowered
}

const (
	// shortestTalk is the length of the shortest text that is about something, in bytes.
	shortestTalk = 24
	// talkCost is how often a text is read to find out.
	talkCost = 4
)
