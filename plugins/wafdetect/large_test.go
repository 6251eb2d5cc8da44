package wafdetect

import (
	"bufio"
	"bytes"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/wire"
	"kongwaf/plugins/internal/check"
	"kongwaf/plugins/internal/kongtest"
	"kongwaf/plugins/internal/raw"
)

// spooled is a Kong whose request has a body that lies in a file.
func spooled(t *testing.T, path, contentType, encoding string) *kongtest.Kong {
	t.Helper()
	return &kongtest.Kong{Answer: func(c wire.Call) []byte {
		switch c.Method {
		case "kong.request.get_raw_body":
			return raw.AppendBytes(nil, 2, path)
		case "kong.request.get_headers":
			headers := map[string][]string{"content-type": {contentType}, "content-length": {"1"}}
			if encoding != "" {
				headers["content-encoding"] = []string{encoding}
			}
			return raw.Headers(headers)
		case "kong.nginx.get_var":
			if string(c.Args) == string(raw.String("request")) {
				return raw.String("POST /upload HTTP/1.1")
			}
		}
		return nil
	}}
}

// TestUploadInLittleMemory judges an upload of 200 MB with a form field behind it, and counts
// all memory that this takes, freed or not.
func TestUploadInLittleMemory(t *testing.T) {
	const size, most = 200 << 20, 32 << 20
	path := filepath.Join(t.TempDir(), "body")
	file, err := os.Create(path)
	require.NoError(t, err)
	out := bufio.NewWriter(file)
	block := make([]byte, 1<<20)
	rand.NewChaCha8([32]byte{}).Read(block)
	io.WriteString(out, "--cut\r\nContent-Disposition: form-data; name=\"f\"; filename=\"disk.img\"\r\n\r\n")
	for range size / len(block) {
		_, err = out.Write(block)
		require.NoError(t, err)
	}
	io.WriteString(out, "\r\n--cut\r\nContent-Disposition: form-data; name=\"q\"\r\n\r\n1' or 1=1 -- \r\n--cut--\r\n")
	require.NoError(t, out.Flush())
	require.NoError(t, file.Close())

	var logs bytes.Buffer
	i := Definition().Constructor(check.NewShared(slog.New(slog.NewTextHandler(&logs, nil))))().(*check.Instance)
	require.NoError(t, i.UnmarshalJSON([]byte(`{"timeout_ms":60000}`)))
	kong := spooled(t, path, "multipart/form-data; boundary=cut", "")
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	i.Access(kong.PDK())
	runtime.ReadMemStats(&after)
	taken := after.TotalAlloc - before.TotalAlloc
	t.Logf("%d bytes of body, %d of memory", size, taken)
	require.True(t, kong.Called("kong.response.exit"), "the field behind the file is an attack: "+logs.String())
	require.Less(t, taken, uint64(most))
	require.True(t, strings.Contains(logs.String(), "skipped=20"), "what was passed over is said: "+logs.String())
}
