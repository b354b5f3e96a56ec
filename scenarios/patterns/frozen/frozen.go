// Package frozen books rooms, and tells the cleaners.
//
// Book books a room, and tells the cleaners in a goroutine, so that the guest
// does not wait for that. But a function of Lambda has no CPU once it has
// returned: the goroutine goes on with the next invocation, if the same instance
// gets one, and never if it does not.
//
// Reported: the Lambda Developer Guide, on the execution environment: background
// processes that did not complete when the function ended resume if Lambda reuses
// the environment; "make sure that any background processes or callbacks in your
// code are complete before the code exits".
//
// Provoked by: an end of the invocation that comes before the goroutine's call.
//
// Remedy: the function tells the cleaners before it returns, and the guest tries
// again if it cannot.
package frozen

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// Book is the function book.
type Book struct {
	HTTP     *http.Client
	Repaired bool
}

// Handle books the room whose number is the path.
func (f *Book) Handle(ctx context.Context, r events.LambdaFunctionURLRequest) (events.LambdaFunctionURLResponse, error) {
	room := r.RawPath[1:]
	if err := f.post(ctx, "https://rooms.example/bookings", room); err != nil {
		return events.LambdaFunctionURLResponse{}, err
	}
	tell := func(ctx context.Context) error { return f.post(ctx, "https://cleaners.example/rooms", room) }
	if !f.Repaired {
		go func() { _ = tell(context.WithoutCancel(ctx)) }()
		return events.LambdaFunctionURLResponse{StatusCode: http.StatusCreated}, nil
	}
	if err := tell(ctx); err != nil {
		return events.LambdaFunctionURLResponse{}, err
	}
	return events.LambdaFunctionURLResponse{StatusCode: http.StatusCreated}, nil
}

func (f *Book) post(ctx context.Context, url, room string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(fmt.Sprintf(`{"room":%q}`, room)))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", room)
	resp, err := f.HTTP.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s answers %s", url, resp.Status)
	}
	return nil
}
