package source

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

const (
	// filePoll is how often a file is looked at.
	filePoll = 2 * time.Second
	// restless is how many times in a row a file may have changed before it is read all the
	// same.
	restless = 5
)

// watched is what is known of a file. The zero value has seen nothing.
type watched struct {
	asRead, asLooked fs.FileInfo // when it was read, and looked at, last; nil if it was not there
	moving           int
}

// changed reports whether a file is another one than was read, and has come to rest: a
// writer that has not ended would be read in part.
func (w *watched) changed(path string) bool {
	info, err := os.Stat(path)
	if err != nil {
		info = nil
	}
	if same(info, w.asRead) {
		w.moving = 0
		w.asLooked = info
		return false
	}
	still := same(info, w.asLooked)
	w.asLooked = info
	if w.moving++; !still && w.moving < restless {
		return false
	}
	w.moving = 0
	return true
}

func same(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == b
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// read returns what a file holds, at most so many bytes, unpacked if it is packed by gzip.
func (w *watched) read(path string, most int64) ([]byte, error) {
	w.asRead, w.asLooked = nil, nil
	// Whatever is opened must not keep us waiting, as a pipe would.
	info, err := os.Stat(path)
	if err != nil {
		return nil, plain(err)
	}
	w.asRead, w.asLooked = info, info
	if !info.Mode().IsRegular() {
		return nil, errors.New("is not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, plain(err)
	}
	defer f.Close()
	return bounded(f, most)
}

// plain takes the path off an error: whoever hands it on names it.
func plain(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// bounded reads all there is, and refuses more than so many bytes. What gzip has packed is
// unpacked, within the same bound.
func bounded(r io.Reader, most int64) ([]byte, error) {
	data, err := limited(r, most)
	if err != nil || !bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		return data, err
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return limited(unpacked, most)
}

func limited(r io.Reader, most int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return nil, plain(err)
	}
	if int64(len(data)) > most {
		return nil, fmt.Errorf("is longer than %d bytes", most)
	}
	return data, nil
}
