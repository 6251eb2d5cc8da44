package list

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// perLine is about how many bytes a line of a list has.
const perLine = 16

// parseText reads an entry a line. What stands behind # or ; is a comment, in which
// "until 2027-03-31" says when the entry ends.
func parseText(data []byte) ([]Entry, error) {
	entries := make([]Entry, 0, len(data)/perLine)
	number := 0
	for line := range bytes.Lines(data) {
		number++
		comment := []byte(nil)
		if i := bytes.IndexAny(line, "#;"); i >= 0 {
			line, comment = line[:i], line[i+1:]
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		until, err := untilIn(comment)
		if err == nil {
			entries, err = parse(string(line), until, entries)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
	}
	return entries, nil
}

// untilIn finds "until TIME" in a comment.
func untilIn(comment []byte) (time.Time, error) {
	const word = "until"
	for len(comment) > 0 {
		i := bytes.Index(comment, []byte(word))
		if i < 0 {
			break
		}
		alone := i == 0 || !letter(comment[i-1])
		comment = comment[i+len(word):]
		value := bytes.TrimLeft(comment, " \t:=")
		// "until further notice" is prose.
		if alone && len(value) < len(comment) && len(value) > 0 && '0' <= value[0] && value[0] <= '9' {
			if end := bytes.IndexAny(value, " \t\r\n,;)"); end >= 0 {
				value = value[:end]
			}
			return ParseUntil(string(value))
		}
	}
	return time.Time{}, nil
}

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// The names of a CSV's column that says when an entry ends.
var untilColumns = []string{"until", "expires", "expires_at", "expiry", "valid_until"}

// parseCSV reads an entry a row, from the column or the first one that has an address.
func parseCSV(data []byte, column string) ([]Entry, error) {
	r := csv.NewReader(bytes.NewReader(data))
	r.Comma = separator(data)
	r.Comment = '#'
	r.FieldsPerRecord = -1
	r.LazyQuotes = true
	r.TrimLeadingSpace = true
	r.ReuseRecord = true
	at, until := -1, -1
	if n, err := strconv.Atoi(column); err == nil {
		at = n - 1
	}
	var entries []Entry
	for first := true; ; first = false {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return entries, nil
		}
		if err != nil {
			return nil, err
		}
		line, _ := r.FieldPos(0)
		if first {
			named := find(row, column)
			if at < 0 {
				at = named
			}
			for _, name := range untilColumns {
				until = max(until, find(row, name))
			}
			if at < 0 && column != "" {
				return nil, fmt.Errorf("line %d: there is no column %q", line, column)
			}
		}
		if at < 0 {
			at = withAddress(row)
		}
		if at < 0 || at >= len(row) {
			if first {
				continue // a head
			}
			return nil, fmt.Errorf("line %d: there is no address in it", line)
		}
		var ends time.Time
		if until >= 0 && until < len(row) && row[until] != "" && !first {
			if ends, err = ParseUntil(strings.TrimSpace(row[until])); err != nil {
				return nil, fmt.Errorf("line %d: %w", line, err)
			}
		}
		before := len(entries)
		entries, err = parse(strings.TrimSpace(row[at]), ends, entries)
		if err != nil && !(first && before == 0) { // the first row may be a head
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
	}
}

// separator is the first of the usual ones that the first row has.
func separator(data []byte) rune {
	for line := range bytes.Lines(data) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		for _, c := range ",;\t" {
			if bytes.ContainsRune(line, c) {
				return c
			}
		}
		break
	}
	return ','
}

func find(row []string, name string) int {
	for i, cell := range row {
		if name != "" && strings.EqualFold(strings.TrimSpace(cell), name) {
			return i
		}
	}
	return -1
}

func withAddress(row []string) int {
	for i, cell := range row {
		if _, err := parse(strings.TrimSpace(cell), time.Time{}, nil); err == nil {
			return i
		}
	}
	return -1
}
