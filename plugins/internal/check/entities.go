package check

import (
	"sync"
	"time"

	"kongwaf/plugins/internal/facts"
)

// entities remembers the names of routes and services by their ids, because each question
// costs Kong some microseconds of every refused request. What it says may be entityTTL
// old. The zero value is ready; it is safe for concurrent use.
type entities struct {
	mu     sync.RWMutex
	routes map[string]knownRoute
}

type knownRoute struct {
	route, service facts.Entity
	until          time.Time
}

const (
	entityTTL   = time.Minute
	maxEntities = 10_000
)

// of returns the route and the service of an event. RouteID is the route that the plugin
// is attached to, if it is attached to one.
func (e *entities) of(f *facts.Facts, routeID string, now time.Time) (route, service facts.Entity) {
	if routeID != "" {
		if known, ok := e.get(routeID, now); ok {
			return known.route, known.service
		}
	}
	route, serviceID := f.Route()
	if route.ID == "" {
		return facts.Entity{ID: routeID}, facts.Entity{}
	}
	if known, ok := e.get(route.ID, now); ok && known.service.ID == serviceID {
		return route, known.service
	}
	if serviceID != "" {
		service = f.Service()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.routes == nil || len(e.routes) >= maxEntities {
		e.routes = map[string]knownRoute{}
	}
	e.routes[route.ID] = knownRoute{route: route, service: service, until: now.Add(entityTTL)}
	return route, service
}

func (e *entities) get(routeID string, now time.Time) (knownRoute, bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	known, ok := e.routes[routeID]
	return known, ok && now.Before(known.until)
}
