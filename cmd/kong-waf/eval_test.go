package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEval: what is missed is named by its id or its line, and nothing measured is no success.
func TestEval(t *testing.T) {
	dir := t.TempDir()
	items := filepath.Join(dir, "items.jsonl")
	require.NoError(t, os.WriteFile(items, []byte(`{"label":"attack","class":"sqli","value":"1' or '1'='1"}
{"label":"attack","class":"sqli","value":"tea for two"}
{"id":"mine","label":"attack","class":"xss","target":"/?q=tea"}
{"label":"benign","class":"name","value":"O'Brien"}
`), 0o600))
	eval := func(args ...string) (int, string, string) {
		var stdout, stderr bytes.Buffer
		code := runEval(args, strings.NewReader(""), &stdout, &stderr)
		return code, stdout.String(), stderr.String()
	}

	code, out, errs := eval("--misses", "9", items)
	require.Equal(t, 0, code, errs)
	require.Contains(t, out, `miss line 2 (items.jsonl, sqli) score 0.00: query "tea for two"`)
	require.Contains(t, out, "miss mine (items.jsonl, xss) score 0.00: GET /?q=tea")
	require.Regexp(t, `= ALL +TPR 42\.86 +FPR 0\.00 +4 +3 +BA 71\.43`, out) // 3 of 7 requests

	code, out, errs = eval("--set-aside", "tea.*", "--class", "sqli", items)
	require.Equal(t, 0, code, errs)
	require.Contains(t, out, "TPR 100.00")
	require.Contains(t, out, "set aside: 1 items tea.*")

	code, out, errs = eval("--class", "ssrf", items)
	require.Equal(t, 1, code)
	require.Empty(t, out)
	require.Contains(t, errs, "no item in these files is measured")

	code, _, errs = eval(filepath.Join(dir, "missing"))
	require.Equal(t, 1, code)
	require.Contains(t, errs, "no such file")
}
