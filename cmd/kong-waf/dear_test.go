package main

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// zipped returns a megabyte of a piece, gzipped, with noise in it so that it becomes no less
// than least bytes: below the ratio of a bomb.
func zipped(t *testing.T, piece string, least int) string {
	t.Helper()
	noise := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write([]byte(strings.Repeat(piece, (1<<20)/len(piece))))
	require.NoError(t, err)
	for range least {
		_, err = z.Write([]byte{byte(noise.Uint32())})
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return b.String()
}

// TestDearRequestsEndInARefusal sends what once cost seconds of work, with an attack behind
// it, and innocent requests beside it.
func TestDearRequestsEndInARefusal(t *testing.T) {
	s := newSystem(t, deckWith(detectOnly))
	const injection = `1' union select username,password from users-- `
	unions := strings.Repeat("union select\u3000(", 4000)
	part := "--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.gz\"\r\n\r\n" + zipped(t, "<", 12<<10) + "\r\n"
	packed := base64.StdEncoding.EncodeToString([]byte(zipped(t, "<", 11<<10)))
	dear := []struct{ name, contentType, body string }{
		{name: "many UNIONs, twice", contentType: "application/json", body: `{"p":"` + unions + `","r":"` + unions + `","id":"` + injection + `"}`},
		{name: "30 zipped parts", contentType: "multipart/form-data; boundary=x", body: strings.Repeat(part, 30) +
			"--x\r\nContent-Disposition: form-data; name=\"id\"\r\n\r\n" + injection + "\r\n--x--\r\n"},
		{name: "60 zipped strings", contentType: "application/json", body: `{"a":[` + strings.Repeat(`"`+packed+`",`, 60) + `1],"id":"` + injection + `"}`},
	}
	for _, d := range dear {
		t.Run(d.name, func(t *testing.T) {
			start := time.Now()
			require.Equal(t, 403, s.send(t, "POST", "/r", d.body, "Content-Type", d.contentType).Status)
			require.Empty(t, s.upstream.Take(), "the request reached the upstream")
			t.Logf("%d bytes: refused after %v", len(d.body), time.Since(start).Round(time.Millisecond))
			require.Equal(t, 403, s.send(t, "POST", "/r?id=1%27+or+1%3D1--+", d.body[:len(d.body)/2], "Content-Type", d.contentType).Status, "what is in the query decides")
			require.Empty(t, s.upstream.Take())
		})
	}
	t.Run("an innocent request beside eight", func(t *testing.T) {
		var beside sync.WaitGroup
		for i := range 8 {
			d := dear[i%len(dear)]
			beside.Go(func() {
				if got := s.send(t, "POST", "/r", d.body, "Content-Type", d.contentType).Status; got != 403 {
					t.Errorf("%s: status %d", d.name, got)
				}
			})
		}
		longest := time.Duration(0)
		for range 5 {
			start := time.Now()
			require.Equal(t, 200, s.get(t, "/r?name=Ann").Status)
			longest = max(longest, time.Since(start))
		}
		beside.Wait()
		t.Logf("the slowest innocent request took %v", longest.Round(time.Millisecond))
		require.Less(t, longest, 2*time.Second)
	})
}
