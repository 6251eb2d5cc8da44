package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"kongwaf/kong/events"
)

// TestVerdictPage: the event that docs/verdict.md reads is the one that its request makes, and
// the page explains every key of it that is not about the event itself.
func TestVerdictPage(t *testing.T) {
	text, err := os.ReadFile("../../docs/verdict.md")
	require.NoError(t, err)
	var request, event string
	for _, block := range fence.FindAllStringSubmatch(string(text), -1) {
		switch block[1] {
		case "http":
			request = block[2]
		case "json event":
			event = block[2]
		}
	}
	var want map[string]any
	require.NoError(t, json.Unmarshal([]byte(event), &want))
	var line bytes.Buffer
	require.NoError(t, json.Compact(&line, []byte(event)))
	_, err = events.Parse(line.Bytes())
	require.NoError(t, err)

	s := newSystem(t, `_format_version: "3.0"
services:
  - name: api
    url: ${upstream}
    routes:
      - name: users
        paths: [/users]
        strip_path: false
        plugins:
          - name: waf-detect
            config: {application: shop}
`)
	lines := strings.Split(strings.TrimSpace(request), "\n")
	_, target, _ := strings.Cut(lines[0], " ")
	target, _, _ = strings.Cut(target, " ")
	var headers []string
	for _, header := range lines[1:] {
		name, value, _ := strings.Cut(header, ": ")
		if name != "Host" { // the rig's own
			headers = append(headers, name, value)
		}
	}
	require.Equal(t, 403, s.get(t, target, headers...).Status)
	e := s.events.take(t, 1)[0]
	var got map[string]any
	require.NoError(t, json.Unmarshal(e.Append(nil), &got))
	for key, value := range want {
		require.Contains(t, got, key)
		switch key {
		case "kong_waf.id", "timestamp", "kong_waf.plugin.id", "kong_waf.micros", "kong_waf.request_id":
			continue // other each time
		}
		require.Equal(t, got[key], value, key)
	}
	for key := range want {
		switch key {
		case "kong_waf.schema", "event.name", "kong_waf.id", "timestamp", "kong_waf.micros", "server.address", "network.protocol.version":
			continue
		}
		require.Contains(t, string(text[strings.Index(string(text), "| question |"):]), "`"+key+"`", "the page does not explain a key")
	}
}
