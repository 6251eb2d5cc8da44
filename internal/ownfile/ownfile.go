// Package ownfile opens files that this program has written for itself. Their names are known
// to everybody, and the folder may be one in which others can write, such as one beside a
// socket in /tmp: what somebody else has put there is not believed.
package ownfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// ErrForeign says that a file belongs to somebody else.
var ErrForeign = errors.New("it belongs to another user, who decides what is in it: it is not believed")

// Open opens a regular file of this user or of root. It follows no link and waits for no pipe.
func Open(path string) (*os.File, error) { return open(path, os.Geteuid()) }

func open(path string, user int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = check(info, user)
	}
	if err != nil {
		f.Close()
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return f, nil
}

func check(info fs.FileInfo, user int) error {
	if !info.Mode().IsRegular() {
		return errors.New("it is no regular file")
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && int(owner.Uid) != user && owner.Uid != 0 {
		return ErrForeign
	}
	return nil
}
