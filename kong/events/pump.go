package events

import (
	"context"
	"net"
	"time"
)

// Pump timing.
const (
	foldCheck = time.Second            // how often a window's end is looked for
	drainTime = 200 * time.Millisecond // what arrives so long after the end is still taken
)

// Pump reads events from the connection, a message each, folds them, and hands what is to
// be written to record, until ctx is done and nothing more waits in the connection. Seen, if
// not nil, is told of every event before. Both are called by one goroutine at a time.
func Pump(ctx context.Context, conn net.Conn, folder *Folder, seen, record func(*Event)) error {
	arrived := make(chan *Event, 256)
	ended := make(chan error, 1)
	go func() {
		ended <- Receive(conn, func(e *Event) { arrived <- e })
		close(arrived)
	}()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Now().Add(drainTime)) })
	defer stop()
	tick := time.NewTicker(foldCheck)
	defer tick.Stop()
	for {
		select {
		case e, ok := <-arrived:
			if ok {
				if seen != nil {
					seen(e)
				}
				folder.Add(e, record)
				continue
			}
			folder.Flush(record)
			err := <-ended
			if ctx.Err() != nil {
				return nil
			}
			return err
		case now := <-tick.C:
			folder.Tick(now, record)
		}
	}
}
