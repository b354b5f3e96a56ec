package redis

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/alicebob/miniredis/v2"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe/redisprobe"
)

// Contents returns every key of database 0, sorted: strings as they are, of a
// HyperLogLog its count, and the others as JSON: a hash as an object of its
// fields, a sorted set as one of its members' scores, lists and (sorted) sets as
// arrays, streams as arrays of entries.
func (b *Backend) Contents() []cloud.Content {
	var out []cloud.Content
	mini := b.Miniredis()
	for _, key := range mini.Keys() {
		out = append(out, cloud.Content{Key: key, Value: value(mini, key)})
	}
	return out
}

func value(mini *miniredis.Miniredis, key string) string {
	var v any
	switch mini.Type(key) {
	case "string":
		s, _ := mini.Get(key)
		return s
	case "hash":
		v = hash(mini, key)
	case "list":
		v, _ = mini.List(key)
	case "set":
		v, _ = mini.Members(key)
	case "zset":
		v = scores(mini, key)
	case "stream":
		v, _ = mini.Stream(key)
	case "hll":
		v, _ = mini.PfCount(key)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func hash(mini *miniredis.Miniredis, key string) map[string]string {
	fields, _ := mini.HKeys(key)
	h := make(map[string]string, len(fields))
	for _, f := range fields {
		h[f] = mini.HGet(key, f)
	}
	return h
}

// scores are numbers, but for the infinite ones, which JSON does not have.
func scores(mini *miniredis.Miniredis, key string) map[string]any {
	set, _ := mini.SortedSet(key)
	out := make(map[string]any, len(set))
	for member, score := range set { //wtsim:order a map is built
		if out[member] = score; math.IsInf(score, 0) {
			out[member] = strconv.FormatFloat(score, 'g', -1, 64)
		}
	}
	return out
}

// Answer tells what a blocking command was delivered.
func (b *Backend) Answer(op *event.Operation) string {
	if all := redisprobe.Elements(op.Result.Body); len(all) > 0 {
		return strings.Join(all, ", ")
	}
	return op.Result.Status
}

// Touches reports true: a command's keys are all that it touches. (One that
// names none, or looks through them, is told apart by its resource.)
func (b *Backend) Touches(*event.Operation) bool { return true }
