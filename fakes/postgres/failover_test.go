package postgres_test

import (
	"database/sql"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/postgres"
	"github.com/wtsim/wtsim/fakes/postgres/pgxclient"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/internal/pgserver"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// pay books a payment, and then tells somebody else that it has.
func pay(db *sql.DB, receipts *goredis.Client, commit string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id := r.URL.Path[1:]
		tx, err := db.BeginTx(r.Context(), nil)
		if err == nil {
			_, err = tx.ExecContext(r.Context(), "SET LOCAL synchronous_commit = "+commit)
		}
		if err == nil {
			_, err = tx.ExecContext(r.Context(), "INSERT INTO payments VALUES ($1) ON CONFLICT DO NOTHING", id)
		}
		if err == nil {
			err = tx.Commit()
		}
		if err == nil {
			err = receipts.Set(r.Context(), "receipt:"+id, "paid", 0).Err()
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	}
}

func payments(service *postgres.Service, commit string) sim.Scenario {
	return sim.Scenario{
		Name: "payments", Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{service.With("CREATE TABLE payments (id text PRIMARY KEY)"), redis.New("redis")},
		Functions: []sim.Function{{Name: "pay", New: func(env cloud.Env) (cloud.Handler, error) {
			return cloud.HTTP(pay(pgxclient.DB(env, "postgres"), redis.Client(env, "redis", nil), commit)), nil
		}}},
		Clients: []sim.Client{{Name: "ann", Retries: 3, Requests: []sim.Request{{Function: "pay", Path: "/1"}, {Function: "pay", Path: "/2"}}}},
		Properties: []*props.Property{props.AtQuiescence("who has a receipt has paid", func(s props.State) error {
			for _, key := range s.Keys("redis") {
				id := strings.TrimPrefix(key, "receipt:")
				if _, ok := s.Get("postgres", "payments/"+id); !ok {
					return fmt.Errorf("payment %s has a receipt and is lost", id)
				}
			}
			return nil
		})},
	}
}

// A failover to a standby that lags loses a payment with a receipt; where the commit has
// waited for the standby none is lost, unless the session does not want to wait.
func TestFailOverInRun(t *testing.T) {
	pgserver.Need(t)
	for _, test := range []struct {
		name    string
		service *postgres.Service
		commit  string
		found   bool
	}{
		{"asynchronous", postgres.New("postgres").Replicated(), "on", true},
		{"synchronous", postgres.New("postgres").Synchronous(), "remote_apply", false},
		{"not waited for", postgres.New("postgres").Synchronous(), "local", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := sim.Compile(payments(test.service, test.commit))
			if err != nil {
				t.Fatal(err)
			}
			var seen, found int
			for seed := uint64(1); seed <= 40; seed++ {
				r := s.Run(scheduler.NewRandom(seed))
				if again := s.Run(scheduler.NewRandom(seed)); again.Hash != r.Hash {
					t.Fatalf("seed %d: %s, then %s", seed, r.Hash, again.Hash)
				}
				for i := range r.Steps {
					if st := &r.Steps[i]; st.Outcome.Do == cloud.LoseWrites {
						seen++
						if seen == 1 {
							t.Logf("%s %s: %s", st.Identity, st.Outcome.With, st.Status)
						}
					}
				}
				switch r.Verdict {
				case sim.Violated:
					found++
				case sim.Held:
				default:
					t.Fatal(seed, r.Verdict, r.Why)
				}
			}
			if (found > 0) != test.found || (seen > 0) != test.found {
				t.Errorf("%d failovers lose commits, %d runs violate", seen, found)
			}
			t.Logf("%d failovers, %d violations", seen, found)
		})
	}
}
