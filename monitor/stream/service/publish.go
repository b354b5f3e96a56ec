package service

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/wtsim/wtsim/monitor/stream"
)

// publish tells violations one by one, in order, and keeps how many it has
// told. Who dies between the two tells one again: at least once.
func (s *Service) publish(ctx context.Context, name string, tell func(context.Context, stream.ID, []byte) error) {
	for pause := 100 * time.Millisecond; ctx.Err() == nil; pause = min(2*pause, 30*time.Second) {
		err := s.publishFrom(ctx, name, tell, func() { pause = 100 * time.Millisecond })
		if ctx.Err() == nil {
			s.fail(fmt.Errorf("%s: %w", name, err))
			sleep(ctx, pause)
		}
	}
}

// publishFrom tells what the cursor says is not told, until something fails;
// well is called whenever something was told.
func (s *Service) publishFrom(ctx context.Context, name string, tell func(context.Context, stream.ID, []byte) error, well func()) error {
	cursor, err := stream.OpenCursor(ctx, s.logs.Cursor(name))
	for err == nil {
		s.metrics.setCursor(name, cursor.Told())
		change := s.verdicts.change()
		told := cursor.Told()
		_, err = s.verdicts.each(ctx, told, func(id stream.ID, object []byte) error {
			if err := tell(ctx, id, object); err != nil {
				return err
			}
			if told++; told-cursor.Told() >= 100 {
				return errEnough
			}
			return nil
		})
		if told > cursor.Told() {
			well()
			if kept := cursor.Advance(context.WithoutCancel(ctx), told); kept != nil {
				return fmt.Errorf("its cursor: %w", kept)
			}
		}
		switch {
		case errors.Is(err, errEnough):
			err = nil
		case err == nil:
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-change:
			}
		}
	}
	return err
}

// errEnough ends a round, so that the cursor is kept now and then.
var errEnough = errors.New("enough for now")

var webhookClient = &http.Client{Timeout: 10 * time.Second}

// post posts a violation to the webhook. What the receiver refuses for what it
// is, is tried five times; all else until it is taken.
func (s *Service) post(ctx context.Context, id stream.ID, object []byte) error {
	for tries := 1; ; tries++ {
		status, err := s.postOnce(ctx, id, object)
		switch {
		case err != nil:
			return err
		case status/100 == 2:
			return nil
		case status != http.StatusBadRequest && status != http.StatusRequestEntityTooLarge && status != http.StatusUnprocessableEntity:
			return fmt.Errorf("the receiver answers %d", status)
		case tries == 5:
			s.metrics.webhookRefused()
			s.log.Error("the webhook's receiver refuses a violation: it is not told there", "id", id.String(), "status", status)
			return nil
		}
		sleep(ctx, time.Second)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

func (s *Service) postOnce(ctx context.Context, id stream.ID, object []byte) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Webhook, bytes.NewReader(object))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", id.String())
	answer, err := webhookClient.Do(r)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}
