// Package pgxclient makes the clients of pgx, and of database/sql over it, for a
// PostgreSQL of a run: who uses neither links none of them.
package pgxclient

import (
	"context"
	"database/sql"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/postgres"
)

// dsn is where no client dials to: it is given its connections.
const dsn = "postgres://app@127.0.0.1:5432/app?sslmode=disable"

// DB returns a pool of database/sql over pgx, of a function instance. It is closed when
// the run is over.
func DB(env cloud.Env, service string) *sql.DB {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		panic("pgxclient: " + err.Error()) // it is ours
	}
	config.DialFunc = pgconn.DialFunc(postgres.Dialer(env, service))
	db := stdlib.OpenDB(*config)
	postgres.AtEnd(env, service, func() { _ = db.Close() })
	return db
}

// Pool returns a pool of pgx, of a function instance. It is closed when the run is
// over. edit may be nil, or change what the pool is made of. The error is the pool's.
func Pool(env cloud.Env, service string, edit func(*pgxpool.Config)) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		panic("pgxclient: " + err.Error()) // it is ours
	}
	config.ConnConfig.DialFunc = pgconn.DialFunc(postgres.Dialer(env, service))
	if edit != nil {
		edit(config)
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		return nil, err
	}
	postgres.AtEnd(env, service, pool.Close)
	return pool, nil
}
