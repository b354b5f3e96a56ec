package postgres

import (
	"slices"
	"strings"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
)

// The guarantees that can be taken away.
const (
	rowLocks      = "postgres/row-locks"
	serializable  = "postgres/serializable"
	unique        = "postgres/unique"
	advisoryLocks = "postgres/advisory-locks"
)

// Guarantees lists what [Service.Without] can take away.
func (s *Service) Guarantees() []cloud.Guarantee {
	asks := func(words ...string) func(cloud.Usage) bool {
		return cloud.Asks(func(op *event.Operation) bool {
			text := strings.ToUpper(string(op.Request.Body))
			return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
		})
	}
	return []cloud.Guarantee{{
		Name:    rowLocks,
		Without: "SELECT ... FOR UPDATE and its like lock nothing, and pass nothing over",
		Source:  "https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-ROWS",
		Used:    asks("FOR UPDATE", "FOR SHARE", "FOR NO KEY UPDATE", "FOR KEY SHARE"),
	}, {
		Name:    serializable,
		Without: "SERIALIZABLE transactions are REPEATABLE READ",
		Source:  "https://www.postgresql.org/docs/current/transaction-iso.html#XACT-SERIALIZABLE",
		Used:    asks("ISOLATION LEVEL SERIALIZABLE"),
	}, {
		Name:    unique,
		Without: "keys and unique indexes of tables let everything in, and nothing refers to them",
		Source:  "https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-UNIQUE-CONSTRAINTS",
		Used:    asks("INSERT", "UPDATE"),
	}, {
		Name:    advisoryLocks,
		Without: "advisory locks are had by everybody at once",
		Source:  "https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS",
		Used:    asks("PG_ADVISORY", "PG_TRY_ADVISORY"),
	}}
}

// Without returns the service without one of its guarantees.
func (s *Service) Without(guarantee string) cloud.Service {
	out := *s
	out.without = append(slices.Clip(s.without), guarantee)
	return &out
}

// weaker is what comes behind a schema where guarantees are taken away.
func (s *Service) weaker() (out []string) {
	if slices.Contains(s.without, unique) {
		out = append(out, `DO $wtsim$ DECLARE i record; BEGIN
			FOR i IN SELECT c.conrelid::regclass AS t, c.conname FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
					WHERE c.contype IN ('p', 'u') AND n.nspname NOT IN ('wtsim', 'pg_catalog') LOOP
				EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I CASCADE', i.t, i.conname);
			END LOOP;
			FOR i IN SELECT x.indexrelid::regclass AS t FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
					WHERE x.indisunique AND n.nspname NOT IN ('wtsim', 'pg_catalog', 'pg_toast') LOOP
				EXECUTE format('DROP INDEX %s CASCADE', i.t);
			END LOOP;
		END $wtsim$`)
	}
	if slices.Contains(s.without, advisoryLocks) {
		var all strings.Builder
		for _, arguments := range []string{"bigint", "int, int"} {
			for _, f := range []string{"pg_advisory_lock", "pg_advisory_xact_lock", "pg_advisory_lock_shared", "pg_advisory_xact_lock_shared"} {
				all.WriteString("CREATE FUNCTION wtsim." + f + "(" + arguments + ") RETURNS void LANGUAGE sql AS '';")
			}
			for _, f := range []string{"pg_try_advisory_lock", "pg_try_advisory_xact_lock", "pg_advisory_unlock"} {
				all.WriteString("CREATE FUNCTION wtsim." + f + "(" + arguments + ") RETURNS boolean LANGUAGE sql AS 'SELECT true';")
			}
		}
		out = append(out, all.String())
	}
	return out
}

// weaken is a statement without what guarantees ask for that are taken away.
func (b *Backend) weaken(text string) string {
	if len(b.without) == 0 {
		return text
	}
	all := pieces(text)
	for i := range all {
		words := following(all[i:], 4)
		switch {
		case slices.Contains(b.without, serializable) && all[i].is("SERIALIZABLE"):
			all[i].text = "REPEATABLE READ"
		case slices.Contains(b.without, rowLocks) && len(words) > 1 && words[0].is("FOR") && words[1].is("UPDATE", "SHARE", "NO", "KEY"):
			for _, w := range words {
				if !w.is("FOR", "NO", "KEY", "UPDATE", "SHARE", "SKIP", "LOCKED", "NOWAIT") {
					break
				}
				w.text = ""
			}
		}
	}
	var out strings.Builder
	for _, p := range all {
		out.WriteString(p.text)
	}
	return out.String()
}

// following are the next pieces that are no space.
func following(all []piece, n int) (out []*piece) {
	for i := range all {
		if all[i].kind != ' ' && len(out) < n {
			out = append(out, &all[i])
		}
	}
	return out
}
