package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"kongwaf/detect/reputation"
	"kongwaf/internal/redistest"
	"kongwaf/internal/testtool"
	"kongwaf/kong/events"
	"kongwaf/kong/lists"
	"kongwaf/kong/metrics"
)

// member is a node's lists, shared.
type member struct {
	*lists.Keeper
	shared *Lists
	client redis.UniversalClient
}

// newMember starts a node that shares lists by a Redis.
func newMember(t *testing.T, name string, server *redistest.Server) *member {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	m := &member{client: redis.NewUniversalClient(&redis.UniversalOptions{Addrs: []string{server.Address()}, MaxRetries: -1})}
	m.shared = NewLists(m.client, "t", log)
	m.shared.queue = make(chan lists.Change, 50)
	var err error
	m.Keeper, err = lists.New(lists.Options{Table: reputation.New(20_000, [16]byte{1}), Numbers: metrics.New(), Node: name, Changed: m.shared.Publish, Logger: log,
		Rules: reputation.Rules{Window: time.Minute, First: time.Minute, Longest: time.Hour, Prefix: 64}})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		m.shared.Run(ctx, m.Keeper)
		close(done)
	}()
	t.Cleanup(func() {
		cancel()
		m.client.Close() // ends what waits
		<-done
	})
	return m
}

func (m *member) put(t *testing.T, text string) {
	t.Helper()
	c, err := reputation.Parse(text)
	require.NoError(t, err)
	require.NoError(t, m.Add(reputation.Entry{Client: c, List: reputation.Deny, Until: time.Now().Add(time.Hour)}))
}

func (m *member) has(t *testing.T, n int) {
	t.Helper()
	require.Eventually(t, func() bool { return len(m.Entries()) == n }, 20*time.Second, 5*time.Millisecond, "%d entries", n)
}

// TestFleetLists: more changes at once than can be told one by one arrive all the same; a new
// node learns of all; what has ended is cleaned up by one node only.
func TestFleetLists(t *testing.T) {
	server := redistest.Start(t, testtool.Need(t, "redis-server"))
	a, b := newMember(t, "a", server), newMember(t, "b", server)
	const many = 600 // more than wait to be told
	for n := range many {
		a.put(t, fmt.Sprintf("10.0.%d.%d", n/250, n%250))
	}
	b.has(t, many)
	b.put(t, "consumer:ann")
	a.has(t, many+1)
	newMember(t, "c", server).has(t, many+1)

	client := server.Client()
	defer client.Close()
	ctx := context.Background()
	over, err := json.Marshal(reputation.Entry{Client: reputation.Consumer("gone"), List: reputation.Grey, Until: time.Now().Add(-time.Hour)})
	require.NoError(t, err)
	require.NoError(t, client.HSet(ctx, "{t}:lists", "consumer:gone", "1 "+string(over), "broken", "1 {", "long", strings.Repeat("x", 1<<20)).Err())
	require.NoError(t, a.shared.clean(ctx))
	require.EqualValues(t, many+1, client.HLen(ctx, "{t}:lists").Val())
	require.NoError(t, client.HSet(ctx, "{t}:lists", "broken", "1 {").Err())
	require.NoError(t, b.shared.clean(ctx), "it was done just now")
	require.EqualValues(t, many+2, client.HLen(ctx, "{t}:lists").Val())
	require.LessOrEqual(t, client.XLen(ctx, "{t}:changes").Val(), int64(maxChanges+200))
}

// TestFleetOlderChanges: what Redis knows better is not overwritten, whoever comes late.
func TestFleetOlderChanges(t *testing.T) {
	server := redistest.Start(t, testtool.Need(t, "redis-server"))
	a := newMember(t, "a", server)
	a.put(t, "203.0.113.9")
	client := server.Client()
	defer client.Close()
	ctx := context.Background()
	value := func() string { return client.HGet(ctx, "{t}:lists", "203.0.113.9").Val() }
	require.Eventually(t, func() bool { return value() != "" }, 20*time.Second, time.Millisecond)
	before := value()
	late := lists.Change{Entry: reputation.Entry{Client: a.Entries()[0].Client, List: reputation.Allow, Manual: true, Changed: time.Now().Add(-time.Hour)}}
	require.NoError(t, a.shared.publish(ctx, []lists.Change{late}))
	require.Equal(t, before, value())
	late.Changed = time.Now().Add(time.Second)
	require.NoError(t, a.shared.publish(ctx, []lists.Change{late}))
	require.Contains(t, value(), `"allow"`)
}

// TestFleetEvents: others' events arrive in their order, own ones and what is none do not.
func TestFleetEvents(t *testing.T) {
	server := redistest.Start(t, testtool.Need(t, "redis-server"))
	client := server.Client()
	defer client.Close()
	ctx, cancel := context.WithCancel(context.Background())
	stream := NewEvents(redis.NewUniversalClient(&redis.UniversalOptions{Addrs: []string{server.Address()}}), "e", slog.New(slog.DiscardHandler))
	write := func(from, path string) {
		now := time.Now()
		e := &events.Event{Schema: 1, Name: events.Name, ID: events.NewID(now), Time: now, Action: events.ActionBlocked, Count: 1, Path: path, Node: "b"}
		require.NoError(t, client.XAdd(ctx, &redis.XAddArgs{Stream: "e", Values: []string{"event", string(e.Append(nil)), "from", from}}).Err())
	}
	write("b", "/before")
	got := make(chan string, 100)
	done := make(chan struct{})
	go func() {
		defer close(done)
		stream.Run(ctx, func(_ context.Context, list []*events.Event) error {
			for _, e := range list {
				got <- e.Path
			}
			return nil
		})
	}()
	require.Equal(t, "/before", <-got)
	write(stream.ID(), "/own")
	require.NoError(t, client.XAdd(ctx, &redis.XAddArgs{Stream: "e", Values: []string{"other", "x"}}).Err())
	require.NoError(t, client.XAdd(ctx, &redis.XAddArgs{Stream: "e", Values: []string{"event", strings.Repeat("{", 1<<20)}}).Err())
	write("b", "/1")
	write("c", "/2")
	require.Equal(t, "/1", <-got)
	require.Equal(t, "/2", <-got)
	cancel()
	stream.client.Close()
	<-done
	require.Empty(t, got)
}
