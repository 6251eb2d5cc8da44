package console

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHealth(t *testing.T) {
	var trouble error
	handler := Handler(func() error { return trouble })
	get := func(method, path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		return w
	}
	for _, path := range []string{"/healthz", "/def-healthz"} {
		trouble = nil
		require.Equal(t, http.StatusOK, get("GET", path).Code)
		trouble = errors.New("no worker")
		w := get("GET", path)
		require.Equal(t, http.StatusServiceUnavailable, w.Code)
		require.Equal(t, "no worker\n", w.Body.String(), "the reason is said")
	}
	require.Equal(t, http.StatusMethodNotAllowed, get("POST", "/healthz").Code)
	require.Equal(t, http.StatusNotFound, get("GET", "/").Code)
}
