// Package tablessim puts package tables under test, over each of its libraries.
package tablessim

import (
	"database/sql"
	"fmt"
	"strings"

	"github.com/lib/pq"
	driver "gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"example.com/tables"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/fakes/postgres"
	"github.com/wtsim/wtsim/fakes/postgres/pgxclient"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/sim"
)

const schema = `
CREATE TABLE accounts (id text PRIMARY KEY, balance int NOT NULL);
CREATE TABLE payouts (id bigserial PRIMARY KEY, account text NOT NULL REFERENCES accounts, amount int NOT NULL);
INSERT INTO accounts VALUES ('ann', 10);`

// Open makes the function of a library for a function instance.
type Open func(env cloud.Env, locked bool) (tables.Withdraw, error)

// Libraries are the ways in which package tables is written.
var Libraries = map[string]Open{
	"gorm": func(env cloud.Env, locked bool) (tables.Withdraw, error) {
		db, err := gorm.Open(driver.New(driver.Config{Conn: pgxclient.DB(env, "postgres")}), &gorm.Config{Logger: logger.Discard})
		return tables.Gorm(db, locked), err
	},
	"sqlc": func(env cloud.Env, locked bool) (tables.Withdraw, error) {
		db, err := pgxclient.Pool(env, "postgres", nil)
		return tables.Sqlc(db, locked), err
	},
	"pq": func(env cloud.Env, locked bool) (tables.Withdraw, error) {
		db, err := openPQ(env)
		return tables.Plain(db, locked), err
	},
}

func openPQ(env cloud.Env) (*sql.DB, error) {
	connector, err := pq.NewConnector("host=127.0.0.1 user=app sslmode=disable")
	if err != nil {
		return nil, err
	}
	connector.Dialer(postgres.Dialer(env, "postgres"))
	db := sql.OpenDB(connector)
	postgres.AtEnd(env, "postgres", func() { _ = db.Close() })
	return db, nil
}

// Scenario has two withdraw what is there once.
func Scenario(library string, locked bool) sim.Scenario {
	return sim.Scenario{
		Name: "tables/" + library, Platform: gcp.CloudRun(), Services: []cloud.Service{postgres.New("postgres").With(schema)},
		Functions: []sim.Function{{Name: "withdraw", New: func(env cloud.Env) (cloud.Handler, error) {
			f, err := Libraries[library](env, locked)
			return cloud.HTTP(f), err
		}}},
		Clients:    []sim.Client{{Name: "web", Requests: []sim.Request{{Function: "withdraw", Path: "/ann"}}}, {Name: "app", Requests: []sim.Request{{Function: "withdraw", Path: "/ann"}}}},
		Properties: []*props.Property{props.AtQuiescence("no more is paid than there was", paid)},
	}
}

// payouts counts them: each is of 10.
func payouts(s props.State) (n int) {
	for _, key := range s.Keys("postgres") {
		if strings.HasPrefix(key, "payouts/") {
			n++
		}
	}
	return n
}

func paid(s props.State) error {
	if n := payouts(s); n > 1 {
		return fmt.Errorf("%d payouts of an account that had enough for one", n)
	}
	return nil
}

// Migrated is the same over an empty database that each instance migrates when it starts.
func Migrated() sim.Scenario {
	s := Scenario("pq", true)
	s.Name, s.Services = "tables/migrated", []cloud.Service{postgres.New("postgres")}
	s.Properties = []*props.Property{props.AtQuiescence("what there is is paid", func(s props.State) error {
		if n := payouts(s); n != 1 {
			return fmt.Errorf("%d payouts, wanted one", n)
		}
		return nil
	})}
	s.Functions[0].New = func(env cloud.Env) (cloud.Handler, error) {
		db, err := openPQ(env)
		if err == nil {
			err = tables.Migrate(env.Context(), db)
		}
		if err != nil {
			return cloud.Handler{}, err
		}
		return cloud.HTTP(tables.Plain(db, true)), nil
	}
	return s
}
