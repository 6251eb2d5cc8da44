package gateway

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// The sizes of pages, as in Kong.
const (
	adminPage    = 100
	adminMaxPage = 1000
)

// Admin returns the part of Kong's Admin API that a plugin server reads, and no more: /status,
// /consumers and /key-auths of a DB-less Kong, GET only. It shows keys, so it is for the plugin
// server alone.
func (g *Gateway) Admin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		writeAdmin(w, http.StatusOK, map[string]any{"configuration_hash": g.configHash(), "database": map[string]any{"reachable": true}})
	})
	mux.HandleFunc("GET /consumers", func(w http.ResponseWriter, r *http.Request) { g.page(w, r, g.adminConsumers()) })
	mux.HandleFunc("GET /key-auths", func(w http.ResponseWriter, r *http.Request) { g.page(w, r, g.adminKeys()) })
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		writeAdmin(w, http.StatusNotFound, map[string]any{"message": "Not found"})
	})
	return mux
}

// configHash stands for the hash of the configuration, which is the same as long as the gateway
// lives.
func (g *Gateway) configHash() string { return strings.ReplaceAll(g.nodeID, "-", "") }

func (g *Gateway) adminConsumers() (rows []any) {
	for _, c := range g.opts.Config.Consumers {
		rows = append(rows, map[string]any{"id": c.ID, "username": orNull(c.Username), "custom_id": orNull(c.CustomID), "tags": tagsOrNull(c.Tags), "created_at": g.created, "updated_at": g.created})
	}
	return rows
}

func (g *Gateway) adminKeys() (rows []any) {
	for _, c := range g.opts.Config.Consumers {
		for _, k := range c.Keys {
			row := map[string]any{"id": k.ID, "key": k.Key, "consumer": map[string]any{"id": c.ID}, "tags": tagsOrNull(k.Tags), "created_at": g.created}
			if k.TTL > 0 {
				left := g.created + int64(k.TTL) - g.opts.Now().Unix()
				if left <= 0 {
					continue
				}
				row["ttl"] = left
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// page answers with a page of a list, as Kong does: {"data": [...], "next": "/key-auths?offset=..."}.
func (g *Gateway) page(w http.ResponseWriter, r *http.Request, rows []any) {
	q := r.URL.Query()
	size, err := strconv.Atoi(q.Get("size"))
	switch {
	case q.Get("size") == "":
		size = adminPage
	case err != nil || size < 1 || size > adminMaxPage:
		writeAdmin(w, http.StatusBadRequest, map[string]any{"message": "size must be an integer between 1 and 1000"})
		return
	}
	from, err := strconv.Atoi(q.Get("offset"))
	if q.Get("offset") != "" && (err != nil || from < 0) {
		writeAdmin(w, http.StatusBadRequest, map[string]any{"message": "invalid offset"})
		return
	}
	from = min(from, len(rows))
	to := min(from+size, len(rows))
	answer := map[string]any{"data": append([]any{}, rows[from:to]...), "next": nil}
	if to < len(rows) {
		answer["next"], answer["offset"] = r.URL.Path+"?offset="+strconv.Itoa(to), strconv.Itoa(to)
	}
	writeAdmin(w, http.StatusOK, answer)
}

func writeAdmin(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func tagsOrNull(tags []string) any {
	if len(tags) == 0 {
		return nil
	}
	return tags
}
