package admin

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// KeyAuth is one of Kong's key-auth credentials. Key is a secret: never print it.
type KeyAuth struct {
	ID, Key, ConsumerID string
	// Expires is when it ends, the zero time if never. Kong says how long it still lasts.
	Expires time.Time
	Tags    []string
}

// Mark names a state of Kong's credentials. The zero value is no state.
type Mark struct {
	Config string // hash of a DB-less Kong's whole configuration
	ETag   string // of a list of one page
}

// emptyConfig is the hash of a DB-less Kong that has not been given its configuration yet.
const emptyConfig = "00000000000000000000000000000000"

// ErrNoConfig says that Kong has just started and has no configuration yet: that it knows no
// credentials is no news.
var ErrNoConfig = errors.New("no configuration in Kong yet")

// page is a page of a list.
type page struct {
	Data *[]*struct {
		ID       string `json:"id"`
		Key      string `json:"key"`
		Consumer *struct {
			ID string `json:"id"`
		} `json:"consumer"`
		TTL  *float64 `json:"ttl"`
		Tags []string `json:"tags"`
	} `json:"data"`
	Next *string `json:"next"`
}

// KeyAuths calls each for every key-auth credential, page by page, unless nothing has changed
// since the mark: a DB-less Kong tells by the hash of its configuration, others by an ETag if
// they send one. Now is the time from which Kong's "still so many seconds" count.
func (c *Client) KeyAuths(ctx context.Context, since Mark, now time.Time, each func(KeyAuth)) (mark Mark, changed bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.settings.Timeout)
	defer cancel()
	config := c.configHash(ctx)
	switch {
	case config == emptyConfig:
		return since, false, ErrNoConfig
	case config != "" && config == since.Config:
		return since, false, nil
	}
	r := reading{client: c, now: now, each: each, seen: map[string]bool{}}
	etag := since.ETag
	for offset := ""; ; {
		next, tag, same, err := r.page(ctx, offset, etag)
		if err != nil {
			return since, false, err
		}
		if same {
			return since, false, nil
		}
		if etag = ""; next == "" {
			mark = Mark{Config: config}
			if offset == "" {
				mark.ETag = tag
			}
			return mark, true, nil
		}
		offset = next
	}
}

// configHash returns the hash of a DB-less Kong's configuration, "" of another one. A token
// that may read credentials need not be one that may read this.
func (c *Client) configHash(ctx context.Context) string {
	var status struct {
		Hash string `json:"configuration_hash"`
	}
	if _, _, err := c.get(ctx, "/status", nil, "", &status); err != nil {
		return ""
	}
	return status.Hash
}

// reading is the reading of one list, with what it has cost so far.
type reading struct {
	client       *Client
	now          time.Time
	each         func(KeyAuth)
	seen         map[string]bool // offsets
	count, empty int
}

const list = "/key-auths"

// page reads one page and returns the offset of the next one, "" behind the last. Same says
// that nothing has changed since the etag.
func (r *reading) page(ctx context.Context, offset, etag string) (next, tag string, same bool, err error) {
	query := url.Values{"size": {fmt.Sprint(pageSize)}}
	if offset != "" {
		query.Set("offset", offset)
	}
	var p page
	tag, same, err = r.client.get(ctx, list, query, etag, &p)
	if err != nil || same {
		return "", tag, same, err
	}
	if p.Data == nil {
		return "", "", false, fmt.Errorf("%s: the answer has no data: is this Kong's Admin API?", list)
	}
	for _, row := range *p.Data {
		if row == nil {
			continue // expired while Kong wrote the page
		}
		k := KeyAuth{ID: row.ID, Key: row.Key, Tags: row.Tags}
		if row.Consumer != nil {
			k.ConsumerID = row.Consumer.ID
		}
		if row.TTL != nil {
			k.Expires = r.now.Add(time.Duration(min(*row.TTL, maxTTL) * float64(time.Second)))
		}
		r.each(k)
	}
	if r.empty++; len(*p.Data) > 0 {
		r.empty = 0
	}
	if r.count += len(*p.Data); r.count > r.client.most {
		return "", "", false, fmt.Errorf("%s: more than %d credentials", list, r.client.most)
	}
	if p.Next == nil || *p.Next == "" {
		return "", tag, false, nil
	}
	next, err = r.client.offsetOf(*p.Next)
	switch {
	case err != nil:
	case r.seen[next], len(r.seen) >= maxPages, r.empty >= maxEmptyPages:
		err = fmt.Errorf("%s: pages without an end", list)
	}
	r.seen[next] = true
	return next, "", false, err
}

// maxTTL is the longest ttl that Kong takes, in seconds.
const maxTTL = 100_000_000

// offsetOf returns the offset in a link to the next page. The link itself is not followed:
// whoever answers does not choose where the token goes.
func (c *Client) offsetOf(link string) (string, error) {
	u, err := url.Parse(link)
	if err != nil {
		return "", fmt.Errorf("%s: the link to the next page is no URL", list)
	}
	if u.Host != "" && (u.Host != c.base.Host || u.Scheme != c.base.Scheme) || !strings.HasSuffix(u.Path, list) {
		return "", fmt.Errorf("%s: the link to the next page leads elsewhere: not followed", list)
	}
	offset := u.Query().Get("offset")
	if offset == "" {
		return "", fmt.Errorf("%s: the link to the next page has no offset", list)
	}
	return offset, nil
}
