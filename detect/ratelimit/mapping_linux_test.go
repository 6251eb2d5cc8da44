package ratelimit

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// twoMappings returns two tables over the same pages, as a supervisor and a worker have it.
func twoMappings(t *testing.T, size int) (first, second *Table) {
	t.Helper()
	fd, err := unix.MemfdCreate("ratelimit-test", unix.MFD_CLOEXEC)
	require.NoError(t, err)
	defer func() { require.NoError(t, unix.Close(fd)) }()
	require.NoError(t, unix.Ftruncate(fd, int64(size)))
	open := func() *Table {
		memory, err := unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, unix.Munmap(memory)) })
		table, err := Open(memory, secret)
		require.NoError(t, err)
		return table
	}
	return open(), open()
}
