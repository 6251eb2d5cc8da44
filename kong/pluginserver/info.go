package pluginserver

import (
	"encoding/json"
	"fmt"
	"strings"
)

// serverInfo is what Kong reads from the standard output of a plugin server's query_cmd.
type serverInfo struct {
	Protocol   string
	SocketPath string
	Plugins    []pluginInfo
}

type pluginInfo struct {
	Name     string
	Version  string
	Priority int
	Phases   []string
	Schema   json.RawMessage
}

// Info returns the JSON that `kong-waf info NAME` prints for Kong: one plugin's name,
// version, priority, phases and schema. One at a time, since Kong 3.9 reads the first only.
func Info(plugins []Plugin, name, socketPath string) ([]byte, error) {
	names := make([]string, 0, len(plugins))
	for _, p := range plugins {
		if p.Name == name {
			return json.Marshal(serverInfo{
				Protocol:   "ProtoBuf:1",
				SocketPath: socketPath,
				Plugins: []pluginInfo{{
					Name:     p.Name,
					Version:  p.Version,
					Priority: p.Priority,
					Phases:   p.Phases,
					Schema:   p.Schema,
				}},
			})
		}
		names = append(names, p.Name)
	}
	return nil, fmt.Errorf("no plugin %q; there are %s", name, strings.Join(names, ", "))
}
