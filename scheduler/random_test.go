package scheduler

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func faults(names ...string) Decision {
	d := Decision{At: "somewhere", Options: []Option{{}}}
	for _, n := range names {
		d.Options = append(d.Options, Option{Do: n, Fault: true})
	}
	return d
}

// A run deviates at the rates that its seed draws, and at no other.
func TestRates(t *testing.T) {
	const decisions = 4000
	seen := map[float64]bool{}
	for seed := range uint64(60) {
		r := NewRandom(seed)
		if !r.on("a") { // nothing may deviate in this run
			continue
		}
		n := 0
		for i := range decisions {
			d := Decision{At: fmt.Sprint("after ", i), Options: []Option{{}, {Do: "a"}, {Do: "b"}}}
			if r.Choose(&d) != 0 {
				n++
			}
		}
		rate := math.Round(-math.Log2(float64(n) / decisions))
		want := math.Round(-math.Log2(float64(r.scheduling) / (1 << 16)))
		if rate != want {
			t.Errorf("seed %d deviates %d times, wanted a rate of 1/%v", seed, n, math.Exp2(want))
		}
		seen[rate] = true
	}
	if len(seen) != 3 || !seen[1] || !seen[3] || !seen[5] {
		t.Errorf("the rates are 1/2^%v, wanted 1/2, 1/8 and 1/32", seen)
	}
}

// An answer depends on seed, identity and the options' names: not on their
// order, and an option that vanishes moves no other.
func TestRendezvous(t *testing.T) {
	all := []string{"a", "b", "c", "d", "e", "f"}
	rapid.Check(t, func(t *rapid.T) {
		r := NewRandom(rapid.Uint64().Draw(t, "seed"))
		d := faults(rapid.Permutation(all).Draw(t, "order")...)
		d.At = fmt.Sprint("at ", rapid.IntRange(0, 100).Draw(t, "at"))
		chosen := d.Options[r.Choose(&d)].Do
		ordered := faults(all...)
		ordered.At = d.At
		if again := ordered.Options[r.Choose(&ordered)].Do; again != chosen {
			t.Fatalf("in another order %q is chosen, not %q", again, chosen)
		}
		gone := rapid.SampledFrom(all).Draw(t, "gone")
		less := faults(slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == gone })...)
		less.At = d.At
		if now := less.Options[r.Choose(&less)].Do; gone != chosen && now != chosen {
			t.Fatalf("without %q, %q is chosen, not %q", gone, now, chosen)
		}
	})
}

// Every option is chosen by some seed.
func TestEveryOptionHasItsTurn(t *testing.T) {
	chosen := map[string]int{}
	for seed := range uint64(3000) {
		d := faults("a", "b", "c")
		chosen[d.Options[NewRandom(seed).Choose(&d)].Do]++
	}
	for _, name := range []string{"", "a", "b", "c"} {
		if chosen[name] < 20 {
			t.Errorf("%q is chosen %d times of 3000", name, chosen[name])
		}
	}
}

// A replay follows its plan where it can, and names what it could not: an
// identity that did not occur, an option that was not there.
func TestReplay(t *testing.T) {
	plan := Plan{{At: "x", Do: "fail", With: "503"}, {At: "x2", Do: "fail", With: "429"}, {At: "gone", Do: "crash"}}
	r := NewReplay(plan)
	decider := NewDecider(r)
	options := []Option{{}, {Do: "crash", Fault: true}, {Do: "fail", With: "503", Fault: true}}
	for _, at := range []string{"w", "x", "x2"} {
		decider.Choose(Decision{At: at, Options: options})
	}
	decider.Choose(Decision{At: "single", Options: options[:1]})
	if got := text(decider.Plan); got != "x=fail" {
		t.Errorf("followed %q", got)
	}
	if got := text(r.Unmatched()); got != "x2=fail, gone=crash" {
		t.Errorf("unmatched: %q", got)
	}
	if record := decider.Record(); len(record.Decisions) != 3 || record.After != 2 {
		t.Errorf("recorded %d decisions, the last deviation before %d", len(record.Decisions), record.After)
	}
}

// A plan that a person wrote is checked; the first mistake is told with its
// place.
func TestValidate(t *testing.T) {
	known := func(kind string) bool { return kind == "crash" }
	for want, p := range map[string]Plan{
		"": {{At: "a", Do: "crash"}, {At: "b", Do: "crash"}},
		`deviations[1]: "at" is missing, wanted a decision's identity`:               {{At: "a", Do: "crash"}, {Do: "crash"}},
		`deviations[0]: "do" is missing, wanted a deviation kind`:                    {{At: "a"}},
		"deviations[0]: unknown kind \"burn\", wanted one that `wtsim faults` lists": {{At: "a", Do: "burn"}},
		`deviations[1]: "a" has a deviation already, wanted one a decision`:          {{At: "a", Do: "crash"}, {At: "a", Do: "crash"}},
	} {
		if err := p.Validate(known); want == "" && err != nil || want != "" && (err == nil || err.Error() != want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
