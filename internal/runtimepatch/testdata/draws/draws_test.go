//go:build wtsim_runtime

// Package draws draws everything that Go draws at random, in a seeded bubble,
// and prints it: the same seed prints the same, in any process.
package draws

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/sha256"
	"fmt"
	"hash/maphash"
	"math"
	"math/rand"
	randv2 "math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	_ "unsafe"
)

//go:linkname wtsimSeed runtime.wtsimSeed
func wtsimSeed(seed uint64)

// atInit is made before any bubble: the same in every process all the same.
var (
	atInit      = rand.Int()
	seedAtInit  = maphash.MakeSeed()
	tableAtInit = numbers(40)
	poolAtInit  sync.Pool
	mapAtInit   sync.Map
	onceAtInit  sync.Once
)

func numbers(n int) map[string]int {
	m := map[string]int{}
	for i := range n {
		m[fmt.Sprint("key-", i)] = i
	}
	return m
}

func TestDraws(t *testing.T) {
	before := numbers(30) // outside of the bubble
	for _, seed := range []uint64{1, 2, 1} {
		var lines []string
		synctest.Test(t, func(t *testing.T) {
			wtsimSeed(seed)
			lines = draws(before)
		})
		text := strings.Join(lines, "\n")
		fmt.Printf("draws of seed %d: %x\n", seed, sha256.Sum256([]byte(text)))
		if os.Getenv("DRAWS") != "" {
			fmt.Println(text)
		}
	}
}

func draws(before map[string]int) (out []string) {
	say := func(name string, v any) { out = append(out, fmt.Sprint(name, ": ", v)) }
	say("table", order(tableAtInit))
	say("before", order(before))
	say("at init", fmt.Sprint(atInit, maphash.String(seedAtInit, "x")))
	say("strings", order(numbers(20)))
	say("few", order(numbers(5)))
	say("ints", ints())
	say("floats", floats())
	say("structs", structs())
	say("interfaces", interfaces())
	say("while ranging", whileRanging())
	say("select", choices())
	say("rand", []any{rand.Int(), rand.Perm(5), randv2.Uint64(), randv2.N(100), randv2.Perm(5)})
	say("maphash", maphash.String(maphash.MakeSeed(), "x"))
	say("comparable", maphash.Comparable(maphash.MakeSeed(), "x"))
	say("key", key())
	say("text", crandText())
	say("pool", pool())
	say("sync.Map", syncMap())
	say("goroutines", goroutines())
	say("timers", timers())
	say("workers", workers())
	say("locks", locks())
	return out
}

func crandText() string { return crand.Text() }

func order[K comparable, V any](m map[K]V) (keys []K) {
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}

func ints() []int {
	m := map[int]bool{}
	for i := range 3000 {
		m[i*i] = true
	}
	return order(m)[:40]
}

func floats() []string {
	m := map[float64]int{}
	for i := range 12 {
		m[math.NaN()] = i
		m[float64(i)/3] = i
	}
	var out []string
	for k, v := range m {
		out = append(out, fmt.Sprint(k, v))
	}
	return out
}

type pair struct {
	a string
	b [2]int
}

func structs() []pair {
	m := map[pair]int{}
	for i := range 30 {
		m[pair{fmt.Sprint(i % 7), [2]int{i, -i}}] = i
	}
	return order(m)
}

func interfaces() []any {
	m := map[any]int{}
	for i := range 10 {
		m[i], m[fmt.Sprint(i)], m[pair{b: [2]int{i}}], m[float32(i)] = i, i, i, i
	}
	return order(m)
}

// whileRanging deletes and adds during iteration.
func whileRanging() (out []int) {
	m := map[int]int{}
	for i := range 100 {
		m[i] = i
	}
	for k := range m {
		out = append(out, k)
		delete(m, (k*7)%100)
		if len(out) < 60 {
			m[1000+k] = k
		}
	}
	clear(m)
	for i := range 10 {
		m[i] = i
	}
	return append(out, order(m)...)
}

func choices() (out []int) {
	a, b, c := make(chan int, 50), make(chan int, 50), make(chan int, 50)
	for range 50 {
		a <- 0
		b <- 1
		c <- 2
	}
	for range 40 {
		select {
		case x := <-a:
			out = append(out, x)
		case x := <-b:
			out = append(out, x)
		case x := <-c:
			out = append(out, x)
		}
	}
	return out
}

// key is made without crypto/rand.Reader's help, from Go 1.26 on.
func key() any {
	k, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	if err != nil {
		return err
	}
	return k.X
}

func pool() (out []any) {
	p := &sync.Pool{New: func() any { return "new" }}
	for _, q := range []*sync.Pool{p, &poolAtInit} {
		out = append(out, q.Get())
		for i := range 10 {
			q.Put(i)
		}
		out = append(out, q.Get(), q.Get())
	}
	return out
}

func syncMap() (out []any) {
	var m sync.Map
	for _, m := range []*sync.Map{&m, &mapAtInit} {
		for i := range 50 {
			m.Store(i, i)
		}
		m.Range(func(k, _ any) bool {
			out = append(out, k)
			return true
		})
	}
	return out
}

func goroutines() []uint64 {
	out := make([]uint64, 20)
	var wg sync.WaitGroup
	for i := range out {
		wg.Go(func() {
			out[i] = randv2.Uint64()
			done := make(chan uint64)
			go func() { done <- randv2.Uint64() }()
			out[i] ^= <-done
		})
	}
	wg.Wait()
	return out
}

// timers fire at one instant.
func timers() (out []string) {
	var mu sync.Mutex
	say := func(s string) {
		mu.Lock()
		defer mu.Unlock()
		out = append(out, s)
	}
	for i := range 8 {
		go func() {
			time.Sleep(time.Second)
			say(fmt.Sprint("slept ", i))
		}()
		time.AfterFunc(time.Second, func() { say(fmt.Sprint("after ", i, randv2.N(1000))) })
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	<-ctx.Done()
	time.Sleep(time.Second)
	mu.Lock()
	defer mu.Unlock()
	return out
}

// workers take jobs from one channel and pass results to another.
func workers() (out []string) {
	jobs, results := make(chan int), make(chan string)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for j := range jobs {
				if randv2.N(2) == 0 {
					time.Sleep(time.Millisecond)
				}
				results <- fmt.Sprint(w, ":", j)
			}
		})
	}
	go func() {
		for j := range 40 {
			jobs <- j
		}
		close(jobs)
		wg.Wait()
		close(results)
	}()
	for r := range results {
		out = append(out, r)
	}
	return out
}

// locks are held across a sleep: without the overlay this never returns.
func locks() (out []int) {
	var mu sync.Mutex
	var rw sync.RWMutex
	var once sync.Once
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			once.Do(func() { time.Sleep(time.Second) })
			rw.RLock()
			time.Sleep(time.Duration(randv2.N(1000)))
			rw.RUnlock()
			mu.Lock()
			defer mu.Unlock()
			time.Sleep(time.Second)
			out = append(out, i)
		})
	}
	wg.Wait()
	if slices.Contains(out, -1) {
		panic("no")
	}
	return out
}
