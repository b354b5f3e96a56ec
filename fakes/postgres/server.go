package postgres

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"github.com/wtsim/wtsim/internal/pgserver"
)

//go:embed schema.sql
var ours string

// machine is the server of this process, and what it holds for the runs to come.
var machine struct {
	mu     sync.Mutex
	server *pgserver.Server
	prefix string   // of the names of databases
	side   *session // of no run's database
	plans  map[string]*plan
	made   int
}

// ofServers are the settings of a server of ours: what would happen by the clock, or by itself, does not.
var ofServers = []string{
	"autovacuum=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0", "checkpoint_timeout=1d", "shared_buffers=32MB", "huge_pages=off",
	"max_connections=200", "log_timezone=UTC", "log_min_messages=log", "bgwriter_lru_maxpages=0",
}

// ofSessions are the settings of each session, of whatever server: who resets one gets
// these.
var ofSessions = map[string]string{
	"search_path": path + behindPath, "application_name": "",
	"wtsim.at": "2026-01-01T00:00:00Z|2026-01-01T00:00:00Z||0|postgres", "wtsim.lock_timeout": "0", "wtsim.statement_timeout": "0", "wtsim.synchronous_commit": "on",
	"deadlock_timeout": "2147483647", "max_parallel_workers_per_gather": "0", "jit": "off", "synchronize_seqscans": "off", "synchronous_commit": "off",
	"timezone": "UTC", "track_activities": "off", "client_encoding": "UTF8", "datestyle": "ISO, MDY", "intervalstyle": "postgres", "bytea_output": "hex", "lc_messages": "C",
	"default_transaction_isolation": "read committed", "default_transaction_read_only": "off", "default_transaction_deferrable": "off",
	"statement_timeout": "0", "lock_timeout": "0", "idle_in_transaction_session_timeout": "0", "session_replication_role": "origin",
}

// path is where names are looked for: in ours before the server's own.
const (
	path       = `"$user", public`
	behindPath = `, wtsim, pg_catalog, wtsim_extensions`
)

// start returns the server, with the lock held: one that is there already, or one that is
// started.
func start() (*pgserver.Server, error) {
	if machine.server != nil {
		return machine.server, nil
	}
	server, err := pgserver.Given()
	if server == nil && err == nil {
		server, err = pgserver.Run(ofServers...)
	}
	if err != nil {
		return nil, err
	}
	side, err := connect(server, server.Database)
	if err == nil {
		if err = fit(side); err == nil && !server.Own() {
			err = moveIn(server, side)
		}
	}
	if err != nil && !server.Own() {
		err = fmt.Errorf("%s: %w", pgserver.Variable, err)
	}
	if err != nil {
		server.Stop()
		return nil, err
	}
	machine.server, machine.side, machine.plans = server, side, map[string]*plan{}
	return server, nil
}

// oldest is the first version that drops a database while somebody is connected to it.
const oldest = 13

// fit tells what keeps a server from being used.
func fit(side *session) error {
	rows, err := side.do("SELECT current_setting('server_version'), current_setting('server_version_num')::int / 10000, rolsuper FROM pg_roles WHERE rolname = current_user")
	if err != nil {
		return err
	}
	switch version := 0; {
	case len(rows) != 1:
		return fmt.Errorf("the server does not say who we are")
	case rows[0][2] != "t":
		return fmt.Errorf("its user is no superuser, wanted one: time and chance are ours")
	default:
		if _, err := fmt.Sscan(rows[0][1], &version); err != nil || version < oldest {
			return fmt.Errorf("it is PostgreSQL %s, wanted %d or later", rows[0][0], oldest)
		}
	}
	return nil
}

// moveIn finds out whether a server that is there already has what only its owner can
// set, and takes a name for the databases of this process, which are dropped when that
// ends; those of processes that have ended are dropped now.
func moveIn(server *pgserver.Server, side *session) error {
	rows, err := side.do(`SELECT name || ' = ' || setting FROM pg_settings WHERE name = 'autovacuum' AND setting <> 'off' OR name = 'max_connections' AND setting::int < 50
		OR name IN ('idle_session_timeout', 'transaction_timeout') AND setting <> '0' ORDER BY name`)
	if err != nil {
		return err
	}
	if len(rows) > 0 {
		wrong, _ := joined(rows, nil)
		return fmt.Errorf("it has %s, which its owner alone can set, wanted autovacuum = off, max_connections = 50 or more, no timeouts of sessions (ALTER SYSTEM SET ..., and a restart)",
			strings.ReplaceAll(strings.TrimSpace(wrong), "\n", ", "))
	}
	machine.prefix = fmt.Sprintf("wtsim_%d_", side.pid)
	if rows, err = side.do(`SET application_name = 'wtsim'; SELECT format('DROP DATABASE IF EXISTS %I WITH (FORCE)', datname) FROM pg_database d WHERE datname ~ '^wtsim_[0-9]+_' AND NOT EXISTS
		(SELECT FROM pg_stat_activity a WHERE a.application_name = 'wtsim' AND a.pid <> pg_backend_pid() AND a.pid = split_part(d.datname, '_', 2)::int)`); err != nil {
		return err
	}
	for _, row := range rows {
		if _, err := side.do(row[0]); err != nil {
			return err
		}
	}
	return server.DropAtEnd(machine.prefix)
}
