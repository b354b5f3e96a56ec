package onlambda

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

// An order that is sent twice is charged twice: once time has passed, and the
// schedule's tick has come, the monitor says so, to who has the token.
func TestOnLambda(t *testing.T) {
	t.Setenv("REDIS_ADDR", miniredis.RunT(t).Addr())
	t.Setenv("MONITOR_TOKEN", "t-1")
	monitor := started(t, Monitor)
	monitorURL := functionURL(t, monitor)
	t.Setenv("MONITOR_URL", monitorURL)
	shopURL := functionURL(t, started(t, Shop))
	for _, order := range []string{"/o-1", "/o-2", "/o-1"} {
		if status, text := ask(t, http.MethodPost, shopURL+order, "", ""); status != http.StatusOK {
			t.Fatal(status, text)
		}
	}
	// Another's clock is a minute ahead of the shop's: what the shop did is settled.
	later := `{"specversion":"1.0","id":"1","source":"another","type":"NOTHING","time":"` + time.Now().Add(time.Minute).UTC().Format(time.RFC3339Nano) + `"}`
	if status, text := ask(t, http.MethodPost, monitorURL, "t-1", later); status != http.StatusAccepted {
		t.Fatal(status, text)
	}
	if out, err := monitor.Invoke(t.Context(), []byte(`{"source":"aws.scheduler","detail-type":"Scheduled Event"}`)); err != nil {
		t.Fatal(string(out), err)
	}
	if status, told := ask(t, http.MethodGet, monitorURL+"/v1/violations", "t-1", ""); status != http.StatusOK || strings.Count(told, "\n") != 1 || !strings.Contains(told, `"binding":{"order":"o-1"}`) {
		t.Fatalf("%d %s", status, told)
	}
	if status, told := ask(t, http.MethodGet, monitorURL+"/v1/violations", "", ""); status != http.StatusUnauthorized {
		t.Fatalf("who has no token gets %d %s", status, told)
	}
}

func started(t *testing.T, open func() (any, error)) lambda.Handler {
	t.Helper()
	h, err := open()
	if err != nil {
		t.Fatal(err)
	}
	return lambda.NewHandler(h)
}

// functionURL is the platform: requests become payloads of format 2.0.
func functionURL(t *testing.T, h lambda.Handler) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		in := events.LambdaFunctionURLRequest{Version: "2.0", RawPath: r.URL.Path, RawQueryString: r.URL.RawQuery, Headers: map[string]string{}, Body: string(body)}
		for name := range r.Header {
			in.Headers[strings.ToLower(name)] = r.Header.Get(name)
		}
		in.RequestContext.HTTP.Method, in.RequestContext.HTTP.Path = r.Method, r.URL.Path
		payload, err := json.Marshal(in)
		if err != nil {
			t.Error(err)
		}
		var out events.LambdaFunctionURLResponse
		text, err := h.Invoke(r.Context(), payload)
		if err == nil {
			err = json.Unmarshal(text, &out)
		}
		if err != nil {
			t.Error(err)
			out.StatusCode = http.StatusBadGateway
		}
		w.WriteHeader(out.StatusCode)
		_, _ = io.WriteString(w, out.Body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func ask(t *testing.T, method, url, token, body string) (status int, text string) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	r.Header.Set("Content-Type", "application/cloudevents+json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(all)
}
