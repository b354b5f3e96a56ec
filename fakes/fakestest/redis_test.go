package fakestest_test

import (
	"net"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/fakes/fakestest"
)

// The suite holds for a real Redis. `make conformance` sees to it that there
// is one.
func TestRealRedis(t *testing.T) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("WTSIM_REDIS") != "" {
			t.Fatal(err)
		}
		t.Skip("there is no redis-server on PATH: make conformance installs it and runs this")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().(*net.TCPAddr)
	_ = l.Close() // free, and most likely still so in a moment
	server := exec.Command(path, "--port", strconv.Itoa(addr.Port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	open := func() *redis.Client { return redis.NewClient(&redis.Options{Addr: addr.String()}) }
	client := open()
	defer func() { _ = client.Close() }()
	for range 100 {
		if err = client.Ping(t.Context()).Err(); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil {
		t.Fatal(err)
	}
	if info, err := client.InfoMap(t.Context(), "server").Result(); err == nil {
		t.Logf("redis-server %s", info["Server"]["redis_version"])
	}
	if err := fakestest.Redis(t.Context(), open); err != nil {
		t.Error(err)
	}
}
