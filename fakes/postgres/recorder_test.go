package postgres_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/postgres"
	"github.com/wtsim/wtsim/fakes/postgres/pgxclient"
	"github.com/wtsim/wtsim/internal/pgserver"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/httpprobe"
	"github.com/wtsim/wtsim/probe/pgprobe"
	"github.com/wtsim/wtsim/scheduler"
	"github.com/wtsim/wtsim/sim"
)

const ledger = `CREATE TABLE accounts (id text PRIMARY KEY, balance int NOT NULL, note jsonb); CREATE TABLE log (id serial PRIMARY KEY, what text);
INSERT INTO accounts VALUES ('a', 10), ('b', 20)`

// ledgerRules tell each operation with what rules can see of it.
var ledgerRules = []probe.Rule{
	{Service: "postgres", Method: "INSERT", Resource: "log", Emit: "LOGGED", With: map[string]string{"what": "request.rows.0.what", "id": "response.rows.0.id", "n": "response.rowsAffected"}},
	{Service: "postgres", Method: "INSERT", Resource: "accounts", Emit: "OPENED", With: map[string]string{"id": "request.rows.0.id"}},
	{Service: "postgres", Method: "UPDATE", Resource: "accounts", Emit: "CHANGED", With: map[string]string{"id": "request.where.id", "to": "request.set.balance", "n": "response.rowsAffected"}},
	{Service: "postgres", Method: "SELECT", Resource: "accounts", Each: "response.rows", Emit: "SEEN", With: map[string]string{"id": "each.id", "balance": "each.balance", "note": "each.note.a"}},
	{Service: "postgres", Method: "COMMIT", Emit: "COMMITTED"},
	{Service: "postgres", Method: "ROLLBACK", Emit: "ROLLED_BACK"},
	{Service: "postgres", Method: "COPY", Resource: "log", Emit: "COPIED"},
	{Service: "postgres", Method: "SET", Emit: "SET"},
}

// move is a handler of pgx's own: statements, a batch, transactions of which one is
// rolled back to a savepoint and one whole, errors.
func move(ctx context.Context, db *pgxpool.Pool) error {
	var id int
	steps := []func() error{
		func() error { return db.Ping(ctx) },
		func() error {
			return db.QueryRow(ctx, "INSERT INTO log (what) VALUES ($1) RETURNING id", "first").Scan(&id)
		},
		func() error {
			_, err := db.Exec(ctx, "INSERT INTO accounts VALUES ($1, $2, $3)", "c", 30, `{"a":"b"}`)
			return err
		},
		func() error {
			_, err := db.Exec(ctx, "INSERT INTO accounts (id, balance) VALUES ('a', 1)")
			return wanted(err, "23505")
		},
		func() error {
			b := &pgx.Batch{}
			b.Queue("INSERT INTO log (what) VALUES ($1)", "second")
			b.Queue("UPDATE accounts SET balance = $1 WHERE id = $2", 11, "a")
			return db.SendBatch(ctx, b).Close()
		},
		func() error {
			b := &pgx.Batch{}
			b.Queue("INSERT INTO log (what) VALUES ($1)", "undone")
			b.Queue("INSERT INTO accounts (id, balance) VALUES ('a', 1)")
			b.Queue("INSERT INTO log (what) VALUES ($1)", "never")
			return wanted(db.SendBatch(ctx, b).Close(), "23505")
		},
		func() error {
			return pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
				if _, err := tx.Exec(ctx, "UPDATE accounts SET balance = 12 WHERE id = 'a'"); err != nil {
					return err
				}
				_ = pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error {
					_, err := tx.Exec(ctx, "UPDATE accounts SET balance = 13 WHERE id = 'b'")
					return errors.Join(err, errors.New("no"))
				})
				return nil
			})
		},
		func() error {
			err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
				_, err := tx.Exec(ctx, "UPDATE accounts SET balance = 14 WHERE id = 'b'")
				return errors.Join(err, errors.New("no"))
			})
			if err == nil {
				return errors.New("it was committed")
			}
			return nil
		},
		func() error {
			rows, err := db.Query(ctx, "SELECT id, balance, note FROM accounts ORDER BY id")
			if err != nil {
				return err
			}
			_, err = pgx.CollectRows(rows, pgx.RowToMap)
			return err
		},
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func wanted(err error, code string) error {
	if e := (*pgconn.PgError)(nil); errors.As(err, &e) && e.Code == code {
		return nil
	}
	return errors.Join(err, errors.New("wanted "+code))
}

func moving(db *pgxpool.Pool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := move(r.Context(), db); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
}

// What the recorder of production makes of pgx's statements is what the simulator makes
// of the same handler's, event by event: here by the real server, there in a run.
func TestRecorderPgx(t *testing.T) {
	dsn := pgserver.Start(t)
	want := simulated(t)
	if len(want) < 10 {
		t.Fatalf("the simulator tells %q", want)
	}
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol} {
		if got := recorded(t, dsn, mode); mode != pgx.QueryExecModeSimpleProtocol && !slices.Equal(got, want) {
			t.Errorf("%v: production tells\n%q\nand the simulator\n%q", mode, got, want)
		} else if !slices.Contains(got, "LOGGED(1, 1, first)") { // arguments stand in the text, a batch is one text
			t.Errorf("%v: production tells %q", mode, got)
		}
	}
}

func simulated(t *testing.T) (out []string) {
	t.Helper()
	s, err := sim.Compile(sim.Scenario{
		Name: "ledger", Platform: gcp.CloudRun().Within(time.Minute), Services: []cloud.Service{postgres.New("postgres").With(ledger)},
		Functions: []sim.Function{{Name: "move", New: func(env cloud.Env) (cloud.Handler, error) {
			db, err := pgxclient.Pool(env, "postgres", nil)
			return cloud.HTTP(moving(db)), err
		}}},
		Rules:   ledgerRules,
		Clients: []sim.Client{{Name: "c", Requests: []sim.Request{{Function: "move"}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := s.Run(scheduler.Benign{})
	if r.Verdict != sim.Held {
		t.Fatal(r.Verdict, r.Why)
	}
	for _, step := range r.Steps {
		for _, e := range step.Events {
			out = append(out, e.String())
		}
	}
	return out
}

// copied sends rows by COPY, which in a run takes the patched runtime.
func copied(t *testing.T, r *probe.Recorder, db *pgxpool.Pool) {
	t.Helper()
	ctx, end := r.Invocation(t.Context())
	defer end()
	if _, err := db.CopyFrom(ctx, pgx.Identifier{"log"}, []string{"what"}, pgx.CopyFromRows([][]any{{"x"}, {"y"}})); err != nil {
		t.Error(err)
	}
}

func recorded(t *testing.T, dsn string, mode pgx.QueryExecMode) []string {
	t.Helper()
	var out []string
	rules, err := probe.CompileRules(ledgerRules)
	if err != nil {
		t.Fatal(err)
	}
	r := probe.NewRecorder("move", "i-1", rules, probe.SinkFunc(func(e event.Event) {
		if out = append(out, e.String()); e.Invocation != "i-1/inv-1" && e.Type != "COPIED" {
			t.Errorf("%s is of %q", e, e.Invocation)
		}
	}))
	plain, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = plain.Close(t.Context()) }()
	if _, err := plain.Exec(t.Context(), "DROP TABLE IF EXISTS accounts, log; "+ledger); err != nil {
		t.Fatal(err)
	}
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	config.ConnConfig.DefaultQueryExecMode = mode
	config.ConnConfig.AfterNetConnect = pgprobe.AfterNetConnect[*pgconn.Config](r, "postgres")
	db, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	w := httptest.NewRecorder()
	httpprobe.Handler(r, moving(db)).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
	if w.Code != http.StatusOK {
		t.Errorf("%v: %s", mode, w.Body)
	}
	got := slices.Clone(out)
	if copied(t, r, db); out[len(out)-1] != "COPIED" {
		t.Errorf("%v: rows that are copied are %q", mode, out[len(got):])
	}
	return got
}
