package redis

import (
	"encoding/json"
	"math"
	"strconv"

	"github.com/wtsim/wtsim/probe"
)

// Contents returns every key of database 0, sorted: strings as they are,
// hashes, lists, sets, sorted sets and streams as JSON, of a HyperLogLog its
// count.
func (b *Backend) Contents() []probe.Content {
	var out []probe.Content
	for _, key := range b.mini.Keys() {
		out = append(out, probe.Content{Key: key, Value: b.value(key)})
	}
	return out
}

func (b *Backend) value(key string) string {
	var v any
	switch b.mini.Type(key) {
	case "string":
		s, _ := b.mini.Get(key)
		return s
	case "hash":
		v = b.hash(key)
	case "list":
		v, _ = b.mini.List(key)
	case "set":
		v, _ = b.mini.Members(key)
	case "zset":
		v = b.scores(key)
	case "stream":
		v, _ = b.mini.Stream(key)
	case "hll":
		v, _ = b.mini.PfCount(key)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (b *Backend) hash(key string) map[string]string {
	fields, _ := b.mini.HKeys(key)
	h := make(map[string]string, len(fields))
	for _, f := range fields {
		h[f] = b.mini.HGet(key, f)
	}
	return h
}

// scores are numbers, but for the infinite ones, which JSON does not have.
func (b *Backend) scores(key string) map[string]any {
	set, _ := b.mini.SortedSet(key)
	out := make(map[string]any, len(set))
	for member, score := range set { //wtsim:order a map is built
		if out[member] = score; math.IsInf(score, 0) {
			out[member] = strconv.FormatFloat(score, 'g', -1, 64)
		}
	}
	return out
}
