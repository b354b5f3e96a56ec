package sagasim

import (
	"encoding/json"
	"net/http"

	"github.com/wtsim/wtsim/scenarios/patterns/saga"
)

// airline has one seat in each flight. A ticket has the name that its buyer
// gives it.
type airline struct{ buyer map[string]string }

func newAirline() http.Handler { return &airline{map[string]string{}} }

func (a *airline) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var o saga.Order
	if err := json.NewDecoder(r.Body).Decode(&o); err != nil {
		http.Error(w, "no order", http.StatusBadRequest)
		return
	}
	switch a.buyer[o.Flight] {
	case o.Booking:
	case "":
		a.buyer[o.Flight] = o.Booking
		w.WriteHeader(http.StatusCreated)
	default:
		http.Error(w, "sold out", http.StatusConflict)
	}
}
