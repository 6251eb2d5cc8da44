package source

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"kongwaf/internal/ownfile"
)

// A copy is a line of JSON, the head, and behind it the bytes.
type head struct {
	Location string    `json:"location"`
	Format   string    `json:"format"`
	Loaded   time.Time `json:"loaded"`
	Version
	SHA256 string `json:"sha256"`
}

// copyPath returns where the copy of a source is, "" if there is to be none. Sources that
// read the same bytes of the same location share it.
func (w *watcher[T]) copyPath() string {
	if w.registry.Folder == "" || w.registry.Offline || w.format.NoCopy {
		return ""
	}
	return filepath.Join(w.registry.Folder, "source-"+checksum([]byte(w.copyFormat() + "\x00" + w.settings.Location))[:32])
}

// copyFormat tells copies apart that hold something else than what was read.
func (w *watcher[T]) copyFormat() string {
	if w.format.Save == nil {
		return ""
	}
	return w.format.Name
}

// save writes the copy of a version.
func (w *watcher[T]) save(data []byte, value T, version Version, loaded time.Time) error {
	path := w.copyPath()
	if path == "" {
		return nil
	}
	if w.format.Save != nil {
		var err error
		if data, err = w.format.Save(value); err != nil {
			return err
		}
	}
	first, err := json.Marshal(head{
		Location: Shown(w.settings.Location), Format: w.copyFormat(), Loaded: loaded.UTC(), Version: version, SHA256: checksum(data),
	})
	if err != nil {
		return err
	}
	return replace(path, first, []byte("\n"), data)
}

// replace writes a file that is there as a whole or not at all.
func replace(path string, pieces ...[]byte) error {
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(folder, filepath.Base(path)+".new-*") // 0600
	if err != nil {
		return err
	}
	for _, piece := range pieces {
		if err == nil {
			_, err = f.Write(piece)
		}
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// restore puts the copy of an earlier process into force, if there is a good one. Nobody
// else knows the watcher yet.
func (w *watcher[T]) restore() {
	path := w.copyPath()
	if path == "" {
		return
	}
	first, data, err := readCopy(path, w.settings.MaxBytes)
	if err == nil {
		parse := w.format.Parse
		if w.format.Restore != nil {
			parse = w.format.Restore
		}
		var value T
		if value, err = guarded(parse, data); err == nil {
			w.value.Store(&held[T]{value})
			w.seen = first.Version
			if w.format.Save == nil {
				w.sum = first.SHA256
			}
			status := *w.status.Load()
			status.Loaded, status.Checked, status.Copied = first.Loaded, first.Loaded, true
			status.Version, status.Bytes, status.Entries = first.Version.String(), int64(len(data)), w.count(value)
			w.status.Store(&status)
			w.registry.report(status)
			return
		}
	}
	if !isMissing(err) {
		w.registry.log(slog.LevelWarn, "the copy of an earlier process is not used", "source", w.settings.Name, "location", Shown(w.settings.Location), "file", path, "error", err)
	}
}

// guarded calls a parser; its panic is an error.
func guarded[T any](parse func([]byte) (T, error), data []byte) (value T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("cannot be read: panic: %v", p)
		}
	}()
	return parse(data)
}

// maxHead is more than a copy's first line has, in bytes.
const maxHead = 64 << 10

func readCopy(path string, most int64) (head, []byte, error) {
	f, err := ownfile.Open(path)
	if err != nil {
		return head{}, nil, err
	}
	defer f.Close()
	data, err := limited(f, most+maxHead)
	if err != nil {
		return head{}, nil, err
	}
	line, rest, _ := bytes.Cut(data, []byte("\n"))
	var h head
	if err := json.Unmarshal(line, &h); err != nil {
		return head{}, nil, fmt.Errorf("it has no head: %w", err)
	}
	if h.SHA256 != checksum(rest) {
		return head{}, nil, errors.New("it was not written to its end, or changed")
	}
	return h, rest, nil
}

func checksum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
