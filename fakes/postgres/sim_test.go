package postgres_test

import (
	"database/sql"
	"fmt"
	"hash"
	"hash/fnv"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/postgres"
	"github.com/wtsim/wtsim/fakes/postgres/pgxclient"
	"github.com/wtsim/wtsim/internal/pgserver"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

// childVariable makes this test binary print trace hashes instead of running tests.
const childVariable = "WTSIM_TEST_HASHES"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		n, _ := strconv.ParseUint(os.Getenv(childVariable), 10, 64)
		fmt.Print(hashes(n))
		return
	}
	os.Exit(m.Run())
}

const shop = `
CREATE EXTENSION IF NOT EXISTS "uuid-ossp";
CREATE TABLE stock (item text PRIMARY KEY, n int NOT NULL, at timestamptz);
CREATE TABLE orders (id bigserial PRIMARY KEY, item text REFERENCES stock, key uuid DEFAULT gen_random_uuid(), at timestamptz DEFAULT CURRENT_TIMESTAMP, price double precision DEFAULT random(), other uuid DEFAULT uuid_generate_v4());
CREATE TABLE audit (what text, day date DEFAULT CURRENT_DATE);
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit (what) VALUES (TG_OP || ' ' || now()); RETURN NULL; END $$;
CREATE TRIGGER noted AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION noted();
INSERT INTO stock VALUES ('pen', 10, now()), ('ink', 10, now());`

// ten are the statements of a request: ten, with BEGIN and COMMIT.
var ten = []string{
	"UPDATE stock SET n = n - 1, at = now() WHERE item = 'pen'", "SELECT n FROM stock WHERE item = 'pen'", "INSERT INTO orders (item) VALUES ('pen')",
	"SELECT max(key::text) FROM orders", "UPDATE stock SET n = n - 1 WHERE item = 'ink'", "INSERT INTO orders (item) VALUES ('ink')",
	"SELECT item FROM orders", "SELECT n FROM stock WHERE item = 'ink' FOR UPDATE",
}

func buy(db *sql.DB, serializable bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		level := sql.LevelReadCommitted
		if serializable {
			level = sql.LevelSerializable
		}
		tx, err := db.BeginTx(r.Context(), &sql.TxOptions{Isolation: level})
		for _, s := range ten {
			if err == nil {
				_, err = tx.ExecContext(r.Context(), s)
			}
		}
		if err == nil {
			err = tx.Commit()
		} else if tx != nil {
			_ = tx.Rollback()
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	}
}

// stored is a hash of what the last run has stored.
var stored hash.Hash64

// scenario has some customers who buy at the same time.
func scenario(customers int, serializable bool) sim.Scenario {
	s := sim.Scenario{
		Name: "shop", Platform: gcp.CloudRun().Within(time.Minute), Services: []cloud.Service{postgres.New("postgres").With(shop)},
		Functions: []sim.Function{{Name: "buy", New: func(env cloud.Env) (cloud.Handler, error) {
			return cloud.HTTP(buy(pgxclient.DB(env, "postgres"), serializable)), nil
		}}},
		Properties: []*props.Property{props.AtQuiescence("anything goes", func(s props.State) error {
			stored = fnv.New64a()
			for _, key := range s.Keys("postgres") {
				value, _ := s.Get("postgres", key)
				fmt.Fprintln(stored, key, value)
			}
			return nil
		})},
	}
	for i := range customers {
		s.Clients = append(s.Clients, sim.Client{Name: fmt.Sprintf("c%d", i), Retries: 2, Requests: []sim.Request{{Function: "buy"}}})
	}
	return s
}

// hashes runs with some seeds: each twice, with another run between.
func hashes(seeds uint64) string {
	var out strings.Builder
	s, err := sim.Compile(scenario(3, true))
	if err != nil {
		return err.Error() + "\n"
	}
	if r := s.Run(scheduler.Benign{}); r.Verdict != sim.Held {
		return r.Why
	}
	for seed := uint64(1); seed <= seeds; seed++ {
		a := s.Run(scheduler.NewRandom(seed))
		held := stored.Sum64()
		s.Run(scheduler.Benign{})
		b := s.Run(scheduler.NewRandom(seed))
		fmt.Fprintf(&out, "%d: %s %s %d steps, %x\n", seed, a.Verdict, a.Hash, len(a.Steps), held)
		if a.Hash != b.Hash || stored.Sum64() != held {
			fmt.Fprintf(&out, "%d: again %s\n", seed, b.Hash)
			for i := range min(len(a.Steps), len(b.Steps)) {
				if x, y := a.Steps[i], b.Steps[i]; x.Identity != y.Identity || x.Status != y.Status || string(x.Operation.Result.Body) != string(y.Operation.Result.Body) {
					fmt.Fprintf(&out, "  %s %s, %s %s\n", x.Identity, x.Status, y.Identity, y.Status)
					break
				}
			}
		}
	}
	return out.String()
}

// Same seed, same bytes: in this process, and in two others, each with a server of its own.
func TestDeterminism(t *testing.T) {
	pgserver.Need(t)
	want := hashes(20)
	if strings.Contains(want, "again") || strings.Contains(want, "inconclusive") {
		t.Errorf("in one process:\n%s", want)
	}
	for range 2 {
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), childVariable+"=20")
		got, err := c.CombinedOutput()
		if err != nil || string(got) != want {
			t.Errorf("in another process %v:\n%s\nwanted\n%s", err, got, want)
		}
	}
}

// BenchmarkSchedule is a run of one request of ten statements.
func BenchmarkSchedule(b *testing.B) {
	pgserver.Need(b)
	s, err := sim.Compile(scenario(1, false))
	if err != nil {
		b.Fatal(err)
	}
	s.Run(scheduler.Benign{})
	for b.Loop() {
		if r := s.Run(scheduler.Benign{}); r.Verdict != sim.Held {
			b.Fatal(r.Verdict, r.Why)
		}
	}
}

// BenchmarkReplicated is the same with a standby, for which a commit leaves a transaction open.
func BenchmarkReplicated(b *testing.B) {
	pgserver.Need(b)
	config := scenario(1, false)
	config.Services = []cloud.Service{postgres.New("postgres").Replicated().With(shop)}
	s, err := sim.Compile(config)
	if err != nil {
		b.Fatal(err)
	}
	s.Run(scheduler.Benign{})
	for b.Loop() {
		if r := s.Run(scheduler.Benign{}); r.Verdict != sim.Held {
			b.Fatal(r.Verdict, r.Why)
		}
	}
}

// BenchmarkRandom is a run of three such requests at the same time, on random schedules.
func BenchmarkRandom(b *testing.B) {
	pgserver.Need(b)
	s, err := sim.Compile(scenario(3, true))
	if err != nil {
		b.Fatal(err)
	}
	s.Run(scheduler.Benign{})
	seed := uint64(0)
	for b.Loop() {
		seed++
		if r := s.Run(scheduler.NewRandom(seed)); r.Verdict != sim.Held {
			b.Fatal(r.Verdict, r.Why)
		}
	}
}

// BenchmarkPlain is the same request with the same client, as an application has it:
// it leaves what it has written.
func BenchmarkPlain(b *testing.B) {
	db, err := sql.Open("pgx", pgserver.Start(b))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Exec(shop); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		tx, err := db.Begin()
		for _, s := range ten {
			if err == nil {
				_, err = tx.Exec(s)
			}
		}
		if err == nil {
			err = tx.Commit()
		}
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		_, _ = db.Exec("TRUNCATE orders, audit; UPDATE stock SET n = 10")
		b.StartTimer()
	}
}
