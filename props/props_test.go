package props

import (
	"errors"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/event"
)

var (
	charged   = On("CHARGED", "order")
	cancelled = On("CANCELLED").Binding("order", "order_id")
	always    = func(event.Data) bool { return true }
)

// Each mistake is told in words that begin with the property's name.
func TestValidate(t *testing.T) {
	all := ForAll("order")
	from := From("new")
	for want, p := range map[string]*Property{
		`property "": no name`: AtMostOnce("", charged),
		`property "p": no states, wanted a rule for the state to start in`:                          all.Machine("p"),
		`property "p": variable "a" is declared twice or has no name`:                               ForAll("a", "a").Machine("p", from),
		`property "p": variable "" is declared twice or has no name`:                                ForAll("").Machine("p", from),
		`property "p": a state has no name`:                                                         all.Machine("p", From("")),
		`property "p": state "violated" is absorbing, wanted no rule for it`:                        all.Machine("p", from, From(Violated)),
		`property "p": every state is violated at the end, wanted some states`:                      all.Machine("p", from, FromAny().ViolatedAtEnd()),
		`property "p": a letter has no event type`:                                                  all.Machine("p", from.On(On("")).Stay()),
		`property "p": "A" binds unknown variable "ordr", wanted one of "order"`:                    all.Machine("p", from.On(On("A", "ordr")).Stay()),
		`property "p": "A" binds unknown variable "order", wanted none`:                             ForAll().Machine("p", from.On(On("A", "order")).Stay()),
		`property "p": "A" binds variable "order" twice`:                                            all.Machine("p", from.On(On("A", "order").Binding("order", "x")).Stay()),
		`property "p": the guard "cheap" of "CHARGED" is nil, wanted a function`:                    all.Machine("p", from.On(charged.When("cheap", nil)).Stay()),
		`property "p": state "new" on "CHARGED" leads to undefined state "payed"`:                   all.Machine("p", from.On(charged).To("payed")),
		`property "p": any other state on "CHARGED" leads to undefined state "payed"`:               all.Machine("p", from, FromAny().On(charged).To("payed")),
		`property "p": state "new" has two transitions on "CHARGED", and the first is always taken`: all.Machine("p", from.On(charged).Stay().On(charged.When("x", always)).To(Violated)),
		`property "p": CHARGED(order) binds "order", which PAID does not; leave it out to mean any`: Precedes("p", charged, On("PAID")),
		`property "p": PAID(user) binds "user", which CHARGED(order) does not; leave it out to m`:   Eventually("p", charged, On("PAID", "user")),
		`property "p": state "waiting" has two transitions on "CHARGED"`:                            Precedes("p", charged, charged),
		`property "p": "other" is an event type and stands for all others, wanted one of the two`:   all.Machine("p", from.On(On("other")).Stay().On(Other()).Stay()),
		`property "p": the check is nil, wanted a function`:                                         AtQuiescence("p", nil),
		`property "": no name, wanted words that say what must hold`:                                AtQuiescence("", nil),
	} {
		if err := p.Validate(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		if p.Automaton() != nil {
			t.Errorf("%s: an automaton of what is not valid", want)
		}
	}
}

// A guarded transition may share its event type with later ones: the first
// that fits is taken.
func TestFirstFittingTransition(t *testing.T) {
	free := func(d event.Data) bool { v, _ := d.Get("amount"); return v.Equal(event.Int(0)) }
	p := ForAll("order").Machine("p",
		From("a").On(charged.When("free", free)).To("b").On(charged).To("c"),
		From("b"), From("c"))
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	a := p.Automaton()
	et := &a.Events[0]
	for amount, want := range map[int64]string{0: "b", 1: "c"} {
		d := event.Data{{Name: "amount", Value: event.Int(amount)}}
		if got := a.States[et.Next(StartState, letterOf(t, et, d))]; got != want {
			t.Errorf("amount %d: got state %q, want %q", amount, got, want)
		}
	}
}

// FromAny holds where a state has no transition of its own on the type, and
// never leaves the absorbing states.
func TestFromAny(t *testing.T) {
	p := ForAll("order").Machine("p",
		From("a").On(charged).To("b"),
		From("b").On(charged).Stay(),
		From("c"),
		FromAny().On(charged).To(Violated).On(cancelled).To("c"))
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	a := p.Automaton()
	want := map[string]string{
		"CHARGED a": "b", "CHARGED b": "b", "CHARGED c": Violated, "CHARGED violated": Violated, "CHARGED satisfied": Satisfied,
		"CANCELLED a": "c", "CANCELLED b": "c", "CANCELLED c": "c", "CANCELLED violated": Violated, "CANCELLED satisfied": Satisfied,
	}
	for _, et := range a.Events {
		for s, name := range a.States {
			if got := a.States[et.Next(s, 0)]; got != want[et.Type+" "+name] {
				t.Errorf("%s in %s leads to %s, want %s", et.Type, name, got, want[et.Type+" "+name])
			}
		}
	}
}

// Letters and rules are values: deriving two from one leaves all three apart.
func TestValuesAreNotShared(t *testing.T) {
	base := On("A", "x", "y").Binding("z", "p")
	one, two := base.Binding("a", "q"), base.Binding("b", "r")
	if one.String() != "A(x, y, z=p, a=q)" || two.String() != "A(x, y, z=p, b=r)" {
		t.Errorf("got %v and %v", one, two)
	}
	r := From("s").On(one).Stay().On(two).Stay()
	left, right := r.On(charged).Stay(), r.On(cancelled).Stay()
	if got := left.steps[2].letter.String(); got != "CHARGED(order)" || right.steps[2].letter.event != "CANCELLED" {
		t.Errorf("got %v", got)
	}
}

// Properties say themselves as sentences.
func TestString(t *testing.T) {
	small := charged.When("the amount is small", always).When("the card is new", always)
	for want, p := range map[string]*Property{
		"p: for every order: CHARGED(order) happens at most once":                            AtMostOnce("p", charged),
		"p: for every order: CHARGED(order) never happens after CANCELLED(order=order_id)":   NeverAfter("p", charged, cancelled),
		"p: for every order: CHARGED(order) happens only after CANCELLED(order=order_id)":    Precedes("p", cancelled, charged),
		"p: for every order: CHARGED(order) is followed by DONE before the run is quiescent": Eventually("p", charged, On("DONE")),
		"p: for every order: any other event(order) never happens after CHARGED(order)":      NeverAfter("p", Other("order"), charged),
		"p: DONE happens at most once": AtMostOnce("p", On("DONE")),
		"p: for every order: CHARGED(order) when the amount is small and the card is new happens at most once":      AtMostOnce("p", small),
		"p: holds of the stores when the run is quiescent":                                                          AtQuiescence("p", func(State) error { return errors.New("no") }),
		`p: in state "a", DONE leads to "b"; in any other state, DONE violates; in state "b", the end of the run v`: ForAll().Machine("p", From("a").On(On("DONE")).To("b"), FromAny().On(On("DONE")).To(Violated), From("b").ViolatedAtEnd()),
	} {
		if got := p.String(); !strings.HasPrefix(got, want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func letterOf(t *testing.T, et *EventType, d event.Data) uint64 {
	t.Helper()
	l, err := et.Letter(&event.Event{Data: d})
	if err != nil {
		t.Fatal(err)
	}
	return l
}
