package check

import (
	"sync"
	"time"

	"kongwaf/detect"
	"kongwaf/plugins/internal/facts"
)

// Consumers remembers which consumers Kong knows, because asking may cost Kong a database
// query. What it says may be consumerTTL old, that there is no such consumer unknownTTL. It is
// safe for concurrent use.
type Consumers struct {
	now     func() time.Time
	mu      sync.RWMutex
	entries map[string]consumerEntry
}

type consumerEntry struct {
	consumer detect.Consumer
	known    bool
	until    time.Time
}

const (
	consumerTTL  = 30 * time.Second
	unknownTTL   = time.Second // a new consumer's key may be known before Kong knows him here
	maxConsumers = 100_000
)

// Load returns the consumer with the id or username; ok is false if Kong knows none.
func (c *Consumers) Load(f *facts.Facts, idOrUsername string) (consumer detect.Consumer, ok bool, err error) {
	now := c.now()
	c.mu.RLock()
	e, found := c.entries[idOrUsername]
	c.mu.RUnlock()
	if found && now.Before(e.until) {
		return e.consumer, e.known, nil
	}
	consumer, ok, err = f.LoadConsumer(idOrUsername)
	if err != nil {
		return detect.Consumer{}, false, err
	}
	ttl := consumerTTL
	if !ok {
		ttl = unknownTTL
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.entries) >= maxConsumers {
		clear(c.entries)
	}
	c.entries[idOrUsername] = consumerEntry{consumer: consumer, known: ok, until: now.Add(ttl)}
	return consumer, ok, nil
}
