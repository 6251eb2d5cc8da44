package ownfile

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOpen(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "copy")
	require.NoError(t, os.WriteFile(path, []byte("ours"), 0o600))
	f, err := Open(path)
	require.NoError(t, err)
	text, err := io.ReadAll(f)
	require.NoError(t, err)
	require.Equal(t, "ours", string(text))
	require.NoError(t, f.Close())

	link := filepath.Join(folder, "link")
	require.NoError(t, os.Symlink(path, link))
	_, err = Open(link)
	require.Error(t, err, "a link leads wherever its owner wants")

	pipe := filepath.Join(folder, "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	_, err = Open(pipe)
	require.ErrorContains(t, err, "no regular file")

	_, err = Open(filepath.Join(folder, "missing"))
	require.ErrorIs(t, err, os.ErrNotExist)

	user := os.Geteuid() + 1
	if os.Geteuid() == 0 { // whose files everybody believes
		user = 0
		require.NoError(t, os.Chown(path, 65534, -1))
	}
	_, err = open(path, user)
	require.ErrorIs(t, err, ErrForeign)
}
