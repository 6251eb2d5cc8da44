package source

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"time"
	"weak"
)

// patience is how long Open waits for the first version of a URL; it goes on being asked for
// behind that.
const patience = 3 * time.Second

// Registry hands out sources: the same one to all who want the same settings, for Kong starts
// an instance of a plugin for each of its workers and forgets some. Its fields are set before
// the first Open; the zero value has no folder and is silent. It is safe for concurrent use.
type Registry struct {
	// Folder holds the last good versions; "" is no folder.
	Folder string
	// Now is the clock, time.Now if not set.
	Now func() time.Time
	// Logger gets a line when something goes wrong or is well again.
	Logger *slog.Logger
	// Report, if set, is told each status. It may be called by several goroutines.
	Report func(Status)
	// Offline is for those who check configs: files are read once, nothing is watched, no
	// server is asked, nothing is written. See Unchecked.
	Offline bool

	mu        sync.Mutex
	sources   map[key]any    // of weak.Pointer[Source[T]]
	named     map[string]any // the newest of them with a name
	unchecked []string
}

// key is what makes two sources the same.
type key struct {
	settings Settings
	kind     reflect.Type
	format   string
}

// Open returns the source for the settings, with its first version. A file that cannot be
// read, of which there is no copy either, is an error, and so is a location that can never
// be right; the error names the location and nothing else. A URL that does not answer is
// none: Get says that there is no value, and what that means is for the caller to say.
func Open[T any](r *Registry, s Settings, f Format[T]) (*Source[T], error) {
	if err := CheckLocation(s.Location); err != nil {
		return nil, err
	}
	w := newWatcher(r, s, f)
	if r.Offline {
		return offline(r, w)
	}
	k := key{settings: s, kind: reflect.TypeFor[T](), format: f.Name}
	source := shared(r, k, w)
	source.start.Do(func() { source.startErr = source.begin() })
	if source.startErr != nil {
		r.forget(k, source.pointer)
		return nil, source.startErr
	}
	return source, nil
}

// shared returns the source that the registry knows by a key, or one made of the watcher.
func shared[T any](r *Registry, k key, w *watcher[T]) *Source[T] {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known, ok := r.sources[k].(weak.Pointer[Source[T]]); ok {
		if source := known.Value(); source != nil {
			return source
		}
	}
	source := &Source[T]{watcher: w}
	if r.sources == nil {
		r.sources, r.named = map[key]any{}, map[string]any{}
	}
	pointer := weak.Make(source)
	w.pointer = pointer
	r.sources[k], r.named[k.settings.Name] = pointer, pointer
	runtime.AddCleanup(source, func(w *watcher[T]) {
		close(w.closed)
		if r.forget(k, pointer) {
			r.report(Status{Name: k.settings.Name, Location: Shown(k.settings.Location), Closed: true})
		}
	}, w)
	return source
}

// forget takes a source out, unless another one has its place by now, and reports whether
// nobody has its name any more: a new one may have taken over with other settings.
func (r *Registry) forget(k key, pointer any) (last bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sources[k] == pointer {
		delete(r.sources, k)
	}
	if r.named[k.settings.Name] != pointer {
		return false
	}
	delete(r.named, k.settings.Name)
	return true
}

// offline reads what is at hand.
func offline[T any](r *Registry, w *watcher[T]) (*Source[T], error) {
	source := &Source[T]{watcher: w}
	note := func(why string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if line := fmt.Sprintf("%s: %s", Shown(w.settings.Location), why); !slices.Contains(r.unchecked, line) {
			r.unchecked = append(r.unchecked, line)
		}
	}
	if w.settings.remote() {
		note("a URL, which is not asked here")
		return source, nil
	}
	err := w.read()
	if isMissing(err) {
		note("not on this machine, so what it holds was not checked")
		return source, nil
	}
	return source, err
}

// Unchecked returns what an Offline registry could not look at, a line each.
func (r *Registry) Unchecked() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.unchecked)
}

func (r *Registry) now() time.Time {
	if r.Now == nil {
		return time.Now()
	}
	return r.Now()
}

func (r *Registry) report(s Status) {
	if r.Report != nil {
		r.Report(s)
	}
}

func (r *Registry) log(level slog.Level, message string, args ...any) {
	if r.Logger != nil {
		r.Logger.Log(context.Background(), level, message, args...)
	}
}
