package goker

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/wtsim/wtsim/internal/bubble"
	"github.com/wtsim/wtsim/internal/seeded"
	"github.com/wtsim/wtsim/scheduler"
)

// most is how many schedules a kernel gets.
const most = 1000

// beyond are the kernels that no schedule finds, and why.
var beyond = map[string]string{
	"kubernetes81091": "the increments have no point between read and write; -race reports them",
}

// run runs a kernel once: in a bubble, where a source decides which of its
// goroutines goes on. The failure is empty if there is none.
func run(kernel func(*K), source scheduler.Source) (failure string, record *scheduler.Record) {
	recorder, names := scheduler.NewDecider(source), &seeded.Names{}
	choose := func(c seeded.Choice) int {
		d := scheduler.Decision{At: c.Goroutine + "#" + c.Point, Options: make([]scheduler.Option, 1)}
		do := "run-goroutine"
		if c.Select {
			d.At, do = d.At+" select", "select-case"
		}
		for _, other := range c.Others {
			d.Options = append(d.Options, scheduler.Option{Do: do, With: other})
		}
		return recorder.Choose(d)
	}
	_ = bubble.Run(bubble.Options{}, func(beat *bubble.Beat) { // that goroutines remain is told below
		seeded.Goroutine(1)
		go seeded.Chooser(names, choose)
		beat.Wait()
		seeded.Goroutine(1)
		k := &K{}
		seeded.Heir(names.Add("kernel"))
		go kernel(k)
		beat.Wait()
		time.Sleep(time.Minute)
		beat.Wait()
		seeded.Stop()
		if failure = k.Failure(); failure == "" && k.Live() > 0 {
			failure = fmt.Sprintf("%d goroutines never end", k.Live())
		}
	})
	return failure, recorder.Record()
}

// search returns the first schedule of the random strategy in which a kernel
// fails, 0 if there is none.
func search(kernel func(*K), schedules int) (number int, plan scheduler.Plan) {
	for seed := 1; seed <= schedules; seed++ {
		if failure, record := run(kernel, scheduler.NewRandom(uint64(seed))); failure != "" {
			return seed, record.Plan
		}
	}
	return 0, nil
}

func onOneThread(t *testing.T) {
	t.Helper()
	if !seeded.Runtime {
		t.Skip("needs the patched runtime: wtsim test runs it, as make check does")
	}
	before := runtime.GOMAXPROCS(1)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
}

// Every kernel but those known to be beyond is found; what was found shrinks
// to a plan that is followed again to the same failure.
func TestSchedules(t *testing.T) {
	onOneThread(t)
	for _, k := range Kernels() {
		number, plan := search(k.Run, most)
		if why := beyond[k.Name]; (number == 0) != (why != "") {
			t.Errorf("%s: found by schedule %d, wanted otherwise: %s", k.Name, number, why)
		}
		if number == 0 {
			t.Logf("%-16s %-28s not found", k.Name, k.Bug)
			continue
		}
		shrunk := scheduler.Shrink(plan, func(p scheduler.Plan) (*scheduler.Record, bool) {
			failure, record := run(k.Run, scheduler.NewReplay(p))
			return record, failure != ""
		}, nil)
		replay := scheduler.NewReplay(shrunk.Plan)
		if failure, _ := run(k.Run, replay); failure == "" || !shrunk.Minimal || len(replay.Unmatched()) > 0 {
			t.Errorf("%s: replay shows %q, minimal: %v, unmatched: %v", k.Name, failure, shrunk.Minimal, replay.Unmatched())
		}
		t.Logf("%-16s %-28s schedule %d, %d deviations, shrunk to %d", k.Name, k.Bug, number, len(plan), len(shrunk.Plan))
	}
}

// correct are programs in which nothing may be found.
var correct = map[string]func(*K){
	"lock order": func(k *K) {
		var a, b sync.Mutex
		n := 0
		for range 3 {
			k.Go(func() {
				a.Lock()
				defer a.Unlock()
				b.Lock()
				defer b.Unlock()
				n++
			})
		}
	},
	"pipeline": func(k *K) {
		squares, stop := make(chan int), make(chan bool)
		k.Go(func() {
			defer close(squares)
			for i := range 5 {
				select {
				case squares <- i * i:
				case <-stop:
					return
				}
			}
		})
		k.Go(func() {
			defer close(stop)
			sum := 0
			for s := range squares {
				sum += s
			}
			if sum != 30 {
				k.Wrong("the sum is %d, wanted 30", sum)
			}
		})
	},
	"condition": func(k *K) {
		var mu sync.RWMutex
		ready := sync.NewCond(mu.RLocker())
		value := 0
		for range 2 {
			k.Go(func() {
				ready.L.Lock()
				defer ready.L.Unlock()
				for value == 0 {
					ready.Wait()
				}
			})
		}
		k.Go(func() {
			mu.Lock()
			value = 1
			mu.Unlock()
			ready.Broadcast()
		})
	},
	"spinning": func(k *K) {
		var mu sync.Mutex
		done := false
		k.Go(func() {
			for {
				mu.Lock()
				d := done
				mu.Unlock()
				if d {
					return
				}
			}
		})
		k.Go(func() {
			mu.Lock()
			defer mu.Unlock()
			done = true
		})
	},
	"timers": func(k *K) {
		var wg sync.WaitGroup
		var once sync.Once
		for range 3 {
			wg.Add(1)
			time.AfterFunc(time.Second, func() {
				once.Do(func() {})
				wg.Done()
			})
		}
		k.Go(wg.Wait)
	},
}

// Nothing is found in programs that are right.
func TestCorrect(t *testing.T) {
	onOneThread(t)
	for name, f := range correct {
		if number, plan := search(f, most); number != 0 {
			failure, _ := run(f, scheduler.NewReplay(plan))
			t.Errorf("%s: schedule %d fails (%s) with %v", name, number, failure, plan)
		}
	}
}

// The same seed makes the same decisions and the same failure, whatever ran
// before.
func TestRepeats(t *testing.T) {
	onOneThread(t)
	for _, k := range Kernels() {
		for seed := range uint64(20) {
			failure, first := run(k.Run, scheduler.NewRandom(seed))
			run(k.Run, scheduler.Benign{})
			again, second := run(k.Run, scheduler.NewRandom(seed))
			if failure != again || fmt.Sprint(first.Decisions) != fmt.Sprint(second.Decisions) {
				t.Fatalf("%s, seed %d: %q and %q, %d and %d decisions", k.Name, seed, failure, again, len(first.Decisions), len(second.Decisions))
			}
		}
	}
}
