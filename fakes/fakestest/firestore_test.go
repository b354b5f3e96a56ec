package fakestest

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/firestore"
)

// Our Firestore keeps what Firestore promises.
func TestFirestore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := Open(context.Background(), firestore.New("firestore"))
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		if err := Firestore(e.Context(), firestore.Client(e, "firestore")); err != nil {
			t.Error(err)
		}
		e.Die()
		time.Sleep(time.Hour)
	})
}

// What is taken away from Firestore is noticed, and so is another mode of
// transactions.
func TestFirestoreNotices(t *testing.T) {
	whole := firestore.New("firestore")
	for _, c := range []struct {
		name    string
		service cloud.Service
		failing []string
	}{
		{"without transactions", whole.Without("firestore/transactions"), []string{"counters of transactions lose nothing",
			"a write waits for a transaction that has read", "a range that a transaction has read does not change", "of two that wait for each other one is run again",
			"a transaction that only reads sees one state and locks nothing"}},
		{"without preconditions", whole.Without("firestore/preconditions"), []string{"create refuses what is there", "update refuses what is not there",
			"a precondition on the time of the last update", "a batch writes all or nothing", "bulk writes are each by itself", "a transaction commits, or does not"}},
		{"optimistic", whole.Optimistic(), []string{"a write waits for a transaction that has read", "a range that a transaction has read does not change"}},
		{"with indexes", whole.Indexed(firestore.Index{Collection: "a-query-without-its-index-is-refused", Fields: []string{"x", "y"}}), []string{"a query without its index is refused"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, err := Open(context.Background(), c.service)
				if err != nil {
					t.Fatal(err)
				}
				defer e.Close()
				client := firestore.Client(e, "firestore")
				told := Firestore(e.Context(), client)
				for _, name := range c.failing {
					if told == nil || !strings.Contains(told.Error(), name+": ") {
						t.Errorf("%s: nothing is told", name)
					}
				}
				if told != nil {
					if n := strings.Count("\n"+told.Error(), "\n"); n > 8*len(c.failing) {
						t.Errorf("too much is told: %v", told)
					}
				}
				e.Die()
				time.Sleep(time.Hour)
			})
		})
	}
}
