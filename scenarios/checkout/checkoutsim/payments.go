package checkoutsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
)

// payments is the provider: a charge with an idempotency key that it knows is
// answered as before, with 200 instead of 201.
type payments struct {
	mu      sync.Mutex
	charges int
	byKey   map[string]string
}

func newPayments() http.Handler { return &payments{byKey: map[string]string{}} }

func (p *payments) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.Method != http.MethodPost || r.URL.Path != "/charges" {
		http.NotFound(w, r)
		return
	}
	key := r.Header.Get("Idempotency-Key")
	id, known := p.byKey[key]
	if key == "" || !known {
		p.charges++
		id = fmt.Sprintf("ch-%d", p.charges)
		p.byKey[key] = id
		w.WriteHeader(http.StatusCreated)
	}
	_ = json.NewEncoder(w).Encode(map[string]string{"id": id})
}
