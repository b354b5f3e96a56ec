package service

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/wtsim/wtsim/monitor/stream"
)

// publish tells violations one by one, in order, and keeps how many it has
// told. Who dies between the two tells one again: at least once.
func (s *Service) publish(ctx context.Context, name string, tell func(context.Context, stream.ID, []byte) error) {
	cursor := s.logs.Cursor(name)
	pause := 100 * time.Millisecond
	wait := func(err error) {
		s.fail(fmt.Errorf("%s: %w", name, err))
		sleep(ctx, pause)
		pause = min(2*pause, 30*time.Second)
	}
	var told int
	var last uint64
	for {
		r, _, err := cursor.Last(ctx)
		if err == nil {
			told, _ = strconv.Atoi(string(r.Data)) // none yet is 0
			last = r.Seq
			break
		}
		if wait(err); ctx.Err() != nil {
			return
		}
	}
	s.metrics.setCursor(name, told)
	for ctx.Err() == nil {
		change := s.verdicts.change()
		before := told
		next, err := s.verdicts.each(ctx, told, func(id stream.ID, object []byte) error {
			if err := tell(ctx, id, object); err != nil {
				return err
			}
			if told++; told-before >= 100 {
				return errEnough
			}
			return nil
		})
		_ = next
		if told > before {
			pause = 100 * time.Millisecond
			var kept error
			if last, kept = cursor.AppendIf(context.WithoutCancel(ctx), []byte(strconv.Itoa(told)), last); kept != nil {
				s.fail(fmt.Errorf("%s: its cursor: %w", name, kept))
				r, _, _ := cursor.Last(context.WithoutCancel(ctx))
				last = r.Seq
			}
			s.metrics.setCursor(name, told)
			if err == nil || errors.Is(err, errEnough) {
				continue
			}
		}
		if err != nil && ctx.Err() == nil {
			wait(err)
			continue
		}
		select {
		case <-ctx.Done():
		case <-change:
		}
	}
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
