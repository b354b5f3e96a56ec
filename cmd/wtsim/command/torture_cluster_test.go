package command

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// natsNode is the body of a process that is one node of a cluster: its name, the
// directory of its data, the port for clients, that for nodes, and the nodes'.
func natsNode() {
	args := os.Args[1:]
	number := func(text string) (n int) {
		if _, err := fmt.Sscan(text, &n); err != nil {
			panic(err)
		}
		return n
	}
	s, err := server.NewServer(&server.Options{
		ServerName: args[0], StoreDir: args[1], Host: "127.0.0.1", Port: number(args[2]), JetStream: true, SyncAlways: true, NoSigs: true, LogFile: args[1] + ".log",
		Cluster: server.ClusterOpts{Name: "wtsim", Host: "127.0.0.1", Port: number(args[3]), PoolSize: -1}, Routes: server.RoutesFromStr(args[4]), MaxPayload: 8 << 20,
	})
	if err != nil {
		panic(err)
	}
	s.ConfigureLogger()
	s.Start()
	s.WaitForShutdown()
}

// natsCluster is three nodes, as processes on the loopback interface.
type natsCluster struct {
	t     *testing.T
	dir   string
	ports []int // two a node: for clients, and for nodes
	nodes [3]*exec.Cmd
}

func newNatsCluster(t *testing.T) *natsCluster {
	c := &natsCluster{t: t, dir: t.TempDir()}
	for range 6 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		c.ports = append(c.ports, l.Addr().(*net.TCPAddr).Port)
	}
	return c
}

func (c *natsCluster) urls(scheme string, from int) string {
	var all []string
	for n := range c.nodes {
		all = append(all, fmt.Sprintf("%s://127.0.0.1:%d", scheme, c.ports[2*n+from]))
	}
	return strings.Join(all, ",")
}

func (c *natsCluster) start(n int) {
	c.t.Helper()
	exe, err := os.Executable()
	if err != nil {
		c.t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Stderr = os.Stderr
	cmd.Args = []string{"natsnode", fmt.Sprint("n", n), filepath.Join(c.dir, fmt.Sprint(n)), fmt.Sprint(c.ports[2*n]), fmt.Sprint(c.ports[2*n+1]), c.urls("nats", 1)}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.nodes[n] = cmd
	c.t.Cleanup(func() { _ = cmd.Process.Kill() })
}

// logs shows the ends of the nodes' logs, where the test has failed.
func (c *natsCluster) logs() {
	for n := range c.nodes {
		text, _ := os.ReadFile(filepath.Join(c.dir, fmt.Sprint(n, ".log")))
		lines := strings.Split(string(text), "\n")
		if c.t.Failed() {
			c.t.Logf("node %d:\n%s", n, strings.Join(lines[max(0, len(lines)-25):], "\n"))
		}
	}
}

// restart kills a node, and starts it anew a moment later.
func (c *natsCluster) restart(n int) {
	_ = c.nodes[n].Process.Kill()
	_ = c.nodes[n].Wait()
	time.Sleep(time.Second)
	c.start(n)
}

// Three nodes of a cluster are killed and started anew in turn, and two monitors
// that share the shards are killed too, while events come in at both: the
// verdicts are check's, none missing, none twice.
func TestTortureCluster(t *testing.T) {
	if os.Getenv("WTSIM_TORTURE") == "" {
		t.Skip("takes minutes: make torture runs it")
	}
	const events, chunk = 100_000, 500
	c := newNatsCluster(t)
	for n := range c.nodes {
		c.start(n)
	}
	defer c.logs()
	r := rand.New(rand.NewPCG(15, 3))
	dir := t.TempDir()
	props, file := filepath.Join(dir, "props.yaml"), filepath.Join(dir, "events.ndjson")
	if err := os.WriteFile(props, []byte(tortureProps), 0o600); err != nil {
		t.Fatal(err)
	}
	tortureEvents(t, file, events, r)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"--props", props, "--nats", c.urls("nats", 0), "--accept-volatile", "--shards", "2", "--json", "--lateness", "1m"}
	time.Sleep(3 * time.Second) // the nodes find a leader
	two := [2]*killed{{t: t, args: args}, {t: t, args: args}}
	for _, k := range two {
		k.p = startMonitor(t, k.args...)
	}
	lines := slices.Collect(slices.Chunk(strings.SplitAfter(string(text), "\n"), chunk))
	for n, some := range lines {
		if n%20 == 10 {
			go c.restart(n / 20 % 3)
		}
		k := two[n%2]
		if n%33 == 32 {
			_ = k.p.cmd.Process.Kill()
		}
		k.deliver([]byte(strings.Join(some, "")))
		time.Sleep(20 * time.Millisecond)
	}
	time.Sleep(5 * time.Second)
	k := two[0]
	for {
		if status, _ := k.p.request("POST", "/v1/close", "", nil); status == http.StatusOK {
			break
		}
		time.Sleep(time.Second)
	}
	st := k.p.close()
	got, _ := k.p.violations()
	want, sum := whatCheckFinds(t, "--props", props, "--events", file, "--lateness", "1m")
	slices.Sort(got) // the shards' are in the order of their commits
	slices.Sort(want)
	if !slices.Equal(got, want) || len(want) < 20 || two[0].kills+two[1].kills < 4 {
		t.Fatalf("monitors killed %d and %d times: %d violations, wanted %d", two[0].kills, two[1].kills, len(got), len(want))
	}
	if st.Events != sum.Events || st.Late != sum.Late || st.Missing > 0 || st.Lost > 0 {
		t.Fatalf("%+v, wanted as in %+v", st, sum)
	}
}
