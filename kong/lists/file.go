package lists

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"kongwaf/detect/reputation"
	"kongwaf/internal/ownfile"
	"kongwaf/kong/metrics"
)

// fileName is the file in the folder: an entry a line.
const fileName = "lists.jsonl"

// Bounds on the file: a line, and the number of lines.
const (
	maxLine  = 4 << 10
	maxLines = 2 * reputation.MaxClients
)

// load reads the file. A line that is no entry is passed over and said once.
func (k *Keeper) load() error {
	if err := os.MkdirAll(k.opt.Folder, 0o750); err != nil {
		return err
	}
	f, err := ownfile.Open(filepath.Join(k.opt.Folder, fileName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(make([]byte, 0, maxLine), maxLine)
	now, bad, first := k.opt.Now(), 0, error(nil)
	for n := 1; lines.Scan() && n <= maxLines; n++ {
		var e reputation.Entry
		err := json.Unmarshal(lines.Bytes(), &e)
		if err == nil && (e.Until.IsZero() || e.Until.After(now)) {
			err = k.opt.Table.Put(now, e)
		}
		if err != nil {
			if bad++; first == nil {
				first = fmt.Errorf("line %d: %w", n, err)
			}
		}
	}
	if err := lines.Err(); err != nil && first == nil {
		first = err
	}
	if first != nil {
		k.opt.Logger.Error("the file of lists is not whole; what could be read holds", "file", f.Name(), "error", first, "lines", bad)
	}
	return nil
}

// save writes the file anew if something has changed: whole, beside the old one, and then in
// its place.
func (k *Keeper) save() error {
	changes := k.opt.Table.Changes()
	if k.opt.Folder == "" || changes == k.saved {
		return nil
	}
	var b bytes.Buffer
	lines := json.NewEncoder(&b)
	for _, e := range k.Entries() {
		if err := lines.Encode(e); err != nil {
			return err
		}
	}
	f, err := os.CreateTemp(k.opt.Folder, fileName+".*")
	if err != nil {
		return err
	}
	_, err = b.WriteTo(f)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(k.opt.Folder, fileName))
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	k.saved = changes
	return nil
}

// saveEvery is how often what has changed is written down, and counted.
const saveEvery = 2 * time.Second

// Run keeps the file and the numbers up to date until ctx is done, and once more then.
func (k *Keeper) Run(ctx context.Context) {
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	said := false
	for {
		k.publish()
		if err := k.save(); err != nil && !said {
			k.opt.Logger.Error("the file of lists cannot be written; it is tried on", "error", err)
			said = true
		} else if err == nil {
			said = false
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if err := k.save(); err != nil {
				k.opt.Logger.Error("the file of lists cannot be written", "error", err)
			}
			return
		}
	}
}

// publish counts the entries for the metrics.
func (k *Keeper) publish() {
	counts := map[[2]string]uint64{}
	for _, list := range []reputation.List{reputation.Allow, reputation.Deny, reputation.Grey} {
		for _, by := range []string{"manual", "automatic"} {
			counts[[2]string{list.String(), by}] = 0
		}
	}
	for _, e := range k.opt.Table.Entries(k.opt.Now()) {
		by := "automatic"
		if e.Manual {
			by = "manual"
		}
		counts[[2]string{e.List.String(), by}]++
	}
	for labels, n := range counts {
		k.opt.Numbers.Number(metrics.ListedClients, labels[0], labels[1]).Set(n)
	}
	stats := k.opt.Table.Stats()
	k.opt.Numbers.Number(metrics.Displaced).Set(stats.Displaced)
	k.opt.Numbers.Number(metrics.Untracked).Set(stats.Untracked)
}
