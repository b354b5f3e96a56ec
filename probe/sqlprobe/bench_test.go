package sqlprobe

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"testing"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// instant is a driver that answers at once and remembers nothing.
type instant struct{}

func (instant) Connect(context.Context) (driver.Conn, error) { return instant{}, nil }
func (instant) Driver() driver.Driver                        { return nil }
func (instant) Open(string) (driver.Conn, error)             { return instant{}, nil }
func (instant) Prepare(string) (driver.Stmt, error)          { return nil, driver.ErrSkip }
func (instant) Begin() (driver.Tx, error)                    { return nil, driver.ErrSkip }
func (instant) Close() error                                 { return nil }
func (instant) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	return driver.RowsAffected(1), nil
}

func init() { sql.Register("example", instant{}) }

// BenchmarkExec is a statement through database/sql and a recorder, without the sink and
// without a server: the difference to "bare" is what a statement that is recorded costs.
// The event has the table, or a parameter (for which the request is JSON).
func BenchmarkExec(b *testing.B) {
	rule := func(with map[string]string) []probe.Rule {
		return []probe.Rule{{Emit: "PAID", Service: "db", Method: "UPDATE", Resource: "{table}", With: with}}
	}
	for _, c := range []struct {
		name  string
		rules []probe.Rule
	}{
		{"bare", nil},
		{"unwanted", []probe.Rule{{Emit: "X", Service: "db", Method: "INSERT"}}},
		{"table", rule(map[string]string{"table": "{table}"})},
		{"parameter", rule(map[string]string{"order": "request.where.id"})},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			rules, err := probe.CompileRules(c.rules)
			if err != nil {
				b.Fatal(err)
			}
			events := 0
			recorder := probe.NewRecorder("bench", "b-1", rules, probe.SinkFunc(func(event.Event) { events++ }))
			var connector driver.Connector = instant{}
			if c.rules != nil {
				connector = Connector(recorder, "db", connector)
			}
			db := sql.OpenDB(connector)
			defer db.Close()
			for b.Loop() {
				if _, err := db.ExecContext(b.Context(), "UPDATE orders SET status = 'paid' WHERE id = $1 AND status = 'new'", "o-1"); err != nil {
					b.Fatal(err)
				}
			}
			if wanted := c.name == "table" || c.name == "parameter"; wanted != (events > 0) {
				b.Errorf("%d events", events)
			}
		})
	}
}
