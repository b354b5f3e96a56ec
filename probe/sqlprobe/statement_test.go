package sqlprobe

import (
	"database/sql/driver"
	"encoding/json"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/event"
)

func arguments(values ...any) []driver.NamedValue {
	var args []driver.NamedValue
	for i, v := range values {
		args = append(args, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	return args
}

// told is an operation as a rule sees it, without the statement and its arguments.
func told(t *testing.T, text string, args []driver.NamedValue) string {
	t.Helper()
	var op event.Operation
	Describe(&op, text, args)
	var body map[string]json.RawMessage
	if err := json.Unmarshal(op.Request.Body, &body); err != nil {
		t.Fatalf("%s: %v in %s", text, err, op.Request.Body)
	}
	out := op.Method + " [" + op.Resource + "]"
	for _, part := range []string{"rows", "set", "where"} {
		if v, ok := body[part]; ok {
			out += " " + part + string(v)
		}
	}
	return strings.ReplaceAll(out, `"`, "")
}

// What a statement is: its kind, its tables, and the columns whose values it says. What it
// does not say for certain is left out.
func TestDescribe(t *testing.T) {
	args := arguments("o-1", int64(7), "paid")
	for _, c := range []struct{ text, want string }{
		{"SELECT id FROM orders WHERE id = $1", "SELECT [orders] where{id:o-1}"},
		{"select * from Orders o join public.users u on u.id = o.user_id, items where o.id = $1 and 7 = u.age", "SELECT [orders public.users items] where{id:o-1,age:7}"},
		{`SELECT * FROM "Orders" WHERE "Id"=$1::uuid AND note = 'it''s' LIMIT 1`, "SELECT [Orders] where{Id:o-1,note:it's}"},
		{"SELECT * FROM `orders` WHERE id = ? AND n = ?", "SELECT [orders] where{id:o-1,n:7}"},
		{"SELECT * FROM [dbo].[Orders] WHERE id = @p2 AND x = @p1", "SELECT [dbo.Orders] where{id:7,x:o-1}"},
		{"SELECT * FROM orders WHERE id = :1 AND a = ?2", "SELECT [orders] where{id:o-1,a:7}"},
		{"SELECT a FROM t WHERE id = $1 OR id = $2", "SELECT [t]"},
		{"SELECT a FROM t WHERE id = $1 AND n > 5 AND NOT b = 2 AND c = d AND e != 3 AND (f = $2)", "SELECT [t] where{id:o-1,f:7}"},
		{"SELECT a FROM t WHERE id = $1 AND n BETWEEN 1 AND 2", "SELECT [t]"},
		{"SELECT a FROM t WHERE id = $1 UNION SELECT a FROM u", "SELECT [t u]"},
		{"SELECT count(*) FROM (SELECT a FROM inner_t WHERE b = 1) x JOIN LATERAL f(x.a) ON true", "SELECT [inner_t]"},
		{"SELECT EXTRACT(year FROM at), substring(a from 1) FROM t WHERE a IS DISTINCT FROM b", "SELECT [t]"},
		{"SELECT generate_series(1, 2)", "SELECT []"}, {"SELECT * FROM generate_series(1, 2)", "SELECT []"},
		{"SELECT a FROM t WHERE data ? 'key' AND id = $1", "SELECT [t] where{id:o-1}"},
		{"SELECT a -- FROM x\n FROM /* y */ t WHERE s = $$FROM z$$ AND r = $q$it's$q$", "SELECT [t] where{s:FROM z,r:it's}"},
		{"SELECT a FROM t WHERE id = ANY($1) AND x IN (SELECT x FROM u WHERE x = 1)", "SELECT [t u]"},
		{"INSERT INTO orders (id, n, status, at) VALUES ($1, -5, 'new', now())", "INSERT [orders] rows[{id:o-1,n:-5,status:new}]"},
		{"insert into orders(id,n) values (?,?),(?, NULL) on conflict (id) do update set n = excluded.n, status = 'again' returning id", "INSERT [orders] rows[{id:o-1,n:7},{id:paid,n:null}] set{status:again}"},
		{"INSERT IGNORE INTO orders SET id = ?, n = 1 ON DUPLICATE KEY UPDATE n = 2", "INSERT [orders] set{id:o-1,n:1}"},
		{"INSERT INTO orders (id) VALUES (?) ON DUPLICATE KEY UPDATE n = ?", "INSERT [orders] rows[{id:o-1}] set{n:7}"},
		{"INSERT OR REPLACE INTO orders VALUES (1)", "INSERT [orders]"},
		{"INSERT INTO archive (id) SELECT id FROM orders WHERE id = $1", "INSERT [archive]"},
		{"REPLACE INTO orders (id) VALUES (1)", "REPLACE [orders] rows[{id:1}]"},
		{"UPDATE orders SET status = $3, n = n + 1, data = $1::jsonb WHERE id = $1 AND status = 'new' RETURNING id", "UPDATE [orders] set{status:paid,data:o-1} where{id:o-1,status:new}"},
		{"UPDATE ONLY orders AS o SET a = 1 FROM users u WHERE o.id = u.id AND u.id = $2", "UPDATE [orders] set{a:1} where{id:7}"},
		{"DELETE FROM orders USING users WHERE orders.id = $1", "DELETE [orders] where{id:o-1}"},
		{"WITH moved AS (DELETE FROM a WHERE id = $1 RETURNING *), x (n) AS (SELECT 1) INSERT INTO b (id) SELECT id FROM moved, x", "INSERT [b]"},
		{"WITH RECURSIVE r AS (SELECT 1 UNION ALL SELECT n FROM r) SELECT * FROM r JOIN t ON true", "SELECT [t]"},
		{"MERGE INTO stock s USING sales x ON s.id = x.id WHEN MATCHED THEN UPDATE SET n = 1", "MERGE [stock]"},
		{"TRUNCATE TABLE a, b", "TRUNCATE [a]"}, {"(SELECT a FROM t) LIMIT 1", "SELECT [t]"},
		{"CREATE TABLE x (id int)", "CREATE []"}, {"CALL place_order($1)", "CALL []"}, {"VALUES (1)", "VALUES []"},
		{"COPY orders (id) FROM STDIN", "COPY [orders]"}, {"", " []"}, {";", " []"},
		{"UPDATE a SET x = 1; UPDATE b SET y = 2;", "UPDATE UPDATE [a b]"},
		{`INSERT INTO t (a) VALUES ('it\'s')`, "INSERT []"}, {"SELECT 'no end FROM t", "SELECT []"}, {"/* /* */ SELECT 1 FROM t", " []"},
		{"BEGIN", "BEGIN []"}, {"START TRANSACTION READ ONLY", "BEGIN []"}, {"END", "COMMIT []"}, {"ROLLBACK TO SAVEPOINT sp1", "ROLLBACK TO []"},
		{"COMMIT PREPARED 'x'", "COMMIT []"},
	} {
		if got := told(t, c.text, args); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.text, got, c.want)
		}
	}
	byName := []driver.NamedValue{{Name: "id", Ordinal: 1, Value: "o-1"}, {Name: "p2", Ordinal: 2, Value: "x"}}
	if got := told(t, "UPDATE t SET a = @p2 WHERE id = :id", byName); got != "UPDATE [t] set{a:x} where{id:o-1}" {
		t.Errorf("by name: %s", got)
	}
}

// Reads, and what writes, and what locks.
func TestAccess(t *testing.T) {
	const both = event.Reads | event.Writes
	for text, want := range map[string]struct {
		access event.Access
		writes bool
	}{
		"SELECT 1 FROM t": {event.Reads, false}, "SELECT 1 FROM t FOR UPDATE": {both, false}, "INSERT INTO t VALUES (1)": {both, true},
		"WITH x AS (INSERT INTO t VALUES (1)) SELECT 1": {both, true}, "CALL f()": {both, true}, "COMMIT": {0, false}, "SET x = 1": {both, false},
		"UPDATE t SET a = 'it\\'s'": {both, true},
	} {
		if st := parse(text); st.access != want.access || st.writes != want.writes {
			t.Errorf("%s: %v %v", text, st.access, st.writes)
		}
	}
}

// A value is one in JSON, whatever it is.
func TestValues(t *testing.T) {
	for _, c := range []struct {
		value any
		want  string
	}{
		{nil, "null"}, {int64(-3), "-3"}, {1.5, "1.5"}, {true, "true"}, {"a\"b\n", `"a\"b\n"`}, {"é", `"é"`}, {"\xff", "\"�\""}, {[]byte("x"), `"x"`}, {[]byte{0xff, 0}, `"/wA="`},
		{`{"a":1}`, `{"a":1}`}, {[]byte(`[1]`), `[1]`}, {"{1,2}", `"{1,2}"`}, {"12", `"12"`}, {[]string{"a"}, `["a"]`}, {make(chan int), "null"},
	} {
		got := appendValue(nil, c.value)
		if strings.ReplaceAll(string(got), `\ufffd`, "�") != c.want || !json.Valid(got) {
			t.Errorf("%v: got %s, wanted %s", c.value, got, c.want)
		}
	}
}

// Whatever stands there, it is told within bounds and as JSON.
func FuzzDescribe(f *testing.F) {
	for _, s := range []string{"SELECT * FROM (a JOIN b) WHERE x = $1", "WITH a AS (DELETE FROM b) INSERT INTO c (d) VALUES (?) ON CONFLICT DO NOTHING", "x AS (SELECT", ")(;)[];,=", "INSERT INTO a () VALUES ()", "$a$ $$ ::", "@@x :: = =", "AS (WITH"} {
		f.Add(s, "v")
	}
	f.Fuzz(func(t *testing.T, text, arg string) {
		var op event.Operation
		Describe(&op, text, arguments(arg, []byte(arg)))
		if !json.Valid(op.Request.Body) {
			t.Errorf("%q: %s", text, op.Request.Body)
		}
	})
}
