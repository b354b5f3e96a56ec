package search

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ParseShard reads a part of a search, "2/8": the second of eight.
func ParseShard(text string) (shard, shards int, err error) {
	i, n, _ := strings.Cut(text, "/")
	shard, err1 := strconv.Atoi(i)
	shards, err2 := strconv.Atoi(n)
	if errors.Join(err1, err2) != nil || shard < 1 || shard > shards {
		return 0, 0, fmt.Errorf("is %q, wanted i/n with i from 1 to n, as 2/8", text)
	}
	return shard, shards, nil
}
