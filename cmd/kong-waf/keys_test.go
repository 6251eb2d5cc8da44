package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"kongwaf/detect/apikey"
	"kongwaf/plugins"
)

// keys runs kong-waf keys.
func keys(stdin string, args ...string) (code int, stdout, stderr string) {
	var out, errs strings.Builder
	code = runKeys(args, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

// TestKeysNew: what is printed works: the key is well-formed, the hash is its own, and the lines are
// a config and a file of keys that let it in.
func TestKeysNew(t *testing.T) {
	code, out, _ := keys("", "new", "--id", "shop-2027", "--consumer", "shop")
	require.Zero(t, code)
	key := regexp.MustCompile(apikey.Pattern).FindString(out)
	require.NoError(t, apikey.CheckFormat(key))
	require.Equal(t, 1, strings.Count(out, key), "once")
	require.Equal(t, 3, strings.Count(out, apikey.SHA256(key)))

	_, config, _ := strings.Cut(out, "in the config of waf-key-auth:\n")
	credentials, file, _ := strings.Cut(config, "keys:\n")
	path := filepath.Join(t.TempDir(), "keys.yml")
	require.NoError(t, os.WriteFile(path, []byte("keys:\n"+file), 0o600))
	for name, config := range map[string]string{"config": credentials, "file " + path: "key_files: [" + path + "]"} {
		s := newSystem(t, `
_format_version: "3.0"
consumers: [{username: shop}]
services:
  - name: api
    url: ${upstream}
    routes:
      - name: keyed
        paths: [/keyed]
        plugins:
          - name: waf-gate
            config:
              checks: [key-auth, rate-limiting]
              rate_limiting: {year: 1}
              key_auth:
                `+strings.ReplaceAll(config, "\n", "\n                ")+"\n")
		requireAnswer(t, 200, "", s.get(t, "/keyed", "apikey", key))
		received := s.upstream.Take()
		require.Equal(t, []string{"shop-2027"}, received[0].Headers.Values("X-Credential-Identifier"))
		requireAnswer(t, 429, "", s.get(t, "/keyed", "apikey", key))
		require.Equal(t, name, s.events.take(t, 1)[0].KeySource)
	}
}

func TestKeysHashAndCheck(t *testing.T) {
	key, err := apikey.Generate()
	require.NoError(t, err)
	mistyped := []byte(key)
	if mistyped[20]++; !strings.ContainsRune("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", rune(mistyped[20])) {
		mistyped[20] = '0'
	}
	for _, row := range []struct {
		name, stdin, command string
		code                 int
		out, errs            string
	}{
		{name: "hash", command: "hash", stdin: "demo-key\n", out: apikey.SHA256("demo-key") + "\n"},
		{name: "hash without a line's end", command: "hash", stdin: "demo-key", out: apikey.SHA256("demo-key") + "\n"},
		{name: "hash of a line of Windows", command: "hash", stdin: "demo-key\r\n", out: apikey.SHA256("demo-key") + "\n"},
		{name: "blanks belong to a key", command: "hash", stdin: " demo key ", out: apikey.SHA256(" demo key ") + "\n"},
		{name: "nothing", command: "hash", code: 1, errs: "kong-waf keys hash: no key on the standard input"},
		{name: "too long", command: "hash", stdin: strings.Repeat("k", 5000), code: 1, errs: "longer than 4096 bytes"},
		{name: "check", command: "check", stdin: key, out: "the key is well-formed\n"},
		{name: "mistyped", command: "check", stdin: string(mistyped), code: 1, out: "the key has a wrong checksum"},
		{name: "cut off", command: "check", stdin: key[:20], code: 1, out: "the key is too short"},
		{name: "check of nothing", command: "check", code: 1, errs: "no key"},
	} {
		t.Run(row.name, func(t *testing.T) {
			code, out, errs := keys(row.stdin, row.command)
			require.Equal(t, row.code, code, errs)
			require.True(t, strings.HasPrefix(out, row.out), out)
			require.Contains(t, errs, row.errs)
			if row.stdin != "" {
				require.NotContains(t, out+errs, strings.TrimSpace(row.stdin))
			}
		})
	}
}

func TestKeysCalledWrongly(t *testing.T) {
	for _, row := range []struct {
		args []string
		code int
		want string
	}{
		{nil, 2, "new, hash, check or list is missing"},
		{[]string{"old"}, 2, `there is no "old": write new, hash, check or list`},
		{[]string{"new", "x"}, 2, `unexpected argument "x"`},
		{[]string{"new", "--consumer", `a"b`}, 2, "--consumer: write it without quotes"},
		{[]string{"hash", "s3cret"}, 2, "unexpected argument"},
		{[]string{"list", "--console", "ftp://127.0.0.1"}, 1, "--console: write an address such as 127.0.0.1:9542"},
		{[]string{"list", "--console", "127.0.0.1:1"}, 1, "nobody listens on 127.0.0.1:1"},
		{[]string{"list", "--token-file", "/no/such"}, 1, "--token-file: "},
		{[]string{"list", "--data", "/no/such"}, 1, "holds no list of keys"},
		{[]string{"--help"}, 0, "kong-waf keys new"},
		{[]string{"new", "--help"}, 0, apikey.Pattern},
		{[]string{"list", "--help"}, 0, "--token-file FILE"},
	} {
		code, _, errs := keys("", row.args...)
		require.Equal(t, row.code, code, row.args)
		require.Contains(t, errs, row.want, row.args)
	}
}

func TestKeysList(t *testing.T) {
	at := time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	listing := plugins.KeyListing{
		Written: at, More: 3,
		Sources: []plugins.ListedPlace{{Name: "kong", Keys: 1, Checked: at, Problem: "status 503"}},
		Keys:    []plugins.ListedKey{{ID: "k1", Consumer: "ann\x1b[31m", Source: "kong", Expires: at, Scoped: true}},
	}
	text, err := json.Marshal(listing)
	require.NoError(t, err)
	folder, token := t.TempDir(), filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(filepath.Join(folder, plugins.KeyListingFile), text, 0o600))
	require.NoError(t, os.WriteFile(token, []byte("t0ken\n"), 0o600))
	console := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/keys" || r.Header.Get("Authorization") != "Bearer t0ken" {
			http.Error(w, "a token is needed", http.StatusUnauthorized)
			return
		}
		_, _ = w.Write(text)
	}))
	defer console.Close()
	for _, from := range [][]string{{"--data", folder}, {"--console", console.URL, "--token-file", token}} {
		code, out, errs := keys("", append([]string{"list"}, from...)...)
		require.Zero(t, code, errs)
		require.Contains(t, out, "kong    1     2027-01-02T03:04:05Z  status 503")
		require.Contains(t, out, "k1  ann?[31m  kong                2027-01-02T03:04:05Z  yes")
		require.Contains(t, out, "as of 2027-01-02T03:04:05Z; 3 more keys not listed")
		code, out, _ = keys("", append([]string{"list", "--json"}, from...)...)
		require.Zero(t, code)
		var again plugins.KeyListing
		require.NoError(t, json.Unmarshal([]byte(out), &again))
		require.Equal(t, listing, again)
	}
	code, _, errs := keys("", "list", "--console", console.URL)
	require.Equal(t, 1, code)
	require.Contains(t, errs, "the console answers 401 Unauthorized: a token is needed")
}
