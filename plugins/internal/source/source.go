// Package source keeps a value fresh that is read from a file or from an http(s) URL: a list
// of addresses, a set of keys, a database. Whoever reads the value waits for nothing.
//
// # What is kept
//
// A new version that cannot be had, is not what it should be, or looks suspicious changes
// nothing: the last good one stays in force, the status says why, and one log line says so,
// not one at each try. A good version is also written to a folder (0600, replaced as a
// whole), so that a process that starts while the file is broken or the network is away has
// what the one before it had.
//
// # When it is read
//
// A file is looked at every two seconds (name, size, time, inode; links are followed, so an
// atomic rename and a swapped ConfigMap are seen) and read when it has come to rest. A URL is
// asked every interval, give or take a tenth, for what has changed since; after a failure
// sooner at first, then ever less often.
//
// # Security
//
// The bytes are somebody else's: their number is bounded, also unpacked, and a panic of the
// parser is an error like any other. A secret header goes to the host it was meant for and
// never follows a redirect to another. Nothing here checks a signature: who can write the
// file, or answer for the host, decides what is in the value.
package source

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// The defaults of Settings.
const (
	DefaultInterval = time.Hour
	DefaultTimeout  = 10 * time.Second
	DefaultMaxBytes = 64 << 20
)

// Settings say where a value comes from. They are comparable: those who ask for equal ones
// share one value, and one watcher.
type Settings struct {
	// Name is what log lines and metrics call the value. It holds no secret.
	Name string
	// Location is the absolute path of a file, or an http(s) URL.
	Location string
	// Interval is the time between two questions to a URL, Timeout bounds each of them,
	// MaxBytes what a version may have, unpacked. Zero is the default.
	Interval time.Duration
	Timeout  time.Duration
	MaxBytes int64

	// Token, or the first line of TokenFile, which is read for each question, is sent to the URL in
	// Header. Without Header it is Authorization, and the token gets "Bearer " in front.
	Token, TokenFile string
	Header           string
	// CAFile holds the certificates, in PEM, that the server's must come from, instead of
	// the system's. Insecure takes any.
	CAFile   string
	Insecure bool
	// Socket is the Unix socket to connect to, whatever host the URL names.
	Socket string
}

// remote reports whether the value is asked for over the network.
func (s *Settings) remote() bool { return isURL(s.Location) }

func isURL(location string) bool {
	return strings.HasPrefix(location, "http://") || strings.HasPrefix(location, "https://")
}

// CheckLocation refuses what is neither an absolute path nor an http(s) URL.
func CheckLocation(location string) error {
	if isURL(location) {
		_, err := parseURL(location)
		return err
	}
	if !filepath.IsAbs(location) {
		return fmt.Errorf("%q is neither an absolute path such as /etc/kong-waf/list.txt nor a URL such as https://example.com/list.txt", location)
	}
	return nil
}

// Format says what the bytes of a value mean.
type Format[T any] struct {
	// Name tells formats of the same T apart: two with the same name are taken for the same,
	// so it also names every choice that Parse and Refuse were made with.
	Name string
	// Parse reads a version. It may be called by several goroutines at once. The value may
	// hold the bytes; neither changes them.
	Parse func([]byte) (T, error)
	// Refuse, if set, returns why a good version must not follow an older one, nil if it may.
	Refuse func(old, new T) error
	// Count, if set, says how many entries a value has, for the metrics.
	Count func(T) int
	// Fetch, if set, asks for a version in the place of one GET of the location, such as for
	// an answer in pages. It returns ErrUnchanged if there is none newer than since.
	Fetch func(ctx context.Context, client *Client, since Version) ([]byte, Version, error)
	// NoCopy keeps versions off the disk. Save and Restore, both or none, say what is written
	// there in the place of the bytes that were read: hashes and not keys.
	NoCopy  bool
	Save    func(T) ([]byte, error)
	Restore func([]byte) (T, error)
}

// Version tells a version of a URL's content from others. The zero value is no version.
type Version struct {
	ETag         string `json:"etag,omitempty"`
	LastModified string `json:"last_modified,omitempty"`
}

// String returns what tells the version.
func (v Version) String() string {
	if v.ETag != "" {
		return v.ETag
	}
	return v.LastModified
}

// ErrUnchanged is the answer of a Fetch that found no newer version.
var ErrUnchanged = errors.New("unchanged")

// Problem is why the value is not the newest one.
type Problem string

// The problems.
const (
	None    Problem = ""
	Away    Problem = "away"    // the file or the server did not give it
	Refused Problem = "refused" // it gave something that was not taken
)

// Status is how a value stands.
type Status struct {
	Name     string
	Location string // without its query and what may be a password
	// Loaded is when the version in force was read, zero if there is none; Checked is when it
	// was last known to be the newest one.
	Loaded, Checked time.Time
	// Copied says that the version in force is the copy on disk of an earlier process.
	Copied  bool
	Version string
	Bytes   int64
	Entries int
	// Problem is why there is no newer one, and Err the words for it. CopyErr is why the
	// version in force could not be written to the folder.
	Problem Problem
	Err     error
	CopyErr error
	// Closed says that nobody holds the value any more, nor another one of its name.
	Closed bool
}

// Age returns how long ago the value was last known to be the newest one. Without a value it
// is zero.
func (s *Status) Age(now time.Time) time.Duration {
	if s.Checked.IsZero() {
		return 0
	}
	return now.Sub(s.Checked)
}

// Source is a value that is kept fresh. It is safe for concurrent use. Nobody closes one: it
// ends when nobody holds it. See Open.
type Source[T any] struct {
	*watcher[T]
}

// Get returns the value in force; ok is false if there has been none so far, which only a
// URL can bring about.
func (s *Source[T]) Get() (value T, ok bool) {
	if v := s.value.Load(); v != nil {
		return v.value, true
	}
	return value, false
}

// Status returns how the value stands.
func (s *Source[T]) Status() Status { return *s.status.Load() }

// Poll does now what is due by the clock, as the watcher would by itself: for tests that
// move the clock.
func (s *Source[T]) Poll() {
	s.poll()
	runtime.KeepAlive(s)
}

// Refresh looks for a new version now, due or not.
func (s *Source[T]) Refresh() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refresh()
	runtime.KeepAlive(s)
}
