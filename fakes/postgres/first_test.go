package postgres_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/postgres"
	"github.com/wtsim/wtsim/fakes/postgres/pgxclient"
	"github.com/wtsim/wtsim/internal/pgserver"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// asked is a source that remembers what it was asked.
type asked struct {
	scheduler.Source
	all []string
}

func (a *asked) Choose(d *scheduler.Decision) int {
	a.all = append(a.all, d.At)
	return a.Source.Choose(d)
}

// The first run on a database, which has no sessions yet, asks what later ones do: on
// the patched runtime also of goroutines.
func TestFirstRun(t *testing.T) {
	pgserver.Need(t)
	for _, seed := range []uint64{6, 7, 8, 9, 10, 16} {
		s, err := sim.Compile(sim.Scenario{
			Name: "first", Platform: gcp.CloudRun().Within(time.Minute),
			Services: []cloud.Service{postgres.New("postgres").With(fmt.Sprintf("CREATE TABLE t%d ()", seed))},
			Functions: []sim.Function{{Name: "f", New: func(env cloud.Env) (cloud.Handler, error) {
				pool, err := pgxclient.Pool(env, "postgres", nil)
				return cloud.HTTP(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = pool.Exec(r.Context(), "SELECT 1") })), err
			}}},
			Clients: []sim.Client{{Name: "c", Requests: []sim.Request{{Function: "f"}}}, {Name: "d", Requests: []sim.Request{{Function: "f"}}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		first, second := &asked{Source: scheduler.NewRandom(seed)}, &asked{Source: scheduler.NewRandom(seed)}
		if a, b := s.Run(first), s.Run(second); a.Hash != b.Hash || !slices.Equal(first.all, second.all) {
			t.Errorf("seed %d: first\n%q\nthen\n%q", seed, first.all, second.all)
		}
	}
}
