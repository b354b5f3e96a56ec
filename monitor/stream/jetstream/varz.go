package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// oldest is the version of the server from which on what is acknowledged with
// sync_interval: always is on the disk.
var oldest = [3]int{2, 15, 3}

// varz is what a server's monitoring says of itself.
type varz struct {
	ID        string `json:"server_id"`
	Name      string `json:"server_name"`
	Version   string `json:"version"`
	JetStream struct {
		Config *struct {
			SyncAlways bool `json:"sync_always"`
		} `json:"config"`
	} `json:"jetstream"`
}

// CheckSynced asks the servers of a cluster, at the addresses of their
// monitoring, whether they sync each message before it is acknowledged. The error
// names the first that does not, or says that there are more than were asked.
func (e *Engine) CheckSynced(ctx context.Context, addresses []string) error {
	known := map[string]bool{}
	for _, address := range addresses {
		v, err := askVarz(ctx, address)
		if err == nil {
			err = v.synced()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", address, err)
		}
		known[v.ID] = true
	}
	if id := e.connection.ConnectedServerId(); id != "" && !known[id] {
		return fmt.Errorf("server %s, which we are connected to, is none of those, wanted the address of each server's monitoring", e.connection.ConnectedServerName())
	}
	if n := len(e.connection.Servers()); n > len(known) {
		return fmt.Errorf("%d servers are known, and %d were asked, wanted the address of each one's monitoring", n, len(known))
	}
	return nil
}

// synced says why what the server acknowledges may be lost with its power.
func (v *varz) synced() error {
	switch {
	case v.ID == "":
		return errors.New("no answer of a NATS server's monitoring, wanted such as http://nats-0:8222")
	case v.JetStream.Config == nil:
		return fmt.Errorf("server %s has no JetStream, wanted one with it", v.Name)
	case !v.JetStream.Config.SyncAlways:
		return fmt.Errorf("server %s syncs now and then, wanted jetstream { sync_interval: always } in its configuration", v.Name)
	case older(v.Version, oldest):
		return fmt.Errorf("server %s is of version %s, wanted %d.%d.%d or later", v.Name, v.Version, oldest[0], oldest[1], oldest[2])
	}
	return nil
}

func older(version string, than [3]int) bool {
	parts := strings.SplitN(strings.SplitN(version, "-", 2)[0], ".", 3)
	for i, wanted := range than {
		if i >= len(parts) {
			return true
		}
		n, err := strconv.Atoi(parts[i])
		if err != nil || n != wanted {
			return err != nil || n < wanted
		}
	}
	return false
}

// errMonitoring says that a server's monitoring does not answer: it may soon.
var errMonitoring = errors.New("no answer")

func askVarz(ctx context.Context, address string) (v varz, err error) {
	at, err := url.Parse(address)
	if err != nil || at.Host == "" {
		return v, errors.New("wanted the address of a server's monitoring, such as http://nats-0:8222")
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, at.JoinPath("varz").String(), nil)
	if err != nil {
		return v, err
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		return v, fmt.Errorf("%w: %w", errMonitoring, err)
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		return v, fmt.Errorf("it answers %s", r.Status)
	}
	text, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err == nil && json.Unmarshal(text, &v) != nil {
		v = varz{} // which synced tells
	}
	return v, err
}
