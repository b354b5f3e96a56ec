package postgres_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/postgres"
	"github.com/wtsim/wtsim/fakes/postgres/pgxclient"
	"github.com/wtsim/wtsim/internal/pgserver"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// listen holds a lock of the session while it waits for a notification.
func listen(pool *pgxpool.Pool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := pool.AcquireFunc(r.Context(), func(c *pgxpool.Conn) error {
			for _, sql := range []string{"SELECT pg_advisory_lock(7)", "LISTEN jobs"} {
				if _, err := c.Exec(r.Context(), sql); err != nil {
					return err
				}
			}
			within, cancel := context.WithTimeout(r.Context(), 10*time.Second)
			defer cancel()
			_, _ = c.Conn().WaitForNotification(within)
			_, err := c.Exec(r.Context(), "SELECT pg_advisory_unlock(7)")
			return err
		})
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	}
}

func tell(pool *pgxpool.Pool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if _, err := pool.Exec(r.Context(), "WITH job AS (INSERT INTO jobs (at) VALUES (now()) RETURNING id) SELECT pg_notify('jobs', id::text) FROM job"); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	}
}

func jobs() sim.Scenario {
	with := func(handler func(*pgxpool.Pool) http.HandlerFunc) func(cloud.Env) (cloud.Handler, error) {
		return func(env cloud.Env) (cloud.Handler, error) {
			pool, err := pgxclient.Pool(env, "postgres", nil)
			return cloud.HTTP(handler(pool)), err
		}
	}
	return sim.Scenario{
		Name: "jobs", Platform: gcp.CloudRun().Within(time.Minute),
		Services:  []cloud.Service{postgres.New("postgres").Replicated().With("CREATE TABLE jobs (id bigserial PRIMARY KEY, at timestamptz)")},
		Functions: []sim.Function{{Name: "listen", New: with(listen)}, {Name: "tell", New: with(tell)}},
		Clients: []sim.Client{
			{Name: "a", Retries: 1, Requests: []sim.Request{{Function: "listen"}}}, {Name: "b", Retries: 1, Requests: []sim.Request{{Function: "listen"}}},
			{Name: "c", Retries: 1, Requests: []sim.Request{{Function: "tell"}, {Function: "tell"}}},
		},
	}
}

// Notifications, connections that die idle and failovers come in every schedule as in
// the run of it before.
func TestListenInRun(t *testing.T) {
	pgserver.Need(t)
	s, err := sim.Compile(jobs())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for seed := uint64(1); seed <= 60; seed++ {
		a, b := s.Run(scheduler.NewRandom(seed)), s.Run(scheduler.NewRandom(seed))
		if a.Verdict != sim.Held || a.Hash != b.Hash {
			t.Errorf("seed %d: %s %s %s, then %s %s", seed, a.Verdict, a.Why, a.Hash, b.Verdict, b.Hash)
		}
		for i := range a.Steps {
			seen[a.Steps[i].Outcome.Do]++
			if op := a.Steps[i].Operation; op != nil {
				seen[op.Method]++
			}
		}
	}
	t.Log(seen)
	for _, what := range []string{"NOTIFICATION", "LOCK", cloud.Disconnect, cloud.LoseWrites} {
		if seen[what] == 0 {
			t.Errorf("no %s is there: %v", what, seen)
		}
	}
}
