package probe

import "github.com/wtsim/wtsim/event"

// Guarantee is a promise of a service that applications rely on, and that a
// simulation can take away, to see whether a scenario's properties notice.
type Guarantee struct {
	Name    string // <kind of service>/<what is promised>, e.g. "gcs/preconditions"
	Without string // what becomes of the service without it, in a sentence
	Source  string // the page that promises it; empty where the scenario itself does
	// Used reports whether an operation of the service asks for it. Nil where
	// operations do not show that.
	Used func(*event.Operation) bool
}

// Guarantor is a service whose guarantees can be taken away.
type Guarantor interface {
	Service
	// Guarantees lists them.
	Guarantees() []Guarantee
	// Without returns the service without one of them, by name.
	Without(name string) Service
}
