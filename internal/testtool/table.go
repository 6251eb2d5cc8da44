package testtool

import (
	"os"
	"strings"
	"testing"
)

// Table holds a page to a generated table in it, which begins with its line of headings; with
// update it writes the table anew.
func Table(t testing.TB, file, table string, update bool) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	head, _, _ := strings.Cut(table, "\n")
	start := strings.Index(page, head)
	if start < 0 {
		t.Fatalf("%s: no table begins with %s", file, head)
	}
	end := start
	for line := range strings.Lines(page[start:]) {
		if !strings.HasPrefix(line, "|") {
			break
		}
		end += len(line)
	}
	if page[start:end] == table {
		return
	}
	if !update {
		t.Fatalf("%s: the table is not what the code says: make golden writes it", file)
	}
	if err := os.WriteFile(file, []byte(page[:start]+table+page[end:]), 0o644); err != nil {
		t.Fatal(err)
	}
}
