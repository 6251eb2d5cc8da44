package events

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// maxLine is how long a line may be that is read, in bytes. Bound keeps events far below.
const maxLine = 256 << 10

// ErrLine says that a line is no event. It does not hold the line, which may be anything.
type ErrLine struct {
	Number int // from 1
	Err    error
}

// Error implements error.
func (e *ErrLine) Error() string { return fmt.Sprintf("line %d: %v", e.Number, e.Err) }

// ReadLines calls visit for each event of a text of JSON lines, which may be compressed with
// gzip as rotated files are, and bad for each line that is none. Blank lines are none either,
// but nobody's fault. An error says that the text ends early, or is no gzip after all.
func ReadLines(in io.Reader, visit func(*Event), bad func(*ErrLine)) error {
	lines := bufio.NewReaderSize(in, 64<<10)
	if head, _ := lines.Peek(2); len(head) == 2 && head[0] == 0x1f && head[1] == 0x8b {
		z, err := gzip.NewReader(lines)
		if err != nil {
			return err
		}
		defer z.Close()
		lines = bufio.NewReaderSize(z, 64<<10)
	}
	var line []byte
	for number := 1; ; number++ {
		line = line[:0]
		long := false
		var err error
		for {
			var part []byte
			part, err = lines.ReadSlice('\n')
			if long = long || len(line)+len(part) > maxLine; !long {
				line = append(line, part...)
			}
			if !errors.Is(err, bufio.ErrBufferFull) {
				break
			}
		}
		switch text := bytes.TrimSpace(line); {
		case long:
			bad(&ErrLine{number, fmt.Errorf("longer than %d bytes", maxLine)})
		case len(text) > 0:
			if e, why := parseLine(text); why != nil {
				bad(&ErrLine{number, why})
			} else {
				visit(e)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return &ErrLine{number, err}
		}
	}
}

// parseLine parses a line that may be anything.
func parseLine(line []byte) (*Event, error) {
	if line[0] != '{' {
		return nil, errors.New("not a JSON object")
	}
	e, err := Parse(line)
	switch {
	case err != nil:
		return nil, err
	case e.Name != Name:
		return nil, fmt.Errorf("not an event: event.name is not %s", Name)
	case e.Time.IsZero():
		return nil, errors.New("not an event: no timestamp")
	}
	return e, nil
}
