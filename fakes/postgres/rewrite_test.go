package postgres

import "testing"

// Time, chance and names are the run's; the rest is left as it is written.
func TestRewrite(t *testing.T) {
	for text, want := range map[string]string{
		"SELECT CURRENT_TIMESTAMP, current_date": "SELECT wtsim.current_timestamp(), wtsim.current_date()",
		"SELECT current_timestamp(3)":            "SELECT wtsim.current_timestamp(3)",
		"SELECT 'CURRENT_TIMESTAMP', \"current_date\" -- CURRENT_DATE\n, a.current_date AS current_date /* /* now */ CURRENT_DATE */": "",
		"SELECT pg_catalog.now(), pg_catalog . random ()":                                          "SELECT wtsim.now(), wtsim . random ()",
		"SELECT $1, $2::text, e'\\'CURRENT_DATE'":                                                  "",
		"SET search_path = a, \"b\"; SELECT 1":                                                     "SET search_path = a, \"b\", wtsim, pg_catalog, wtsim_extensions; SELECT 1",
		"set local search_path to app":                                                             "set local search_path to app, wtsim, pg_catalog, wtsim_extensions",
		"SET search_path TO DEFAULT":                                                               "",
		"CREATE FUNCTION f() RETURNS int SET search_path = a AS $x$ SELECT current_date $x$":       "CREATE FUNCTION f() RETURNS int SET search_path = a, wtsim, pg_catalog, wtsim_extensions AS $x$ SELECT wtsim.current_date() $x$",
		"INSERT INTO t VALUES ($$CURRENT_DATE$$)":                                                  "",
		"SET LOCAL lock_timeout = '5s'":                                                            "SET LOCAL wtsim.lock_timeout = '5s'",
		"CREATE EXTENSION IF NOT EXISTS \"uuid-ossp\";":                                            "CREATE EXTENSION IF NOT EXISTS \"uuid-ossp\" SCHEMA wtsim_extensions;",
		"CREATE TABLE t (at timestamptz DEFAULT CURRENT_TIMESTAMP, d date default (current_date))": "CREATE TABLE t (at timestamptz DEFAULT wtsim.current_timestamp(), d date default (wtsim.current_date()))",
	} {
		if want == "" {
			want = text
		}
		if got := rewrite(text); got.text != want || got.lacks != "" {
			t.Errorf("%s\nbecomes %s\nwanted  %s, lacks %q", text, got.text, want, got.lacks)
		}
	}
}

// What is not simulated is told by name.
func TestMissing(t *testing.T) {
	for text, want := range map[string]string{
		"SELECT 1; CREATE ROLE app": "CREATE ROLE", "SELECT set_config('search_path', 'a', true)": "set_config of search_path",
		"PREPARE TRANSACTION 'x'": "two-phase commit (PREPARE TRANSACTION)", "LISTEN jobs": "", "COPY t FROM 'x'": "COPY FROM a file of the server", "COPY t TO STDOUT": "",
		"SELECT 'NOW'::date": "'NOW' as a time (now() and CURRENT_DATE are those of the run)", "SELECT 'now'": "", "SELECT 'now'::text": "",
		"SET idle_in_transaction_session_timeout = 5": "idle_in_transaction_session_timeout", "PREPARE p AS SELECT 1": "",
		"DO $$ BEGIN CREATE ROLE x; END $$": "",
	} {
		if got := rewrite(text).lacks; got != want {
			t.Errorf("%s: %q, wanted %q", text, got, want)
		}
	}
}
