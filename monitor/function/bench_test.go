package function

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/props"
)

// counter counts the commands of a client.
type counter struct{ n int }

func (*counter) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (c *counter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { c.n++; return next(ctx, cmd) }
}

func (c *counter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error { c.n += len(cmds); return next(ctx, cmds) }
}

// paid are events of some orders, numbered on from n.
func paid(n, events, orders int) (all []event.Event) {
	for i := range events {
		e, err := event.Decode(fmt.Appendf(nil, `{"specversion":"1.0","id":"%d","sequence":"%d","source":"s","type":"PAID","time":%q,"data":{"order":"o%d"}}`,
			n+i, n+i, begin.Add(time.Duration(n+i)*time.Millisecond).Format(time.RFC3339Nano), (n+i)%orders))
		if err != nil {
			panic(err)
		}
		all = append(all, e)
	}
	return all
}

func payments(b testing.TB, c *redis.Client) *Function {
	p, err := monitor.Compile(props.AtMostOnce("paid at most once", props.On("PAID", "order")))
	if err != nil {
		b.Fatal(err)
	}
	f, err := New(Options{Program: p, Redis: c, Stream: monitor.StreamOptions{Lateness: time.Second}})
	if err != nil {
		b.Fatal(err)
	}
	return f
}

// What an event costs, by the size of its batch, and by how many events its
// order has.
func BenchmarkBatch(b *testing.B) {
	for _, x := range []struct{ batch, orders int }{{1, 1 << 30}, {10, 1 << 30}, {100, 1 << 30}, {1, 1000}, {100, 1000}} {
		orders := "new orders"
		if x.orders < 1<<30 {
			orders = fmt.Sprintf("of %d orders", x.orders)
		}
		b.Run(fmt.Sprintf("%d events, %s", x.batch, orders), func(b *testing.B) {
			c, ops := realServer(b), &counter{}
			c.AddHook(ops)
			f := payments(b, c)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				if err := f.Take(context.Background(), paid(n, x.batch, x.orders)); err != nil {
					b.Fatal(err)
				}
				n += x.batch
			}
			b.ReportMetric(float64(ops.n)/float64(n), "commands/event")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/event")
		})
	}
}

// How many events a second some instances judge together, in batches of 100, each of
// which pays two orders twice; what they find is what one would.
func BenchmarkInstances(b *testing.B) {
	for _, instances := range []int{1, 2, 4, 8} {
		b.Run(fmt.Sprint(instances), func(b *testing.B) {
			c := realServer(b)
			const batch = 100
			n := 0
			for b.Loop() {
				var running sync.WaitGroup
				for i := range instances {
					running.Go(func() {
						if err := payments(b, c).Take(context.Background(), again(n+i*batch, batch)); err != nil {
							b.Error(err)
						}
					})
				}
				running.Wait()
				n += instances * batch
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
			f := payments(b, c)
			err := f.Close(context.Background(), false)
			s, failed := f.Status(context.Background())
			if err != nil || failed != nil || s.Violations != n/50 || s.Events != n {
				b.Errorf("%+v, %v, %v; one instance finds %d violations in %d events", s, err, failed, n/50, n)
			}
		})
	}
}

// again are events of new orders, of which each 50th was paid before.
func again(from, events int) []event.Event {
	all := paid(from, events, 1<<30)
	for i := 49; i < len(all); i += 50 {
		all[i].Data = all[i-1].Data
	}
	return all
}

// What an event costs of a property whose events have no variable in common, by its
// shares, after a thousand events, in batches of 1 and of 100, by one instance and by four.
func BenchmarkShares(b *testing.B) {
	p, err := monitor.Compile(bought())
	if err != nil {
		b.Fatal(err)
	}
	for _, batch := range []int{1, 100} {
		for _, instances := range []int{1, 4} {
			for _, shares := range []int{1, 4, 16, 64} {
				b.Run(fmt.Sprintf("batch=%d/instances=%d/shares=%d", batch, instances, shares), func(b *testing.B) { benchShares(b, p, batch, instances, shares) })
			}
		}
	}
}

func benchShares(b *testing.B, p *monitor.Program, batch, instances, shares int) {
	c := realServer(b)
	f, err := New(Options{Program: p, Redis: c, Stream: monitor.StreamOptions{Lateness: time.Second}, Shares: shares})
	if err != nil {
		b.Fatal(err)
	}
	busy := atomic.Int64{}
	take := func(from, n int) {
		for err := f.Take(context.Background(), visits(from, n)); err != nil; err = f.Take(context.Background(), visits(from, n)) {
			if busy.Add(1); !errors.Is(err, errBusy) { // who is answered 503 sends again
				b.Error(err)
				return
			}
		}
	}
	const seen = 1000
	take(0, seen)
	n := seen
	for b.Loop() {
		var running sync.WaitGroup
		for i := range instances {
			running.Go(func() { take(n+i*batch, batch) })
		}
		running.Wait()
		n += instances * batch
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n-seen), "ns/event")
	b.ReportMetric(float64(busy.Load()), "busy")
	largest := int64(0)
	for _, key := range c.Keys(context.Background(), "*}/[0-9a-f]*/*").Val() {
		if c.Type(context.Background(), key).Val() == "string" {
			largest = max(largest, c.StrLen(context.Background(), key).Val())
		}
	}
	b.ReportMetric(float64(largest), "bytes/largest")
}

// bought is a property of which no run here is a violation.
func bought() *props.Property {
	return props.ForAll("user", "order").Machine("nothing comes back that was paid after a login",
		props.From("out").On(props.On("LOGGED_IN", "user")).To("in"),
		props.From("in").On(props.On("ORDERED", "user", "order")).To("ordered"),
		props.From("ordered").On(props.On("PAID", "order")).To("paid"),
		props.From("paid").On(props.On("BACK", "order")).To(props.Violated))
}

// visits are logins, orders and payments in turn, of a thousand users and ever new orders.
func visits(from, events int) (all []event.Event) {
	for n := from; n < from+events; n++ {
		data := fmt.Sprintf(`{"user":%d,"order":"o%d"}`, n/3%1000, n/3)
		kind := []string{"LOGGED_IN", "ORDERED", "PAID"}[n%3]
		e, err := event.Decode(fmt.Appendf(nil, `{"specversion":"1.0","id":"%d","sequence":"%d","source":"s","type":%q,"time":%q,"data":%s}`,
			n, n, kind, begin.Add(time.Duration(n)*time.Millisecond).Format(time.RFC3339Nano), data))
		if err != nil {
			panic(err)
		}
		all = append(all, e)
	}
	return all
}

// What an event costs at a place that has seen some, without Redis.
func BenchmarkPlace(b *testing.B) {
	for _, seen := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprint(seen), func(b *testing.B) {
			f := payments(b, redis.NewClient(&redis.Options{}))
			given := share{property: "paid at most once"}
			for _, e := range paid(0, seen, 1) {
				given.inputs = append(given.inputs, monitor.Input{Event: e})
			}
			before := change{}
			if err := f.change(&before, &given); err != nil {
				b.Fatal(err)
			}
			given.inputs = []monitor.Input{{Event: paid(seen, 1, 1)[0]}}
			b.ReportAllocs()
			for b.Loop() {
				c := change{state: before.state}
				if err := f.change(&c, &given); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(before.state)), "bytes/record")
		})
	}
}
