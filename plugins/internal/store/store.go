// Package store counts calls in Redis, for all gateways that share it: what
// detect/ratelimit's table does within one machine. A decision is one script over all
// limits of a request, all or nothing, by Redis' own clock: a limit of N admits exactly N,
// however many gateways ask. Decisions that are due at the same time share a trip.
//
// # When Redis is away
//
// No decision takes longer than the timeout. After a few failures in a row the store asks
// no more, so that callers do not wait each for themselves; once a second one of them is
// let through to see whether Redis is back. What an unanswered request gets is for the
// caller to say. A decision that was made but whose answer came too late stays counted:
// fewer calls than the limit are admitted then, never more.
//
// # Shares
//
// AllowShared spends calls that this process was granted in a trip before, and makes a trip
// only for more; see detect/ratelimit/share. What is not spent is given back once in a
// period, in batches. A process that dies gives nothing back: what it held stays counted.
//
// # What is kept
//
// One hash for each caller, named by 128 bits of a SHA-256 (no address or key stands in
// Redis in the clear), which expires when nothing in it matters any more; one small key for each
// admitted event, for EventTTL, so that an event which the gateway repeats is not counted
// again. Both share a hash tag, hence a cluster's slot. If Redis forgets, by a restart, an
// eviction, or a failover to a replica that was behind, callers start afresh.
package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"kongwaf/detect/ratelimit"
	"kongwaf/detect/ratelimit/share"
	"kongwaf/internal/redisclient"
)

// EventTTL is how long an admitted event is remembered: longer than a gateway waits for a
// worker that has died to be replaced.
const EventTTL = 15 * time.Second

// The trips: how many can be under way at once, and how many decisions one may hold.
const (
	trips     = 8
	batchSize = 128
)

// The scripts: what they share, and they themselves.
var (
	//go:embed periods.lua
	periods string
	//go:embed allow.lua
	allow string
	//go:embed back.lua
	back string

	allowScript = redis.NewScript(periods + allow)
	backScript  = redis.NewScript(periods + back)
)

// Store decides calls in one Redis. It is safe for concurrent use. See Registry.
type Store struct {
	*shared
}

// shared is what the goroutines of a store know of it.
type shared struct {
	client  redis.UniversalClient
	where   string
	timeout time.Duration
	queue   chan *call
	closed  chan struct{}
	breaker breaker
	shares  shares
}

// call is one script that is waited for.
type call struct {
	script *redis.Script
	keys   []string
	args   []any
	until  time.Time
	answer chan answer
}

type answer struct {
	numbers []int64
	err     error
}

var errTimeout = errors.New("no answer in time")

// open returns a store. Nothing is connected yet.
func open(s redisclient.Settings) (*Store, error) {
	s.Connections = 2 * trips
	client, err := redisclient.New(s)
	if err != nil {
		return nil, err
	}
	inner := &shared{client: client, where: s.Addresses, timeout: s.Timeout, queue: make(chan *call), closed: make(chan struct{})}
	for range trips {
		go inner.run()
	}
	return &Store{shared: inner}, nil
}

// close ends the goroutines and the connections.
func (s *shared) close() {
	close(s.closed)
	_ = s.client.Close()
}

// Key names what is counted, such as a route and an address, in as many parts. ("a", "bc")
// and ("ab", "c") are different.
func Key(parts ...string) string {
	var buf [256]byte
	b := buf[:0]
	for _, part := range parts {
		b = binary.LittleEndian.AppendUint64(b, uint64(len(part)))
		b = append(b, part...)
	}
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// Allow decides a call, and counts it in the windows of all limits if it is allowed. The
// event, made by Key, tells it from all others; one that is found remembered is allowed and
// not counted again. With an empty event nothing is remembered. On an error nobody knows
// whether the call was counted.
func (s *Store) Allow(key string, rule ratelimit.Rule, event string) (ratelimit.Result, error) {
	a, err := s.ask(key, rule, event, 0)
	if err != nil {
		return ratelimit.Result{}, err
	}
	r := ratelimit.Describe(rule, a.Values, a.Now, a.Allowed)
	r.Repeated = a.Repeated
	return r, nil
}

// ask makes a decision in Redis, which counts up to so many more calls if it is allowed.
func (s *Store) ask(key string, rule ratelimit.Rule, event string, more uint64) (share.Answer, error) {
	c := newCall(allowScript, key, rule, int(EventTTL/time.Second), rule.Shape.String(), rule.Burst, max(1, rule.Cost), more)
	if event != "" {
		c.keys = append(c.keys, c.keys[0]+":"+event)
	}
	now := time.Now()
	if err := s.breaker.ask(now); err != nil {
		return share.Answer{}, fmt.Errorf("redis %s: not asked, it was away: %w", s.where, err)
	}
	c.until = now.Add(s.timeout)
	numbers, err := s.wait(c)
	runtime.KeepAlive(s) // a store that nobody holds is closed
	s.breaker.answered(time.Now(), err)
	if err != nil {
		return share.Answer{}, fmt.Errorf("redis %s: %w", s.where, err)
	}
	return answered(rule, numbers)
}

// newCall returns a call of a script on a caller's counters, with a period, a limit and a
// length for each limit after the other arguments.
func newCall(script *redis.Script, key string, rule ratelimit.Rule, args ...any) *call {
	c := &call{script: script, keys: []string{"kong-waf:{" + key + "}"}, args: args, answer: make(chan answer, 1)}
	for p, limit := range rule.Limits {
		if limit > 0 {
			c.args = append(c.args, p, strconv.FormatUint(limit, 10), rule.Spans[p])
		}
	}
	return c
}

// wait hands a call to whoever makes the next trip.
func (s *shared) wait(c *call) ([]int64, error) {
	timer := time.NewTimer(s.timeout)
	defer timer.Stop()
	select {
	case s.queue <- c:
	case <-timer.C:
		return nil, errTimeout
	}
	select {
	case a := <-c.answer:
		return a.numbers, a.err
	case <-timer.C:
		return nil, errTimeout
	}
}

// run makes trips, each with all calls that wait by then.
func (s *shared) run() {
	batch := make([]*call, 0, batchSize)
	for {
		select {
		case c := <-s.queue:
			batch = append(batch[:0], c)
		case <-s.closed:
			return
		}
		for more := true; more && len(batch) < batchSize; {
			select {
			case c := <-s.queue:
				batch = append(batch, c)
			default:
				more = false
			}
		}
		s.trip(batch)
		clear(batch)
	}
}

// trip answers each call of a batch. Redis is sent the script itself only if it does not
// know it, which it says before it does anything.
func (s *shared) trip(batch []*call) {
	ctx, cancel := context.WithDeadline(context.Background(), latest(batch))
	defer cancel()
	unknown := s.send(ctx, batch, (*redis.Script).EvalSha)
	if len(unknown) > 0 {
		for _, c := range s.send(ctx, unknown, (*redis.Script).Eval) {
			c.answer <- answer{err: errors.New("the script is not known")}
		}
	}
}

// send makes one trip and returns the calls that Redis did not know the script of.
func (s *shared) send(ctx context.Context, batch []*call, how func(*redis.Script, context.Context, redis.Scripter, []string, ...any) *redis.Cmd) (unknown []*call) {
	pipe := s.client.Pipeline()
	commands := make([]*redis.Cmd, len(batch))
	for i, c := range batch {
		commands[i] = how(c.script, ctx, pipe, c.keys, c.args...)
	}
	_, err := pipe.Exec(ctx)
	for i, c := range batch {
		numbers, e := commands[i].Int64Slice()
		switch {
		case redis.HasErrorPrefix(e, "NOSCRIPT"):
			unknown = append(unknown, c)
		case commands[i].Err() == nil && commands[i].Val() == nil: // there was no trip
			c.answer <- answer{err: cmp.Or(err, errTimeout)}
		default:
			c.answer <- answer{numbers: numbers, err: e}
		}
	}
	return unknown
}

// latest returns when the last of the calls gives up.
func latest(batch []*call) time.Time {
	var t time.Time
	for _, c := range batch {
		if c.until.After(t) {
			t = c.until
		}
	}
	return t
}

// answered reads what allow.lua returns.
func answered(rule ratelimit.Rule, numbers []int64) (share.Answer, error) {
	const head = 6
	var a share.Answer
	limits := 0
	for _, limit := range rule.Limits {
		limits += int(min(limit, 1))
	}
	if len(numbers) != head+limits {
		return a, fmt.Errorf("redis answered %d numbers: is another program using its keys?", len(numbers))
	}
	next := head
	for p, limit := range rule.Limits {
		if limit == 0 {
			continue
		}
		a.Values[p] = uint64(numbers[next])
		next++
	}
	a.Allowed, a.Repeated = numbers[0] == 1, numbers[1] == 1
	a.Now = time.Unix(numbers[2], numbers[3]*1e6)
	a.More, a.Born = uint64(numbers[4]), numbers[5]
	return a, nil
}
