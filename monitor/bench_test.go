package monitor

import (
	"math/rand/v2"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
)

func typical(b *testing.B) *Program {
	p, err := Compile(
		props.AtMostOnce("charged at most once", props.On("CHARGED", "order")),
		props.NeverAfter("nothing after cancel", props.On("SHIPPED", "order"), props.On("CANCELLED", "order")),
		props.Eventually("shipped in the end", props.On("CHARGED", "order"), props.On("SHIPPED", "order")),
	)
	if err != nil {
		b.Fatal(err)
	}
	return p
}

func BenchmarkStart(b *testing.B) {
	p := typical(b)
	b.ReportAllocs()
	for b.Loop() {
		p.Monitor(Options{})
	}
}

// A run of the simulator: a new monitor, three properties, 30 events, the end.
func BenchmarkRun(b *testing.B) {
	p := typical(b)
	var trace []event.Event
	for i := range 30 {
		kind := []string{"CHARGED", "SHIPPED", "SOMETHING_ELSE"}[i%3]
		trace = append(trace, occurred(i, kind, "order", event.Str("o-"+strconv.Itoa(i/3))))
	}
	b.ReportAllocs()
	for b.Loop() {
		m := p.Monitor(Options{})
		for _, e := range trace {
			m.Observe(e)
		}
		m.Quiesce(nil)
	}
}

func consent(t testing.TB) *Program {
	p, err := Compile(props.ForAll("user").Machine("only with consent",
		props.From("no").On(props.On("PROCESSED", "user")).To(props.Violated).On(props.On("CONSENT", "user")).To("yes"),
		props.From("yes").On(props.On("REVOKED", "user")).To("no"),
	))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// testsIV is RealWorld's: only articles that are there are favoured, by users
// that are logged in.
func testsIV(t testing.TB) *Program {
	login, publish, fave := props.On("LOGGED_IN", "user"), props.On("PUBLISHED", "slug"), props.On("FAVED", "slug", "user")
	p, err := Compile(props.ForAll("slug", "user").Machine("tests-iv",
		props.From("neither").On(login).To("user").On(publish).To("article").On(fave).To(props.Violated),
		props.From("user").On(publish).To("both").On(fave).To(props.Violated),
		props.From("article").On(login).To("both").On(fave).To(props.Violated),
		props.From("both").On(fave).To(props.Satisfied),
	))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// One property of one variable, 100 000 live instances.
func BenchmarkObserveOneVariable(b *testing.B) {
	for _, o := range []struct {
		name    string
		options Options
	}{{"witness", Options{}}, {"none", Options{NoWitness: true}}} {
		b.Run(o.name, func(b *testing.B) {
			p := consent(b)
			const users = 100_000
			trace := make([]event.Event, 2*users)
			for i := range users {
				user := event.Str("user-" + strconv.Itoa(i))
				trace[i] = occurred(i, "CONSENT", "user", user)
				trace[users+i] = occurred(i, "PROCESSED", "user", user)
			}
			m := p.Monitor(o.options)
			for _, e := range trace[:users] {
				m.Observe(e)
			}
			b.ReportAllocs()
			spent := cpu()
			i := 0
			for b.Loop() {
				m.Observe(trace[users+i])
				i = (i + 1) % users
			}
			b.ReportMetric(float64(cpu()-spent)/float64(b.N), "cpu-ns/op")
		})
	}
}

func occurred(i int, kind string, param string, value event.Value) event.Event {
	return event.Event{ID: strconv.Itoa(i), Source: "/f/1", Type: kind, Data: event.Data{{Name: param, Value: value}}}
}

// RealWorld's tests-iv: 100 000 users and as many articles, most events name
// one of the two. Events are observed together, and one by one.
func BenchmarkObserveTwoVariables(b *testing.B) {
	p := testsIV(b)
	const n = 100_000
	trace := make([]event.Event, 0, 5*n)
	random := rand.New(rand.NewPCG(1, 2))
	user := func() event.Value { return event.Str("user-" + strconv.Itoa(random.IntN(n))) }
	slug := func() event.Value { return event.Str("an-article-" + strconv.Itoa(random.IntN(n))) }
	for i := range 5 * n {
		switch i % 5 {
		case 0, 1:
			trace = append(trace, occurred(i, "LOGGED_IN", "user", user()))
		case 2, 3:
			trace = append(trace, occurred(i, "PUBLISHED", "slug", slug()))
		case 4:
			e := occurred(i, "FAVED", "slug", slug())
			e.Data = e.Data.With("user", user())
			trace = append(trace, e)
		}
	}
	for _, o := range []struct {
		name    string
		options Options
		batch   int
	}{{"witness", Options{}, 1000}, {"none", Options{NoWitness: true}, 1000}, {"none, one by one", Options{NoWitness: true}, 1}} {
		b.Run(o.name, func(b *testing.B) {
			m := p.Monitor(o.options)
			for i := range n {
				m.Observe(occurred(i, "LOGGED_IN", "user", event.Str("user-"+strconv.Itoa(i))))
				m.Observe(occurred(i, "PUBLISHED", "slug", event.Str("an-article-"+strconv.Itoa(i))))
			}
			b.ReportAllocs()
			spent := cpu()
			i := 0
			for b.Loop() {
				if i++; i%o.batch == 0 {
					m.ObserveAll(trace[(i-o.batch)%len(trace):][:o.batch])
				}
			}
			b.ReportMetric(float64(cpu()-spent)/float64(b.N), "cpu-ns/op")
		})
	}
}

// cpu is the time that this process had a core: what counts on a machine that
// is shared.
func cpu() int64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// The published curve: events of one instance, each alone in its source, all
// within 10 ms; three letters. One operation is 40 such windows.
func BenchmarkSkew(b *testing.B) {
	for _, shape := range []struct {
		name                       string
		concurrent, letters, chain int
	}{
		{"2", 2, 3, 1}, {"4", 4, 3, 1}, {"6", 6, 3, 1}, {"8", 8, 3, 1}, {"10", 10, 3, 1}, {"12", 12, 3, 1}, {"14", 14, 3, 1}, {"16", 16, 3, 1},
		{"30", 30, 3, 1}, {"60", 60, 3, 1}, {"100", 100, 3, 1}, {"200", 200, 3, 1},
		{"60 of 5 letters", 60, 5, 1}, {"12 in chains of 3", 12, 3, 3}, {"24 in chains of 3", 24, 3, 3},
	} {
		b.Run(shape.name, func(b *testing.B) {
			one := make([]Input, 1)
			p, trace := windows(b, 40, shape.concurrent, shape.letters, shape.chain)
			b.ReportAllocs()
			for b.Loop() {
				s, err := p.Stream(StreamOptions{Skew: 10 * time.Millisecond})
				if err != nil {
					b.Fatal(err)
				}
				for i := range trace {
					one[0] = Input{Event: trace[i], Line: i}
					s.Push(one)
				}
				if sum := finish(s); sum.Undecided > 0 {
					b.Fatal(sum)
				}
			}
		})
	}
}

// windows returns a property without variables whose letters move a token
// around, and events in windows of 10 ms.
func windows(b *testing.B, n, concurrent, letters, chain int) (*Program, []event.Event) {
	var rules []props.Rule
	for s := range letters + 1 {
		r := props.From(strconv.Itoa(s))
		for l := range letters {
			r = r.On(props.On("E" + strconv.Itoa(l))).To(strconv.Itoa((s*(l+2) + l + 1) % (letters + 1)))
		}
		rules = append(rules, r)
	}
	rules = append(rules, props.FromAny().On(props.On("BAD")).To(props.Violated))
	p, err := Compile(props.ForAll().Machine("token", rules...))
	if err != nil {
		b.Fatal(err)
	}
	var trace []event.Event
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for w := range n {
		for i := range concurrent {
			trace = append(trace, event.Event{
				ID: strconv.Itoa(len(trace)), Source: "s" + strconv.Itoa(i/chain), Type: "E" + strconv.Itoa(i%letters),
				Time: start.Add(time.Duration(w)*time.Second + time.Duration(i)*10*time.Millisecond/time.Duration(concurrent)),
			})
		}
	}
	return p, trace
}
