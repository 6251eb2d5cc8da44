package sink

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/DeRuina/timberjack"

	"kongwaf/kong/events"
)

// lines writes events as lines of JSON.
type lines struct {
	name string
	out  io.WriteCloser
	buf  []byte
}

// File returns a sink that appends to a file. At maxMegabytes the file is renamed and
// compressed, and of those the last keep ones stay: so the disk holds at most about
// maxMegabytes and a tenth of it for each of them.
func File(path string, maxMegabytes, keep int) (Sink, error) {
	// Timberjack opens the file at the first write; whoever may not write there wants to
	// hear of it now.
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640)
	if err != nil {
		return nil, fmt.Errorf("events.file: %w: choose a file in a folder that this user may write to, or off", err)
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	return &lines{name: "file", out: &timberjack.Logger{
		Filename: abs, MaxSize: maxMegabytes, MaxBackups: keep, Compression: "gzip", FileMode: 0o640,
	}}, nil
}

// Stream returns a sink that writes to out, which is not closed: the standard output.
func Stream(name string, out io.Writer) Sink { return &lines{name: name, out: unclosed{out}} }

type unclosed struct{ io.Writer }

func (unclosed) Close() error { return nil }

// Name implements Sink.
func (l *lines) Name() string { return l.name }

// Write implements Sink.
func (l *lines) Write(_ context.Context, batch []*events.Event) error {
	l.buf = l.buf[:0]
	for _, e := range batch {
		l.buf = e.Append(l.buf)
	}
	_, err := l.out.Write(l.buf)
	return err
}

// Close implements Sink.
func (l *lines) Close() error { return l.out.Close() }
