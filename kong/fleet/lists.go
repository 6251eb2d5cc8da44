package fleet

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"kongwaf/kong/lists"
)

// Bounds on what is kept in Redis and read from it.
const (
	maxShared  = 200_000 // clients in the hash
	maxChanges = 10_000  // changes in the stream; who missed more reads the hash
	maxChange  = 4 << 10 // bytes of one
	queue      = 4096    // changes that wait to be published; what does not fit is found by the next reading of the hash
	batch      = 500     // of what is read or written at once
)

// Timing.
const (
	blocked    = 5 * time.Second // how long a reading waits for something to happen
	firstPause = 200 * time.Millisecond
	longPause  = 5 * time.Second
	cleanEvery = 10 * time.Minute
)

//go:embed publish.lua
var publishSource string

var publishScript = redis.NewScript(publishSource)

// Lists shares a keeper's lists.
type Lists struct {
	client redis.UniversalClient
	keys   []string // hash, stream
	own    string
	queue  chan lists.Change
	full   chan struct{}
	keeper *lists.Keeper
	now    func() time.Time
	log    *slog.Logger
}

// NewLists returns what shares lists under keys that begin with a prefix. Publish may be
// called at once, Run with the keeper comes later.
func NewLists(client redis.UniversalClient, prefix string, log *slog.Logger) *Lists {
	return &Lists{
		client: client, keys: []string{"{" + prefix + "}:lists", "{" + prefix + "}:changes"}, own: newID(), now: time.Now,
		queue: make(chan lists.Change, queue), full: make(chan struct{}, 1), log: log,
	}
}

// Publish tells the other nodes of a change. It never waits.
func (l *Lists) Publish(c lists.Change) {
	select {
	case l.queue <- c:
	default:
		select {
		case l.full <- struct{}{}:
		default:
		}
	}
}

// Run shares the lists until ctx is done. Troubles are logged when they begin and when they end.
func (l *Lists) Run(ctx context.Context, keeper *lists.Keeper) {
	l.keeper = keeper
	pause, away := firstPause, false
	for ctx.Err() == nil {
		err := l.once(ctx, func() {
			if pause = firstPause; away {
				away = false
				l.log.Info("the fleet's lists are shared again")
			}
		})
		if ctx.Err() != nil {
			return
		}
		if err != nil && !away {
			away = true
			l.log.Error("the fleet's lists are not shared; this node goes on by itself", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause/2 + rand.N(pause)):
		}
		pause = min(2*pause, longPause)
	}
}

// once reads all there is, and then follows and publishes changes until something fails.
func (l *Lists) once(ctx context.Context, settled func()) error {
	last, err := l.last(ctx)
	if err != nil {
		return err
	}
	if err := l.settle(ctx); err != nil {
		return err
	}
	settled()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	published := make(chan struct{})
	go func() {
		defer close(published)
		cancel(l.publishing(ctx))
	}()
	err = l.follow(ctx, last)
	cancel(err)
	<-published
	return context.Cause(ctx)
}

// last returns the id of the newest change.
func (l *Lists) last(ctx context.Context) (string, error) {
	newest, err := l.client.XRevRangeN(ctx, l.keys[1], "+", "-", 1).Result()
	if err != nil || len(newest) == 0 {
		return "0-0", err
	}
	return newest[0].ID, nil
}

// settle takes over what Redis knows better, and publishes what it does not know.
func (l *Lists) settle(ctx context.Context) error {
	known := map[string]int64{}
	for cursor := uint64(0); ; {
		pairs, next, err := l.client.HScan(ctx, l.keys[0], cursor, "", batch).Result()
		if err != nil {
			return err
		}
		for i := 0; i+1 < len(pairs) && len(known) < maxShared; i += 2 {
			if c, err := decode(pairs[i+1]); err == nil {
				known[c.Client.String()] = c.Changed.UnixMilli()
				l.apply(c)
			}
		}
		if cursor = next; cursor == 0 {
			break
		}
	}
	var ours []lists.Change
	for _, c := range l.keeper.Changes() {
		if at, ok := known[c.Client.String()]; !ok || at < c.Changed.UnixMilli() {
			ours = append(ours, c)
		}
	}
	for len(ours) > 0 {
		n := min(batch, len(ours))
		if err := l.publish(ctx, ours[:n]); err != nil {
			return err
		}
		ours = ours[n:]
	}
	return nil
}

// follow applies changes as they happen.
func (l *Lists) follow(ctx context.Context, last string) error {
	for ctx.Err() == nil {
		streams, err := l.client.XRead(ctx, &redis.XReadArgs{Streams: []string{l.keys[1], last}, Count: batch, Block: blocked}).Result()
		if errors.Is(err, redis.Nil) {
			continue // nothing happened
		}
		if err != nil {
			return err
		}
		for _, s := range streams {
			for _, m := range s.Messages {
				last = m.ID
				if m.Values["from"] == l.own {
					continue
				}
				text, _ := m.Values["change"].(string)
				if c, err := decode(text); err == nil {
					l.apply(c)
				}
			}
		}
	}
	return ctx.Err()
}

// publishing publishes what waits, and cleans up now and then.
func (l *Lists) publishing(ctx context.Context) error {
	clean := time.NewTimer(rand.N(cleanEvery))
	defer clean.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-l.full: // some changes did not fit
			if err := l.settle(ctx); err != nil {
				return err
			}
		case <-clean.C:
			if err := l.clean(ctx); err != nil {
				return err
			}
			clean.Reset(cleanEvery/2 + rand.N(cleanEvery))
		case c := <-l.queue:
			changes := []lists.Change{c}
			for len(changes) < batch && len(l.queue) > 0 {
				changes = append(changes, <-l.queue)
			}
			if err := l.publish(ctx, changes); err != nil {
				return err // they are found when all is looked at
			}
		}
	}
}

// publish writes changes, each unless Redis knows a later one.
func (l *Lists) publish(ctx context.Context, changes []lists.Change) error {
	args := []any{l.own, maxShared, maxChanges}
	for _, c := range changes {
		text, err := json.Marshal(c.Entry)
		if err != nil {
			return err
		}
		args = append(args, c.Client.String(), c.Changed.UnixMilli(), string(text))
	}
	return publishScript.Run(ctx, l.client, l.keys, args...).Err()
}

// clean removes what has ended from the hash. One node does it at a time.
func (l *Lists) clean(ctx context.Context) error {
	mine, err := l.client.SetNX(ctx, l.keys[0]+":clean", l.own, cleanEvery/2).Result()
	if err != nil || !mine {
		return err
	}
	now := l.now()
	for cursor := uint64(0); ; {
		pairs, next, err := l.client.HScan(ctx, l.keys[0], cursor, "", batch).Result()
		if err != nil {
			return err
		}
		var over []string
		for i := 0; i+1 < len(pairs); i += 2 {
			if c, err := decode(pairs[i+1]); err != nil || c.Over(now) {
				over = append(over, pairs[i])
			}
		}
		if len(over) > 0 {
			if err := l.client.HDel(ctx, l.keys[0], over...).Err(); err != nil {
				return err
			}
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

func (l *Lists) apply(c lists.Change) {
	if err := l.keeper.Apply(c); err != nil {
		l.log.Debug("a change from the fleet was not taken over", "error", err)
	}
}

// decode reads a change: "milliseconds JSON".
func decode(text string) (c lists.Change, err error) {
	if len(text) > maxChange {
		return c, fmt.Errorf("a change of %d bytes", len(text))
	}
	_, entry, _ := strings.Cut(text, " ")
	err = json.Unmarshal([]byte(entry), &c.Entry)
	return c, err
}
