package jetstream

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
)

// Real servers are asked whether they sync always; one that does not, one that
// was not asked and what is no server are told apart.
func TestCheckSynced(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }))
	defer other.Close()
	monitored := func(always bool) (*Engine, string) {
		s, e := clustered(t, server.Options{SyncAlways: always, HTTPHost: "127.0.0.1", HTTPPort: -1, ServerName: fmt.Sprint("always-", always)})
		return e, "http://" + s.MonitorAddr().String()
	}
	good, goodAt := monitored(true)
	bad, badAt := monitored(false)
	for _, x := range []struct {
		engine *Engine
		ask    []string
		wanted string
	}{
		{good, []string{goodAt}, ""},
		{good, []string{goodAt + "/"}, ""},
		{bad, []string{badAt}, "server always-false syncs now and then, wanted jetstream { sync_interval: always }"},
		{good, []string{goodAt, badAt}, "syncs now and then"},
		{bad, []string{goodAt}, "server always-false, which we are connected to, is none of those"},
		{good, []string{other.URL}, "no answer of a NATS server's monitoring"},
		{good, []string{"nonsense"}, "wanted the address of a server's monitoring"},
		{good, []string{"http://127.0.0.1:1"}, "refused"},
	} {
		err := x.engine.CheckSynced(t.Context(), x.ask)
		if (err == nil) != (x.wanted == "") || err != nil && !strings.Contains(err.Error(), x.wanted) {
			t.Errorf("%v: %v, wanted %q", x.ask, err, x.wanted)
		}
	}
}

// Versions are compared by their numbers.
func TestOlder(t *testing.T) {
	for version, is := range map[string]bool{
		"2.15.3": false, "2.15.10": false, "2.16.0-RC.1": false, "3.0.0": false, "2.15.2": true, "2.9.30": true, "1.99.99": true, "2.15": true, "": true, "x.y.z": true,
	} {
		if older(version, oldest) != is {
			t.Errorf("%q: wanted %v", version, is)
		}
	}
}
