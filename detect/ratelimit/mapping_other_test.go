//go:build !linux

package ratelimit

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// twoMappings returns two tables over the same memory; without memfd, the same mapping.
func twoMappings(t *testing.T, size int) (first, second *Table) {
	t.Helper()
	memory := make([]byte, size)
	first, err := Open(memory, secret)
	require.NoError(t, err)
	second, err = Open(memory, secret)
	require.NoError(t, err)
	return first, second
}
