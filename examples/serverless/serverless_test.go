package serverless

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// An order that is sent twice is charged twice: once time has passed, the monitor
// says so, and it says nothing to who has no token.
func TestServerless(t *testing.T) {
	t.Setenv("REDIS_ADDR", miniredis.RunT(t).Addr())
	t.Setenv("MONITOR_TOKEN", "t-1")
	monitor := httptest.NewServer(lazily(openMonitor))
	defer monitor.Close()
	t.Setenv("MONITOR_URL", monitor.URL)
	shop := httptest.NewServer(lazily(openShop))
	defer shop.Close()
	for _, order := range []string{"/o-1", "/o-2", "/o-1"} {
		ask(t, http.MethodPost, shop.URL+order, "")
	}
	// Another's clock is a minute ahead of the shop's: what the shop did is settled.
	ask(t, http.MethodPost, monitor.URL, later())
	ask(t, http.MethodPost, monitor.URL+"/v1/tick", "")
	told := ask(t, http.MethodGet, monitor.URL+"/v1/violations", "")
	if strings.Count(told, "\n") != 1 || !strings.Contains(told, `"binding":{"order":"o-1"}`) {
		t.Fatalf("told %q", told)
	}
	resp, err := http.Get(monitor.URL + "/v1/violations")
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		t.Fatal(resp, err)
	}
	_ = resp.Body.Close()
}

func ask(t *testing.T, method, url, body string) string {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer t-1")
	r.Header.Set("Content-Type", "application/cloudevents+json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		t.Fatalf("%s %s: %d %s %v", method, url, resp.StatusCode, text, err)
	}
	return string(text)
}

// later is an event that no property wants.
func later() string {
	return `{"specversion":"1.0","id":"1","source":"another","type":"NOTHING","time":"` + time.Now().Add(time.Minute).UTC().Format(time.RFC3339Nano) + `"}`
}
