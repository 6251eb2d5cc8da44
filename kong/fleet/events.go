package fleet

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"kongwaf/kong/events"
)

// newID names a process among those that share a Redis.
func newID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// Events reads the events of other nodes from the stream that all nodes' sinks write to.
type Events struct {
	client redis.UniversalClient
	key    string
	own    string
	now    func() time.Time
	log    *slog.Logger
}

// NewEvents returns a reader of a stream.
func NewEvents(client redis.UniversalClient, key string, log *slog.Logger) *Events {
	return &Events{client: client, key: key, own: newID(), now: time.Now, log: log}
}

// ID is what the sink of this process is to call itself, so that its events are not read again.
func (s *Events) ID() string { return s.own }

// The reading.
const (
	backlog = 1000                   // events of before the start that are read
	breath  = 100 * time.Millisecond // between full batches: a flood of others is read at 5,000 events a second
)

// Run hands batches of others' events to write until ctx is done. What is no event is passed
// over. Troubles are logged when they begin and when they end.
func (s *Events) Run(ctx context.Context, write func(context.Context, []*events.Event) error) {
	last, away, pause := "", false, firstPause
	for ctx.Err() == nil {
		var err error
		if last == "" {
			last, err = s.backlog(ctx, write)
		} else {
			last, err = s.next(ctx, last, write)
		}
		if err == nil {
			if pause = firstPause; away {
				away = false
				s.log.Info("the fleet's events arrive again")
			}
			continue
		}
		if ctx.Err() == nil && !away {
			away = true
			s.log.Error("the fleet's events do not arrive; this node's own do", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, longPause)
	}
}

// backlog reads the newest events of before the start.
func (s *Events) backlog(ctx context.Context, write func(context.Context, []*events.Event) error) (last string, err error) {
	messages, err := s.client.XRevRangeN(ctx, s.key, "+", "-", backlog).Result()
	if err != nil || len(messages) == 0 {
		return "0-0", err
	}
	slices.Reverse(messages)
	return messages[len(messages)-1].ID, s.hand(ctx, messages, write)
}

// next waits for events behind an id.
func (s *Events) next(ctx context.Context, last string, write func(context.Context, []*events.Event) error) (string, error) {
	streams, err := s.client.XRead(ctx, &redis.XReadArgs{Streams: []string{s.key, last}, Count: batch, Block: blocked}).Result()
	if errors.Is(err, redis.Nil) {
		return last, nil
	}
	if err != nil {
		return last, err
	}
	for _, stream := range streams {
		if len(stream.Messages) == 0 {
			continue
		}
		last = stream.Messages[len(stream.Messages)-1].ID
		if err := s.hand(ctx, stream.Messages, write); err != nil {
			return last, err
		}
		if len(stream.Messages) == batch {
			select {
			case <-time.After(breath):
			case <-ctx.Done():
			}
		}
	}
	return last, nil
}

// hand hands on what is an event of somebody else.
func (s *Events) hand(ctx context.Context, messages []redis.XMessage, write func(context.Context, []*events.Event) error) error {
	var list []*events.Event
	for _, m := range messages {
		if m.Values["from"] == s.own {
			continue
		}
		text, _ := m.Values["event"].(string)
		if e, err := events.Foreign([]byte(text), s.now()); err == nil {
			list = append(list, e)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return write(ctx, list)
}
