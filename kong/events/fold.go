package events

import (
	"strings"
	"time"
)

// Folder folds floods of equal events: the first one goes on at once, those like it within
// a window are counted, and at the window's end one line says how many there were. Events
// are equal if plugin, check, action, reason, rule, client, route, classes and first place are.
// An attacker who varies these is folded all the same: a client beyond perClient different
// ones in a window is folded by what does not depend on the request, and so is everybody
// beyond perWindow. So a window writes at most a few thousand lines, whatever is sent.
//
// What was let through on purpose, by an exception or as expected content, may be every request
// to a place: it is folded over all clients, in windows that are calmWindows as long.
//
// A Folder is for one goroutine.
type Folder struct {
	loud, calm round
	key        strings.Builder
}

// round is a window and what it holds back.
type round struct {
	window  time.Duration
	ends    time.Time
	folds   map[string]*fold
	clients map[string]int
	count   int // of different ones in this window
}

// fold is what was held back of one kind.
type fold struct {
	last  *Event
	first time.Time
	count int
}

const (
	perClient   = 50
	perWindow   = 1000
	calmWindows = 30
)

// NewFolder returns a folder with a window; 0 folds nothing.
func NewFolder(window time.Duration) *Folder {
	return &Folder{loud: newRound(window), calm: newRound(calmWindows * window)}
}

func newRound(window time.Duration) round {
	return round{window: window, folds: map[string]*fold{}, clients: map[string]int{}}
}

// Add takes an event and calls emit with what is to be written now: the event itself, if
// it is the first of its kind, after what a window that is over has held back.
func (f *Folder) Add(e *Event, emit func(*Event)) {
	f.Tick(e.Time, emit)
	r, client := &f.loud, e.Client
	if e.Action == ActionExcepted {
		r, client = &f.calm, ""
	}
	if r.window <= 0 {
		emit(e)
		return
	}
	if r.ends.IsZero() {
		r.ends = e.Time.Add(r.window)
	}
	key := f.exact(e, client)
	held := r.folds[key]
	if held == nil && (r.count >= perWindow || r.clients[client] >= perClient) {
		key = f.coarse(e)
		held = r.folds[key]
	}
	if held == nil {
		r.folds[key] = &fold{}
		r.count++
		if r.count <= perWindow && client != "" {
			r.clients[client]++
		}
		emit(e)
		return
	}
	if held.count == 0 {
		held.first = e.Time
		if !e.First.IsZero() {
			held.first = e.First
		}
	}
	held.count += e.Count
	held.last = e
}

// Tick ends the windows that are over at that time.
func (f *Folder) Tick(now time.Time, emit func(*Event)) {
	for _, r := range []*round{&f.loud, &f.calm} {
		if !r.ends.IsZero() && !now.Before(r.ends) {
			r.flush(emit)
		}
	}
}

// Flush ends the windows now.
func (f *Folder) Flush(emit func(*Event)) {
	f.loud.flush(emit)
	f.calm.flush(emit)
}

func (r *round) flush(emit func(*Event)) {
	for _, held := range r.folds {
		if held.count == 0 {
			continue
		}
		e := *held.last
		e.Count, e.line = held.count, nil
		if e.Count > 1 {
			e.First = held.first
		}
		emit(&e)
	}
	clear(r.folds)
	clear(r.clients)
	r.count, r.ends = 0, time.Time{}
}

func (f *Folder) exact(e *Event, client string) string {
	place := ""
	if len(e.Places) > 0 {
		place = e.Places[0]
	}
	return f.join(e.PluginID, e.Plugin, e.Check, e.Action, e.Reason, e.Rule, client, e.RouteID, strings.Join(e.Classes, ","), place)
}

// coarse leaves out what a request can choose.
func (f *Folder) coarse(e *Event) string {
	class := ""
	if len(e.Classes) > 0 {
		class = e.Classes[0]
	}
	return f.join("coarse", e.PluginID, e.Plugin, e.Check, e.Action, class)
}

func (f *Folder) join(parts ...string) string {
	f.key.Reset()
	for _, p := range parts {
		f.key.WriteString(p)
		f.key.WriteByte(0)
	}
	return f.key.String()
}
