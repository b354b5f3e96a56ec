// Package nasty_test holds the runtime of `wtsim test` against a scenario
// that is written to be as nasty as possible: its handlers draw everything
// that Go draws at random, and tell it to the outside, where it becomes part
// of the trace.
package nasty_test

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"hash/fnv"
	"hash/maphash"
	"iter"
	"math"
	"math/rand"
	randv2 "math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	gpubsub "cloud.google.com/go/pubsub/v2"
	"github.com/google/uuid"
	goredis "github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/pubsub"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/fakes/web"
	"github.com/wtsim/wtsim/sim"
)

// What a process makes once is a source of its own.
var (
	prices   = table(40)
	salt     = maphash.MakeSeed()
	lucky    = rand.Intn(1000)
	buffers  = sync.Pool{New: func() any { return new(strings.Builder) }}
	lookups  sync.Map
	loadOnce sync.Once
	loaded   map[string]int
)

func table(n int) map[string]int {
	m := map[string]int{}
	for i := range n {
		m[fmt.Sprint("sku-", i)] = i
	}
	return m
}

func scenario() sim.Scenario {
	post := func(name string, paths ...string) sim.Client {
		c := sim.Client{Name: name, Retries: 2}
		for _, p := range paths {
			c.Requests = append(c.Requests, sim.Request{Function: "nasty", Path: p})
		}
		return c
	}
	return sim.Scenario{
		Name:     "nasty",
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{redis.New("redis"), web.New("api.example", newAPI), pubsub.New("pubsub")},
		Functions: []sim.Function{
			{Name: "nasty", New: newHandler},
			{Name: "later", New: newLater, Triggers: []cloud.Trigger{pubsub.Trigger{Topic: "later", Policy: gcp.Policy{KeepFor: time.Minute}}}},
		},
		Clients: []sim.Client{post("alice", "/orders", "/locks"), post("bob", "/workers", "/orders"), post("carol", "/locks")},
	}
}

// newAPI answers with what it draws.
func newAPI() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, randv2.N(1000), order(table(12)))
	})
}

// handler is one function instance: what its invocations share.
type handler struct {
	redis *goredis.Client
	http  *http.Client
	later *gpubsub.Publisher
	start string

	mu    sync.Mutex
	state sync.RWMutex
	once  sync.Once
	cache map[string]string
}

func newHandler(env cloud.Env) (cloud.Handler, error) {
	h := &handler{redis: redis.Client(env, "redis", nil), http: env.HTTPClient(), later: pubsub.Client(env, "pubsub").Publisher("later"),
		start: uuid.NewString(), cache: map[string]string{}}
	return cloud.HTTP(h), h.tell(env.Context(), "constructor", order(prices), lucky, randv2.Uint64())
}

func newLater(env cloud.Env) (cloud.Handler, error) {
	h := &handler{redis: redis.Client(env, "redis", nil)}
	return gcp.OnMessage(func(ctx context.Context, m gcp.Message) error {
		if randv2.N(4) == 0 && m.Attempt < 3 {
			return errors.New("unlucky")
		}
		return h.tell(ctx, "later", string(m.Data), rand.Int(), order(prices))
	}), nil
}

// tell puts what was drawn into an operation's arguments, and so into the
// trace: in full where it is short.
func (h *handler) tell(ctx context.Context, what string, drawn ...any) error {
	text := fmt.Sprint(drawn...)
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(text))
	return h.redis.Set(ctx, what, fmt.Sprintf("%.40s %x", text, sum.Sum64()), 0).Err()
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, err := r.Context(), error(nil)
	switch r.URL.Path {
	case "/locks":
		err = h.locks(ctx)
	case "/workers":
		err = h.workers(ctx)
	default:
		err = h.orders(ctx)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// orders draws between its operations.
func (h *handler) orders(ctx context.Context) error {
	id, text := uuid.NewString(), crand.Text()
	if err := h.tell(ctx, "order:"+id, text, h.start); err != nil {
		return err
	}
	if err := h.tell(ctx, "maps", order(table(100)), kinds(), whileRanging(), order(prices)); err != nil {
		return err
	}
	if err := h.tell(ctx, "draws", rand.Int(), rand.Perm(6), randv2.Uint64(), randv2.N(10), choices(),
		maphash.String(salt, "x"), maphash.String(maphash.MakeSeed(), "x")); err != nil {
		return err
	}
	if err := h.tell(ctx, "lazy", lazy(), pooled(), ranged(), pulled()); err != nil {
		return err
	}
	resp, err := h.http.Post("https://api.example/"+fmt.Sprint(randv2.N(5)), "text/plain", strings.NewReader(text))
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	for sku := range prices { // as many as there are until the draw says stop
		if randv2.N(3) == 0 {
			break
		}
		if err := h.redis.Incr(ctx, "hits:"+sku).Err(); err != nil {
			return err
		}
	}
	_, err = h.later.Publish(ctx, &gpubsub.Message{Data: fmt.Append(nil, randv2.N(1000))}).Get(ctx)
	return err
}

// locks are held across operations and sleeps, by invocations that share an
// instance.
func (h *handler) locks(ctx context.Context) error {
	h.once.Do(func() {
		time.Sleep(time.Millisecond)
		_ = h.tell(ctx, "once", randv2.Uint64())
	})
	h.state.RLock()
	first := order(h.cache)
	time.Sleep(time.Duration(randv2.N(100)) * time.Microsecond)
	h.state.RUnlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.tell(ctx, "locked", first, rand.Int()); err != nil {
		return err
	}
	h.state.Lock()
	defer h.state.Unlock()
	for i := range 12 {
		h.cache[fmt.Sprint(len(h.cache), i)] = "x"
	}
	time.Sleep(20 * time.Microsecond)
	return h.tell(ctx, "cache", order(h.cache))
}

// workers share a channel, timers and a lock; the order in which they get
// what they get is told.
func (h *handler) workers(ctx context.Context) error {
	jobs := make(chan int)
	var mu sync.Mutex
	var got []string
	var wg sync.WaitGroup
	for w := range 5 {
		wg.Go(func() {
			for j := range jobs {
				if randv2.N(2) == 0 {
					time.Sleep(time.Duration(randv2.N(3)) * time.Microsecond)
				}
				_ = h.redis.Incr(ctx, "jobs").Err()
				mu.Lock()
				got = append(got, fmt.Sprint(w, ":", j, ":", rand.Intn(1000)))
				mu.Unlock()
			}
		})
	}
	time.AfterFunc(time.Microsecond, func() {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, fmt.Sprint("timer ", randv2.Uint32()))
	})
	for j := range 20 {
		select {
		case jobs <- j:
		case <-time.After(time.Microsecond):
			got2 := randv2.N(100)
			mu.Lock()
			got = append(got, fmt.Sprint("late ", j, got2))
			mu.Unlock()
		}
	}
	close(jobs)
	wg.Wait()
	return h.tell(ctx, "workers", got)
}

func order[K comparable, V any](m map[K]V) (keys []K) {
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}

type key struct {
	name string
	at   [2]int
}

// kinds are maps of all kinds of keys; of those by address few enough to lie
// in one group.
func kinds() string {
	floats, structs, arrays, anys, bools := map[float64]int{}, map[key]int{}, map[[3]string]int{}, map[any]int{}, map[bool]int{true: 1, false: 0}
	pointers, channels, bytes := map[*int]int{}, map[chan int]int{}, map[byte]int{}
	for i := range 30 {
		floats[math.NaN()], floats[float64(i)/7] = i, i
		structs[key{fmt.Sprint(i), [2]int{i, -i}}] = i
		arrays[[3]string{fmt.Sprint(i), "", "x"}] = i
		anys[i], anys[fmt.Sprint(i)], anys[key{name: fmt.Sprint(i)}] = i, i, i
		bytes[byte(i*i)] = i
		if i < 8 {
			pointers[new(int)], channels[make(chan int)] = i, i
		}
	}
	return fmt.Sprint(values(floats), order(structs), order(arrays), order(anys), order(bools), values(pointers), values(channels), order(bytes))
}

func values[K comparable, V any](m map[K]V) (out []V) {
	for _, v := range m {
		out = append(out, v)
	}
	return out
}

// whileRanging deletes and adds during iteration, over growth.
func whileRanging() (out []int) {
	m := map[int]int{}
	for i := range 60 {
		m[i] = i
	}
	for k := range m {
		out = append(out, k)
		delete(m, (k*7)%60)
		if len(m) < 500 {
			m[1000+k], m[2000+k] = k, k
		}
		if len(out) > 300 {
			break
		}
	}
	clear(m)
	m[1], m[2], m[3] = 1, 2, 3
	return append(out, order(m)...)
}

func choices() (out []int) {
	a, b := make(chan int, 20), make(chan int, 20)
	for i := range 20 {
		a <- i
		b <- -i
	}
	for range 20 {
		select {
		case x := <-a:
			out = append(out, x)
		case x := <-b:
			out = append(out, x)
		}
	}
	return out
}

// lazy is made by the first run of a process that comes by, on whose draws it
// must have no influence. (To range over a map there would have one.)
func lazy() int {
	loadOnce.Do(func() {
		loaded = table(50)
		for i := range 50 {
			lookups.Store(i, i)
		}
	})
	n := 0
	for range order(loaded) {
		n++
	}
	return n
}

func pooled() string {
	b := buffers.Get().(*strings.Builder)
	defer buffers.Put(b)
	was := b.Len()
	fmt.Fprint(b, was)
	if randv2.N(3) == 0 {
		b.Reset()
	}
	return b.String()
}

func ranged() (out []any) {
	lookups.Range(func(k, _ any) bool {
		out = append(out, k)
		return true
	})
	return out
}

// pulled goes through a map by a coroutine.
func pulled() (out []int) {
	next, stop := iter.Pull(func(yield func(int) bool) {
		for _, v := range prices {
			if !yield(v + randv2.N(2)) {
				return
			}
		}
	})
	defer stop()
	for range 10 {
		v, _ := next()
		out = append(out, v)
	}
	return out
}
