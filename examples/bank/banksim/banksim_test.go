package banksim

import (
	"context"
	"database/sql"
	"os"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/sim/simtest"
)

// A statement whose answer is lost is tried again, and pays twice.
func TestDeposits(t *testing.T) { simtest.Expect(t, Deposits()) }

// One that names its payment pays once.
func TestBookings(t *testing.T) { simtest.Check(t, Bookings()) }

// What the fake does not know it refuses by name.
func TestRefuses(t *testing.T) {
	db := sql.OpenDB(&conn{})
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(context.Background(), "DROP TABLE accounts"); err == nil || !strings.Contains(err.Error(), "DROP TABLE accounts is not simulated") {
		t.Errorf("got %v", err)
	}
	if _, err := db.BeginTx(context.Background(), nil); err == nil || !strings.Contains(err.Error(), "a transaction is not simulated") {
		t.Errorf("got %v", err)
	}
}

// The page shows this file.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../../../docs/fake.md")
	if err != nil {
		t.Fatal(err)
	}
	code, err := os.ReadFile("fake.go")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "```go\n"+string(code)+"```\n") {
		t.Error("docs/fake.md shows another fake.go")
	}
}
