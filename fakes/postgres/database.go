package postgres

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wtsim/wtsim/internal/pgserver"
)

// plan is what databases of a schema are made of.
type plan struct {
	server   *pgserver.Server
	template string
	restore  string          // the statements that bring a database back to what it was made with
	acts     map[string]bool // the functions that may change something
	free     []*database     // those that were given back first come first
	leases   int
}

// database is one that a run has for itself, and the next run after it.
type database struct {
	server  *pgserver.Server
	plan    *plan
	name    string
	side    *session
	idle    []*session
	written bool // something may have been
	altered bool // not only what tables hold
	restore bool // the side has been asked to, and has not answered yet
}

// spare is from which lease of a plan on there are two databases: the server puts one
// back while a run has the other.
const spare = 8

// prepare has a database of a schema ready for [lease], which tells what goes wrong.
func prepare(schema, behind []string) {
	machine.mu.Lock()
	defer machine.mu.Unlock()
	p, err := planOf(schema, behind)
	if err != nil || len(p.free) > 0 {
		return
	}
	if d, err := p.database(); err == nil {
		p.free = append(p.free, d)
	}
}

// lease returns a database of a schema, as that makes it, with statements of ours
// behind it.
func lease(schema, behind []string) (*database, error) {
	machine.mu.Lock()
	defer machine.mu.Unlock()
	p, err := planOf(schema, behind)
	if err != nil {
		return nil, err
	}
	p.leases++
	if len(p.free) == 1 && p.leases == spare {
		return p.database()
	}
	for len(p.free) > 0 {
		d := p.free[0]
		p.free = p.free[1:]
		if d.restored() {
			return d, nil
		}
		d.dropped()
	}
	return p.database()
}

// planOf is the plan of a schema.
func planOf(schema, behind []string) (*plan, error) {
	server, err := start()
	if err != nil {
		return nil, err
	}
	key := strings.Join(append(slices.Clip(schema), behind...), "\x00")
	p := machine.plans[key]
	if p == nil {
		if p, err = newPlan(server, schema, behind); err != nil {
			return nil, err
		}
		machine.plans[key] = p
	}
	return p, nil
}

// newPlan makes the template of a schema.
func newPlan(server *pgserver.Server, schema, behind []string) (*plan, error) {
	machine.made++
	p := &plan{server: server, template: fmt.Sprintf("%st%d", machine.prefix, machine.made)}
	if _, err := machine.side.do("CREATE DATABASE " + p.template + " TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'"); err != nil {
		return nil, err
	}
	s, err := connect(server, p.template)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if _, err := s.do(ours); err != nil {
		return nil, err
	}
	for _, text := range schema {
		r := rewrite(text)
		if r.lacks != "" {
			return nil, fmt.Errorf("postgres: %s is not simulated, wanted a schema without; mend it in the scenario: %s", r.lacks, short(text))
		}
		if _, err := s.do(r.text); err != nil {
			return nil, fmt.Errorf("postgres: the server answers %w, wanted statements that it takes; mend it in the scenario: %s", err, short(text))
		}
	}
	for _, text := range append(slices.Clip(behind), "RESET ALL; SELECT wtsim.keep('wtsim')") {
		if _, err := s.do(text); err != nil {
			return nil, err
		}
	}
	if p.restore, err = joined(s.do("SELECT statement || ';' FROM wtsim.kept ORDER BY n")); err == nil {
		var sequences string
		sequences, err = joined(s.do("SELECT wtsim.sequences(false)"))
		p.restore += sequences
	}
	if err == nil {
		p.acts, err = s.acts()
	}
	return p, err
}

// joined are rows of one column, as lines.
func joined(rows [][]string, err error) (out string, _ error) {
	for _, row := range rows {
		out += row[0] + "\n"
	}
	return out, err
}

// acts are the functions of a database that may change something.
func (s *session) acts() (map[string]bool, error) {
	rows, err := s.do("SELECT wtsim.acts()")
	out := map[string]bool{}
	for _, row := range rows {
		out[row[0]] = true
	}
	return out, err
}

// short is the beginning of a statement, on one line.
func short(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 80 {
		s = s[:80] + "..."
	}
	return s
}

func (p *plan) database() (*database, error) {
	machine.made++
	d := &database{server: p.server, plan: p, name: fmt.Sprintf("%sd%d", machine.prefix, machine.made)}
	if err := free(p.template); err != nil {
		return nil, err
	}
	if _, err := machine.side.do("CREATE DATABASE " + d.name + " TEMPLATE " + p.template); err != nil {
		return nil, err
	}
	var err error
	if d.side, err = connect(p.server, d.name); err == nil {
		_, err = d.side.do("SET lock_timeout = 100") // of real time: it does not wait for what is under way
	}
	return d, err
}

// free waits until nobody is connected to a database any more: a connection that was
// closed ends in its own time.
func free(name string) error {
	for range 10_000 {
		rows, err := machine.side.do("SELECT count(*) FROM pg_stat_get_activity(NULL) a JOIN pg_database d ON d.oid = a.datid WHERE d.datname = " + quote(name))
		if err != nil || rows[0][0] == "0" {
			return err
		}
	}
	return fmt.Errorf("postgres: somebody stays connected to database %s", name)
}

// session returns one that nobody uses.
func (d *database) session() (*session, error) {
	if n := len(d.idle); n > 0 {
		s := d.idle[n-1]
		d.idle = d.idle[:n-1]
		return s, nil
	}
	return connect(d.server, d.name)
}

// giveBack has the server make the database ready for a run to come, or takes it away.
func (d *database) giveBack() {
	machine.mu.Lock()
	defer machine.mu.Unlock()
	if !d.altered && d.written {
		d.restore = d.side.ask(d.plan.restore) == nil
		d.altered = !d.restore
	}
	d.written = false
	if d.altered {
		d.dropped()
		return
	}
	d.plan.free = append(d.plan.free, d)
}

// restored waits until the database is as it was made, and reports whether it is.
func (d *database) restored() bool {
	if !d.restore {
		return true
	}
	d.restore = false
	_, err := d.side.answers()
	return err == nil
}

// dropped takes the database away.
func (d *database) dropped() {
	for _, s := range append(d.idle, d.side) {
		s.close()
	}
	if _, err := machine.side.do("DROP DATABASE " + d.name + " WITH (FORCE)"); err != nil {
		panic("postgres: a database of a run cannot be dropped: " + err.Error()) // nobody else knows it
	}
}

// blocking tells who waits for whom: of each process that waits, whom it waits for.
func (d *database) blocking(pids []int) (map[int][]int, error) {
	list := strings.Trim(strings.Join(strings.Fields(fmt.Sprint(pids)), ","), "[]")
	rows, err := d.side.do("SELECT p, array_to_string(pg_blocking_pids(p) || pg_safe_snapshot_blocking_pids(p), ' ') FROM unnest(ARRAY[" + list + "]) p")
	if err != nil {
		return nil, err
	}
	out := map[int][]int{}
	for _, row := range rows {
		var pid int
		_, _ = fmt.Sscan(row[0], &pid)
		for _, f := range strings.Fields(row[1]) {
			var by int
			_, _ = fmt.Sscan(f, &by)
			out[pid] = append(out[pid], by)
		}
	}
	return out, nil
}

// patience is how long a statement may take, in real time, until it is looked whether
// it waits for a lock.
const patience = time.Millisecond
