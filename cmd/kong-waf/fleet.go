package main

import (
	"context"
	"log/slog"
	"sync"

	"github.com/redis/go-redis/v9"

	"kongwaf/kong/console"
	"kongwaf/kong/fleet"
	"kongwaf/kong/lists"
)

// stream returns the key of the stream of events, "" for none.
func (s *settings) stream() string {
	switch {
	case s.Redis.Address == "" || s.Events.RedisStream == "off":
		return ""
	case s.Events.RedisStream == "":
		return s.Redis.Prefix + ":events"
	}
	return s.Events.RedisStream
}

// share is what this node has in common with others. A nil one is a node by itself.
type share struct {
	client redis.UniversalClient
	lists  *fleet.Lists  // nil if they are not shared
	events *fleet.Events // nil if those of others are not read
}

// share returns what is to be shared, nil if there is no Redis.
func (s *settings) share(logger *slog.Logger) (*share, error) {
	if s.Redis.Address == "" {
		return nil, nil
	}
	client, err := s.Redis.client()
	if err != nil {
		return nil, err
	}
	f := &share{client: client}
	if s.Reputation.Share {
		f.lists = fleet.NewLists(client, s.Redis.Prefix, logger)
	}
	if key := s.stream(); key != "" && s.Console.Fleet && s.Console.Listen != "off" {
		f.events = fleet.NewEvents(client, key, logger)
	}
	return f, nil
}

// publish returns who is to be told of changes of lists, nil if nobody is.
func (f *share) publish() func(lists.Change) {
	if f == nil || f.lists == nil {
		return nil
	}
	return f.lists.Publish
}

// id is what this process calls itself in the stream of events.
func (f *share) id() string {
	if f == nil || f.events == nil {
		return ""
	}
	return f.events.ID()
}

// run shares until ctx is done.
func (f *share) run(ctx context.Context, keeper *lists.Keeper, history *console.Store) {
	if f == nil {
		return
	}
	defer context.AfterFunc(ctx, func() { _ = f.client.Close() })() // ends what waits for Redis
	var wg sync.WaitGroup
	if f.lists != nil {
		wg.Go(func() { f.lists.Run(ctx, keeper) })
	}
	if f.events != nil && history != nil {
		wg.Go(func() { f.events.Run(ctx, history.Write) })
	}
	wg.Wait()
}
