package service

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/monitor/stream"
)

// clustered is logs in memory that several processes share.
type clustered struct {
	*memory
	cursors stream.MemoryLogs
}

func (c *clustered) Embedded() bool { return false }
func (c *clustered) Cursor(name string) stream.Log {
	return c.cursors.Log(strings.TrimSuffix(name, "*"))
}

func (c *clustered) join(t *testing.T) (*Service, string) {
	t.Helper()
	s, err := Start(context.Background(), Options{Program: program(t), Shards: 8, Lease: 300 * time.Millisecond, Stream: monitor.StreamOptions{Lateness: time.Second}}, c)
	if err != nil {
		t.Fatal(err)
	}
	return s, listening(t, s)
}

// soon waits until each shard has the one owner that it is to have.
func soon(t *testing.T, all ...*Service) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		right := 0
		for _, s := range all {
			if s.members.alive() != len(all) {
				right--
			}
		}
		for shard := range 8 {
			for _, s := range all {
				others := 0
				for _, o := range all {
					if o != s && o.owned[shard].Load() {
						others++
					}
				}
				if s.owned[shard].Load() && s.members.wanted(shard) && others == 0 {
					right++
				}
			}
		}
		if right == 8 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("among %d processes the shards have not found their owners", len(all))
}

// Processes that come and go share the shards out, and hand them over while
// events come in at each of them: every violation is told once.
func TestMembersShareTheShards(t *testing.T) {
	c := &clustered{memory: &memory{}}
	n := 0
	send := func(base string) {
		t.Helper()
		var body strings.Builder
		for range 200 {
			n++
			fmt.Fprintln(&body, paid(fmt.Sprint(n), fmt.Sprint("o-", n/2), begin.Add(time.Duration(n)*time.Millisecond)))
		}
		if a, text := post(t, base+"/v1/events", body.String(), "Content-Type", lines); a.StatusCode != 202 {
			t.Fatal(a.StatusCode, text)
		}
	}
	a, atA := c.join(t)
	soon(t, a)
	send(atA)
	b, atB := c.join(t)
	send(atA)
	soon(t, a, b)
	send(atB)
	third, atThird := c.join(t)
	send(atB)
	soon(t, a, b, third)
	send(atThird)
	a.Stop()
	send(atB)
	soon(t, b, third)
	third.Stop()
	send(atB)
	soon(t, b)
	if a, text := post(t, atB+"/v1/close", ""); a.StatusCode != 200 || !strings.Contains(text, fmt.Sprintf(`"events":%d,"violations":%d,"malformed":0,"late":0,`, n, n/2-1)) {
		t.Errorf("%d %s, wanted %d events", a.StatusCode, text, n)
	}
	_, text := get(t, atB+"/v1/violations")
	seen := map[string]bool{}
	for line := range strings.Lines(text) {
		id, err := stream.IDOf([]byte(line))
		if err != nil || seen[id.String()] {
			t.Fatalf("%s is told twice, or %v", id, err)
		}
		seen[id.String()] = true
	}
	if len(seen) != n/2-1 {
		t.Errorf("%d violations, wanted %d", len(seen), n/2-1)
	}
	b.Stop()
}
