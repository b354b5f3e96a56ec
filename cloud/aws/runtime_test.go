package aws

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Who answers when the time limit has passed hears nothing more: a refusal would
// have the library exit by itself, before it is killed.
func TestLateAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := newRuntime(FunctionURL())
		alive, kill := context.WithCancel(t.Context())
		ask := func(method, path string) *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			rt.ServeHTTP(w, httptest.NewRequestWithContext(alive, method, "/2018-06-01/runtime/"+path, strings.NewReader(`{"errorMessage":"deadline"}`)))
			return w
		}
		answered := make(chan struct{})
		go func() {
			id := ask(http.MethodGet, "invocation/next").Header().Get("Lambda-Runtime-Aws-Request-Id")
			time.Sleep(4 * time.Second)
			ask(http.MethodPost, "invocation/"+id+"/error")
			close(answered)
		}()
		limit, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if _, err := rt.Invoke(limit, []byte("{}")); err == nil {
			t.Error("an invocation without an answer has succeeded")
		}
		time.Sleep(time.Minute)
		select {
		case <-answered:
			t.Error("what comes too late is answered")
		default:
		}
		kill()
		<-answered
	})
}
