package sqlprobe_test

import (
	"fmt"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/sqlprobe"
)

// An application that opens its database by sql.Open is changed in one line.
func ExampleOpen() {
	rules, err := probe.CompileRules([]probe.Rule{{
		Service: "orders-db", Method: "UPDATE", Resource: "orders",
		Where: map[string]string{"request.set.status": "paid", "response.rowsAffected": "1"},
		Emit:  "PAID", With: map[string]string{"order": "request.where.id"},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	recorder := probe.NewRecorder("shop", "i-1", rules, probe.SinkFunc(func(e event.Event) { fmt.Println(e) }))

	db, err := sqlprobe.Open(recorder, "orders-db", "example", "") // was: sql.Open("example", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	_, err = db.Exec("UPDATE orders SET status = 'paid' WHERE id = $1 AND status <> 'paid'", "o-1")
	fmt.Println(err)
	// Output:
	// PAID(o-1)
	// <nil>
}
