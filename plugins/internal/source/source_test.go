package source

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// words is the format of the tests: words with blanks, "bad" is none, "panic" panics, and
// fewer than half of the words before are suspicious.
func words() Format[[]string] {
	return Format[[]string]{
		Name: "words",
		Parse: func(data []byte) ([]string, error) {
			list := strings.Fields(string(data))
			switch {
			case len(list) == 0:
				return nil, errors.New("is empty")
			case list[0] == "bad":
				return nil, errors.New("holds a bad word")
			case list[0] == "panic":
				panic("a hostile list")
			}
			return list, nil
		},
		Refuse: func(old, new []string) error {
			if 2*len(new) < len(old) {
				return fmt.Errorf("has %d words, had %d", len(new), len(old))
			}
			return nil
		},
		Count: func(list []string) int { return len(list) },
	}
}

// bench is a registry with a clock and a log that a test can look at.
type bench struct {
	*Registry
	clock atomic.Int64
	log   lockedBuffer
	file  string
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newBench(t *testing.T) *bench {
	b := &bench{file: filepath.Join(t.TempDir(), "words.txt")}
	b.clock.Store(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano())
	b.Registry = &Registry{Folder: t.TempDir(), Now: b.now, Logger: slog.New(slog.NewTextHandler(&b.log, nil))}
	return b
}

func (b *bench) now() time.Time           { return time.Unix(0, b.clock.Load()).UTC() }
func (b *bench) advance(d time.Duration)  { b.clock.Add(int64(d)) }
func (b *bench) lines(holding string) int { return strings.Count(b.log.String(), holding) }
func (b *bench) another() *bench {
	n := &bench{file: b.file}
	n.clock.Store(b.clock.Load())
	n.Registry = &Registry{Folder: b.Folder, Now: n.now, Logger: slog.New(slog.NewTextHandler(&n.log, nil))}
	return n
}
func (b *bench) write(t *testing.T, s string) {
	t.Helper()
	require.NoError(t, replace(b.file, []byte(s)))
}

// settle polls as often as a file needs that has changed and rests.
func settle(s *Source[[]string]) { s.Poll(); s.Poll() }

func expect(t *testing.T, s *Source[[]string], want string, problem Problem) {
	t.Helper()
	got, ok := s.Get()
	if ok != (want != "") || strings.Join(got, " ") != want {
		t.Errorf("the value is %q, %v; want %q", got, ok, want)
	}
	if status := s.Status(); status.Problem != problem || (status.Err == nil) != (problem == None) {
		t.Errorf("the problem is %q (%v), want %q", status.Problem, status.Err, problem)
	}
}

func TestFileIsReadAgainWhenItChanges(t *testing.T) {
	b := newBench(t)
	b.write(t, "a b")
	s, err := Open(b.Registry, Settings{Name: "w", Location: b.file}, words())
	require.NoError(t, err)
	expect(t, s, "a b", None)
	for _, step := range []struct {
		name, content string
		want          string
		problem       Problem
	}{
		{name: "replaced", content: "a b c d e", want: "a b c d e"},
		{name: "garbage", content: "bad", want: "a b c d e", problem: Refused},
		{name: "garbage of another kind", content: "panic", want: "a b c d e", problem: Refused},
		{name: "empty", content: "", want: "a b c d e", problem: Refused},
		{name: "shrunken", content: "a b", want: "a b c d e", problem: Refused},
		{name: "good again", content: "x y z", want: "x y z"},
	} {
		b.write(t, step.content)
		settle(s)
		t.Log(step.name)
		expect(t, s, step.want, step.problem)
	}
	if n := b.lines("a new version was refused"); n != 1 {
		t.Errorf("a refusal that lasted was said %d times, want once:\n%s", n, b.log.String())
	}
	if b.lines("well again") != 1 {
		t.Errorf("the log does not say that it is well again:\n%s", b.log.String())
	}
	require.NoError(t, os.Remove(b.file))
	settle(s)
	expect(t, s, "x y z", Away)
	b.write(t, "x y z w")
	settle(s)
	expect(t, s, "x y z w", None)
}

// A ConfigMap is a folder whose files are links into a folder that is a link itself, which
// is swapped.
func TestConfigMapSwap(t *testing.T) {
	b := newBench(t)
	dir := t.TempDir()
	version := func(name, content string) {
		require.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name, "list"), []byte(content), 0o644))
		require.NoError(t, os.Symlink(name, filepath.Join(dir, "..tmp")))
		require.NoError(t, os.Rename(filepath.Join(dir, "..tmp"), filepath.Join(dir, "..data")))
	}
	version("..1", "one two")
	require.NoError(t, os.Symlink("..data/list", filepath.Join(dir, "list")))
	s, err := Open(b.Registry, Settings{Location: filepath.Join(dir, "list")}, words())
	require.NoError(t, err)
	version("..2", "six ten") // as long, and perhaps of the same time
	settle(s)
	expect(t, s, "six ten", None)
}

// A file that is still being written is not read, unless it never ends.
func TestFileComesToRest(t *testing.T) {
	b := newBench(t)
	b.write(t, "a b")
	var w watched
	_, err := w.read(b.file, 100)
	require.NoError(t, err)
	if w.changed(b.file) {
		t.Error("a file that is as it was counts as changed")
	}
	for i := 1; i < restless; i++ {
		b.write(t, strings.Repeat("x ", i+2))
		if w.changed(b.file) {
			t.Fatalf("a file that changed just now is read at look %d", i)
		}
	}
	b.write(t, "the end")
	if !w.changed(b.file) {
		t.Error("a file that never rests is never read")
	}
}

func TestFirstLoadOfAFile(t *testing.T) {
	long := strings.Repeat("x", 100)
	for _, row := range []struct{ name, content, location, want string }{
		{name: "missing", want: "words.txt: no such file"},
		{name: "bad", content: "bad", want: "words.txt: holds a bad word"},
		{name: "panics", content: "panic", want: "panic: a hostile list"},
		{name: "too long", content: long, want: "is longer than 50 bytes"},
		{name: "too long once unpacked", content: packed(long), want: "is longer than 50 bytes"},
		{name: "a folder", location: os.TempDir(), want: "is not a regular file"},
		{name: "relative", location: "words.txt", want: "neither an absolute path"},
		{name: "no host", location: "http://", want: "is not a URL"},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := newBench(t)
			if row.content != "" {
				b.write(t, row.content)
			}
			if row.location == "" {
				row.location = b.file
			}
			_, err := Open(b.Registry, Settings{Location: row.location, MaxBytes: 50}, words())
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("the error is %v, want %q", err, row.want)
			}
			// What was wrong once may be right now.
			if row.location == b.file {
				b.write(t, "a")
				s, err := Open(b.Registry, Settings{Location: row.location, MaxBytes: 50}, words())
				require.NoError(t, err)
				expect(t, s, "a", None)
			}
		})
	}
}

func packed(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

func TestPackedFile(t *testing.T) {
	b := newBench(t)
	b.write(t, packed("a b"))
	s, err := Open(b.Registry, Settings{Location: b.file}, words())
	require.NoError(t, err)
	expect(t, s, "a b", None)
}

// The process that follows has what the one before it had, whatever has become of the file.
func TestCopyOutlivesTheProcess(t *testing.T) {
	b := newBench(t)
	b.write(t, "a b c")
	_, err := Open(b.Registry, Settings{Location: b.file}, words())
	require.NoError(t, err)
	b.write(t, "bad")
	s, err := Open(b.another().Registry, Settings{Location: b.file}, words())
	require.NoError(t, err)
	expect(t, s, "a b c", Refused)
	if !s.Status().Copied {
		t.Error("the status does not say that the value is a copy")
	}
	files, err := filepath.Glob(filepath.Join(b.Folder, "*"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	info, err := os.Stat(files[0])
	require.NoError(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the copy has the mode %v, want 0600", info.Mode())
	}

	// A copy that was changed or cut is none.
	data, err := os.ReadFile(files[0])
	require.NoError(t, err)
	for _, content := range [][]byte{data[:len(data)-1], append(bytes.Clone(data), 'x'), nil, []byte("{}\n"), []byte("null")} {
		require.NoError(t, os.WriteFile(files[0], content, 0o600))
		if _, err := Open(b.another().Registry, Settings{Location: b.file}, words()); err == nil {
			t.Errorf("the copy %q is taken", content)
		}
	}

	// Nor is one that somebody else may have written: the name is known to everybody.
	elsewhere := filepath.Join(t.TempDir(), "copy")
	require.NoError(t, os.Rename(files[0], elsewhere))
	require.NoError(t, os.WriteFile(elsewhere, data, 0o600))
	require.NoError(t, os.Symlink(elsewhere, files[0]))
	_, err = Open(b.another().Registry, Settings{Location: b.file}, words())
	require.Error(t, err)
	require.NoError(t, os.Rename(elsewhere, files[0]))
	s, err = Open(b.another().Registry, Settings{Location: b.file}, words())
	require.NoError(t, err, "the harmless twin")
	expect(t, s, "a b c", Refused)
}

// What is written in the place of what was read is what a start reads.
func TestSaveAndRestore(t *testing.T) {
	b := newBench(t)
	b.write(t, "secret word")
	f := words()
	f.Save = func(list []string) ([]byte, error) { return fmt.Appendf(nil, "%d", len(list)), nil }
	f.Restore = func(data []byte) ([]string, error) { return []string{"hash", "of", string(data)}, nil }
	_, err := Open(b.Registry, Settings{Location: b.file}, f)
	require.NoError(t, err)
	files, _ := filepath.Glob(filepath.Join(b.Folder, "*"))
	require.Len(t, files, 1)
	data, _ := os.ReadFile(files[0])
	if bytes.Contains(data, []byte("secret")) {
		t.Errorf("the copy holds %q", data)
	}
	b.write(t, "bad")
	s, err := Open(b.another().Registry, Settings{Location: b.file}, f)
	require.NoError(t, err)
	expect(t, s, "hash of 2", Refused)

	f.NoCopy = true
	_, err = Open(b.another().Registry, Settings{Location: b.file}, f)
	require.Error(t, err)
}

// A folder that cannot be written to costs the copy and nothing else; it is said once, and
// the copy is made up for.
func TestFolderThatCannotBeWritten(t *testing.T) {
	b := newBench(t)
	folder := b.Folder
	b.Folder = filepath.Join(b.file, "below a file")
	b.write(t, "a b")
	s, err := Open(b.Registry, Settings{Location: b.file}, words())
	require.NoError(t, err)
	b.write(t, "a b c")
	settle(s)
	expect(t, s, "a b c", None)
	if s.Status().CopyErr == nil || b.lines("was not written") != 1 {
		t.Errorf("want one line and the status %v:\n%s", s.Status().CopyErr, b.log.String())
	}
	b.Folder = folder
	s.Refresh()
	if s.Status().CopyErr != nil {
		t.Errorf("the copy is not made up for: %v", s.Status().CopyErr)
	}
}

func TestOneWatcherForEqualSettings(t *testing.T) {
	b := newBench(t)
	b.write(t, "a b")
	settings := Settings{Location: b.file}
	var all sync.WaitGroup
	sources := make([]*Source[[]string], 8)
	for i := range sources {
		all.Go(func() { sources[i], _ = Open(b.Registry, settings, words()) })
	}
	all.Wait()
	for _, s := range sources {
		if s == nil || s != sources[0] {
			t.Fatal("equal settings have several sources")
		}
	}
	settings.Interval = time.Minute
	if other, _ := Open(b.Registry, settings, words()); other == sources[0] {
		t.Error("other settings have the same source")
	}
	f := words()
	f.Name = "others"
	if other, _ := Open(b.Registry, Settings{Location: b.file}, f); other == sources[0] {
		t.Error("another format has the same source")
	}
}

// Nobody closes a source: it ends when nobody holds it.
func TestSourceEndsWhenNobodyHoldsIt(t *testing.T) {
	b := newBench(t)
	b.write(t, "a b")
	closed := make(chan struct{})
	b.Report = func(s Status) {
		if s.Closed {
			close(closed)
		}
	}
	s, err := Open(b.Registry, Settings{Name: "w", Location: b.file}, words())
	require.NoError(t, err)
	// One that another of the same name follows is no news.
	for range 3 {
		if s, err = Open(b.Registry, Settings{Name: "w", Location: b.file, Interval: time.Duration(b.clock.Add(1))}, words()); err != nil {
			t.Fatal(err)
		}
		runtime.GC()
	}
	expect(t, s, "a b", None) // it is held
	select {
	case <-closed:
		t.Error("the name is said to be gone")
	default:
	}
	for {
		runtime.GC()
		select {
		case <-closed:
		case <-time.After(time.Millisecond):
			continue
		}
		break
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.sources) != 0 {
		t.Errorf("the registry still knows %d sources", len(b.sources))
	}
}

func TestOffline(t *testing.T) {
	b := newBench(t)
	b.Offline = true
	b.write(t, "bad")
	if _, err := Open(b.Registry, Settings{Location: b.file}, words()); err == nil {
		t.Error("a bad file is not told")
	}
	for _, location := range []string{b.file + ".missing", "https://user:pass@lists.example/a?token=secret", b.file + ".missing"} {
		if _, err := Open(b.Registry, Settings{Location: location}, words()); err != nil {
			t.Errorf("%s: %v", location, err)
		}
	}
	lines := b.Unchecked()
	if len(lines) != 2 || !strings.HasPrefix(lines[1], "https://lists.example/a: ") {
		t.Errorf("unchecked: %q", lines)
	}
	if files, _ := filepath.Glob(filepath.Join(b.Folder, "*")); len(files) != 0 {
		t.Errorf("written: %v", files)
	}
}

// The watcher itself, by a clock that stands for the real one.
func TestWatcherPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.Now = time.Now
		b.write(t, "a b")
		w := newWatcher(b.Registry, Settings{Location: b.file}, words())
		require.NoError(t, w.begin())
		b.write(t, "a b c")
		time.Sleep(2*filePoll + time.Millisecond)
		synctest.Wait()
		expect(t, &Source[[]string]{watcher: w}, "a b c", None)
		close(w.closed)
	})
}

// The metrics are told by Report what the status says.
func TestReport(t *testing.T) {
	b := newBench(t)
	b.write(t, "a b")
	var last atomic.Pointer[Status]
	b.Report = func(s Status) { last.Store(&s) }
	s, err := Open(b.Registry, Settings{Name: "named", Location: b.file}, words())
	require.NoError(t, err)
	b.advance(time.Minute)
	want := s.Status()
	got := last.Load()
	if *got != want || got.Name != "named" || got.Entries != 2 || got.Bytes != 3 || got.Age(b.now()) != time.Minute {
		t.Errorf("reported %+v, the status is %+v", *got, want)
	}
}

func serverOf(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}
