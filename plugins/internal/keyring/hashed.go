package keyring

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"kongwaf/detect/apikey"
)

// hashed is a key as it is written to disk: its hash, and no key. Times are Unix seconds. It is a
// line of JSON.
type hashed struct {
	SHA256     string   `json:"sha256"`
	ID         string   `json:"id,omitempty"`
	Consumer   string   `json:"consumer,omitempty"`
	ConsumerID string   `json:"consumer_id,omitempty"`
	NotBefore  int64    `json:"not_before,omitempty"`
	Expires    int64    `json:"expires,omitempty"`
	Methods    []string `json:"methods,omitempty"`
	Paths      []string `json:"paths,omitempty"`
	Routes     []string `json:"routes,omitempty"`
	Tags       []string `json:"tags,omitempty"`
}

func newHashed(hash string, e *apikey.Entry) hashed {
	h := hashed{SHA256: hash, ID: e.ID, Consumer: e.Consumer, ConsumerID: e.ConsumerID, NotBefore: unix(e.NotBefore), Expires: unix(e.Expires), Tags: e.Tags}
	if e.Scope != nil {
		h.Methods, h.Paths, h.Routes = e.Scope.Methods, e.Scope.Paths, e.Scope.Routes
	}
	return h
}

func (h *hashed) credential() apikey.Credential {
	c := apikey.Credential{KeySHA256: h.SHA256, Entry: apikey.Entry{
		ID: h.ID, Consumer: h.Consumer, ConsumerID: h.ConsumerID, NotBefore: when(h.NotBefore), Expires: when(h.Expires), Tags: h.Tags,
	}}
	if s := (apikey.Scope{Methods: h.Methods, Paths: h.Paths, Routes: h.Routes}); !s.Empty() {
		c.Entry.Scope = &s
	}
	return c
}

// unix returns 0 for the zero time; a time that has a fraction of a second is rounded down.
func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func when(s int64) time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(s, 0).UTC()
}

// writeHashed is what of a set goes to disk.
func writeHashed(set *apikey.Set) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	for key := range set.All {
		hash := key.Hash()
		if err := enc.Encode(newHashed(hex.EncodeToString(hash[:]), &key.Entry)); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// maxLine bounds a line of what was written to disk, in bytes.
const maxLine = 1 << 20

// readHashed reads it again. Credentials that cannot be used are left out and named.
func readHashed(text []byte) (*apikey.Set, error) {
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, maxLine)
	credentials := make([]apikey.Credential, 0, bytes.Count(text, []byte("\n")))
	for lines.Scan() {
		var h hashed
		if err := json.Unmarshal(lines.Bytes(), &h); err != nil {
			return nil, fmt.Errorf("line %d is no key", len(credentials)+1)
		}
		credentials = append(credentials, h.credential())
	}
	if lines.Err() != nil {
		return nil, errors.New("a line is too long")
	}
	set, err := apikey.New(credentials)
	if err != nil {
		return nil, err
	}
	return set, nil
}
