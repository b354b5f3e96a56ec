package sim

import (
	"slices"
	"strings"

	"github.com/wtsim/wtsim/cloud"
)

// stores is what the services hold, for properties; it looks when asked.
type stores struct {
	backends []namedBackend
	seen     map[string][]cloud.Content
}

func newStores(b []namedBackend) *stores { return &stores{b, map[string][]cloud.Content{}} }

// kept returns the stores as they are now, which can be asked when the
// backends are closed.
func (s *stores) kept() *stores {
	for _, b := range s.backends {
		s.seen[b.name] = b.backend.Contents()
	}
	return s
}

// Services returns the names of the scenario's services, sorted.
func (s *stores) Services() []string {
	var names []string
	for _, b := range s.backends {
		names = append(names, b.name)
	}
	slices.Sort(names)
	return names
}

func (s *stores) contents(service string) []cloud.Content {
	if c, ok := s.seen[service]; ok {
		return c
	}
	for _, b := range s.backends {
		if b.name == service {
			s.seen[service] = b.backend.Contents()
		}
	}
	return s.seen[service]
}

// Keys returns a service's keys, sorted.
func (s *stores) Keys(service string) []string {
	var keys []string
	for _, c := range s.contents(service) {
		keys = append(keys, c.Key)
	}
	return keys
}

// Get returns what a service holds under a key.
func (s *stores) Get(service, key string) (string, bool) {
	c := s.contents(service)
	i, ok := slices.BinarySearchFunc(c, key, func(c cloud.Content, k string) int { return strings.Compare(c.Key, k) })
	if !ok {
		return "", false
	}
	return c[i].Value, true
}
