package sink

import (
	"context"

	"github.com/redis/go-redis/v9"

	"kongwaf/kong/events"
)

// stream appends events to a Redis stream.
type stream struct {
	client redis.UniversalClient
	key    string
	limit  int64
	from   string
	buf    []byte
}

// Redis returns a sink that appends each event to a stream, as the field "event" with the
// event's JSON, beside the field "from" that says which process wrote it, and keeps about limit of
// them. The sink owns the client.
func Redis(client redis.UniversalClient, key string, limit int64, from string) Sink {
	return &stream{client: client, key: key, limit: limit, from: from}
}

// Name implements Sink.
func (s *stream) Name() string { return "redis" }

// Write implements Sink: one trip for the whole batch.
func (s *stream) Write(ctx context.Context, batch []*events.Event) error {
	_, err := s.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		for _, e := range batch {
			s.buf = e.Append(s.buf[:0])
			p.XAdd(ctx, &redis.XAddArgs{Stream: s.key, MaxLen: s.limit, Approx: true,
				Values: []string{"event", string(s.buf[:len(s.buf)-1]), "from", s.from}})
		}
		return nil
	})
	return err
}

// Close implements Sink.
func (s *stream) Close() error { return s.client.Close() }
