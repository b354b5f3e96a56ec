package lambdaprobe

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/wtsim/wtsim/probe"
)

// stream is a response that is read after its handler has returned: what is recorded
// meanwhile leaves before its end.
type stream struct {
	io.Reader
	recorder *probe.Recorder
	until    time.Time // the function's limit
}

// streaming returns a response with what the library looks for in it: whether it
// can be closed, and a content type.
func streaming(r *probe.Recorder, base io.Reader, until time.Time) io.Reader {
	s := &stream{base, r, until}
	closer, closes := base.(io.Closer)
	typed, named := base.(contentTyped)
	switch {
	case closes && named:
		return struct {
			*stream
			io.Closer
			contentTyped
		}{s, closer, typed}
	case closes:
		return struct {
			*stream
			io.Closer
		}{s, closer}
	case named:
		return struct {
			*stream
			contentTyped
		}{s, typed}
	}
	return s
}

type contentTyped interface{ ContentType() string }

// Read reads.
func (s *stream) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil {
		s.recorder.FlushBefore(context.Background(), s.until)
	}
	return n, err
}

// MarshalJSON is the response's own, by which the library tells whether it is a stream.
func (s *stream) MarshalJSON() ([]byte, error) { return json.Marshal(s.Reader) }

// Played returns a handler that runs an invocation of a recording again, for `wtsim
// debug`: invoke is that of a lambda.Handler,
//
//	func Played(p *recording.Player) (http.Handler, error) {
//		return lambdaprobe.Played(lambda.NewHandler(New(clients(p)).Handle).Invoke), nil
//	}
//
// Its context has the request's id and the function's ARN, and ends at no deadline.
func Played(invoke func(ctx context.Context, payload []byte) ([]byte, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		payload, err := io.ReadAll(r.Body)
		var out []byte
		if err == nil {
			out, err = invoke(played(r), payload)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = w.Write(out) // nobody is there to be told
	})
}

func played(r *http.Request) context.Context {
	return lambdacontext.NewContext(r.Context(), &lambdacontext.LambdaContext{
		AwsRequestID: r.Header.Get("Lambda-Runtime-Aws-Request-Id"), InvokedFunctionArn: r.Header.Get("Lambda-Runtime-Invoked-Function-Arn")})
}
