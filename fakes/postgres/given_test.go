package postgres_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/wtsim/wtsim/internal/pgserver"
)

// foreign starts a server as somebody has one, that asks for passwords.
func foreign(t *testing.T, settings ...string) (port int, side *pgx.Conn) {
	t.Helper()
	pgserver.Need(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port = l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	s, err := pgserver.Run(append(settings, "listen_addresses=127.0.0.1", fmt.Sprint("port=", port), "deadlock_timeout=1s", "DateStyle=German", "TimeZone=Asia/Tokyo")...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	if side, err = pgx.Connect(t.Context(), fmt.Sprintf("host=%s port=%d user=postgres dbname=postgres", s.Dir, port)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = side.Close(context.WithoutCancel(t.Context())) })
	if err := os.WriteFile(filepath.Join(s.Dir, "data", "pg_hba.conf"), []byte("local all all trust\nhost all old 127.0.0.1/32 md5\nhost all plain 127.0.0.1/32 password\nhost all all 127.0.0.1/32 scram-sha-256\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		"ALTER ROLE postgres PASSWORD 's3cret'", "CREATE ROLE plain SUPERUSER LOGIN PASSWORD 'p'", "CREATE ROLE weak LOGIN PASSWORD 'w'",
		"SET password_encryption = md5", "CREATE ROLE old SUPERUSER LOGIN PASSWORD 'o'", "SELECT pg_reload_conf()",
	} {
		if _, err := side.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	return port, side
}

// with runs this test binary with a server that is there already.
func with(url string, seeds int) (string, error) {
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), fmt.Sprint(childVariable, "=", seeds), pgserver.Variable+"="+url)
	out, err := c.CombinedOutput()
	return string(out), err
}

// Runs on a server that is there already are those on one of ours, to the byte; it has
// none of their databases when the process is over.
func TestGiven(t *testing.T) {
	port, side := foreign(t, "autovacuum=off")
	for user, seeds := range map[string]int{"postgres:s3cret": 5, "plain:p": 1, "old:o": 1} {
		want := hashes(uint64(seeds))
		if got, err := with(fmt.Sprintf("postgres://%s@localhost:%d/postgres?sslmode=disable", user, port), seeds); err != nil || got != want {
			t.Errorf("%s: %v:\n%s\nwanted\n%s", user, err, got, want)
		}
	}
	n := -1
	for range 100 { // they are dropped by a process of its own
		if err := side.QueryRow(t.Context(), "SELECT count(*) FROM pg_database WHERE datname LIKE 'wtsim%'").Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("%d databases are left", n)
}

// What does not fit is told in one line.
func TestGivenRefused(t *testing.T) {
	port, _ := foreign(t)
	at := fmt.Sprintf("@127.0.0.1:%d/postgres", port)
	for url, want := range map[string]string{
		"postgres://postgres:s3cret" + at:             "it has autovacuum = on, which its owner alone can set",
		"postgres://weak:w" + at:                      "permission denied to set parameter",
		"postgres://postgres:wrong" + at:              "28P01: password authentication failed",
		"postgres://postgres@127.0.0.1:1/postgres":    "connection refused",
		"postgres://postgres@db.example.com/shop":     `"db.example.com" is not on loopback`,
		"postgres://postgres@[::ffff:10.0.0.1]/shop":  "is not on loopback",
		"mysql://root@127.0.0.1/shop":                 `its scheme is "mysql"`,
		"postgres://127.0.0.1/shop":                   "it names no user",
		"postgres://a@127.0.0.1/shop?sslmode=require": "it has sslmode=require",
		"postgres://a@127.0.0.1/shop?host=/tmp":       "it has parameters other than sslmode",
		"host=127.0.0.1":                              `its scheme is ""`,
	} {
		got, _ := with(url, 1)
		first, _, _ := strings.Cut(got, "\n")
		if !strings.Contains(first, pgserver.Variable) || !strings.Contains(first, want) {
			t.Errorf("%s: got\n%.300s\nwanted %s", url, got, want)
		}
	}
}
