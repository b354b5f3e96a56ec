package report

import (
	"net/http"
	"strings"

	"github.com/wtsim/wtsim/event"
)

// focus is what a violation is about: what the operations touch that a
// deviation has changed, or whose events violate; and whether one of them
// writes it.
type focus map[spot]bool

// spot is a thing of a service: a key, an object, a row.
type spot struct{ service, name string }

func focusOf(rows []Row) focus {
	f := focus{}
	for i := range rows {
		if r := &rows[i]; r.Operation != nil && (r.Mark == Deviates || r.Witness) {
			for _, s := range spots(r.Operation) {
				f[s] = f[s] || r.Operation.Access&event.Writes != 0
			}
		}
	}
	return f
}

// concerns reports whether an operation conflicts with what the focus is on: who
// reads the story needs both sides, in the order in which they came.
func (f focus) concerns(op *event.Operation) bool {
	if op == nil {
		return false
	}
	for _, s := range spots(op) {
		if written, there := f[s]; there && (written || op.Access&event.Writes != 0) {
			return true
		}
	}
	return false
}

// spots are what an operation touches by name. A POST makes something that has
// no name yet: two of them have no more than their collection in common.
func spots(op *event.Operation) (all []spot) {
	if op.Method == http.MethodPost {
		return nil
	}
	for _, name := range strings.Fields(op.Resource) {
		all = append(all, spot{op.Service, name})
	}
	return all
}
