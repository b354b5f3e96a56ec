package boxoffice

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Pay is the function pay.
type Pay struct {
	Table    *Table
	Receipts *Receipts
	Payments *http.Client
	Variant  Variant
}

// Handle charges a batch of bookings, and tells which have failed.
func (f *Pay) Handle(ctx context.Context, batch events.SQSEvent) (out events.SQSEventResponse, err error) {
	for _, m := range batch.Records {
		err := f.pay(ctx, m.Body)
		if err == nil {
			continue
		}
		log.Printf("not paid: %v", err)
		if !f.Variant.Unreported {
			out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		}
	}
	return out, nil
}

// pay charges a booking that is held, and goes on with one whose payment has begun.
// That it has begun is noted before: from then on nobody gives up the seat.
func (f *Pay) pay(ctx context.Context, message string) error {
	var asked Booking
	if err := json.Unmarshal([]byte(message), &asked); err != nil {
		return err
	}
	todo, due := "", time.Time{}
	if f.Variant.ExpirePaying {
		todo, due = toExpire, time.Now().Add(holdFor)
	}
	b, err := f.Table.move(ctx, asked.ID, paying, todo, due, held, paying)
	if err != nil {
		return err
	}
	if b.Status == paying {
		if err := f.charge(ctx, b); err != nil {
			return err
		}
		if b, err = f.Table.move(ctx, b.ID, paid, toTicket, time.Now().Add(waitFor), paying); err != nil {
			return err
		}
	}
	if b.Status != paid {
		return nil // it has run out, or has its ticket
	}
	return f.Receipts.write(ctx, b)
}

// charge has the customer charged, once for a booking.
func (f *Pay) charge(ctx context.Context, b Booking) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://payments.example/charges", strings.NewReader(fmt.Sprintf(`{"booking":%q}`, b.ID)))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", b.ID)
	resp, err := f.Payments.Do(r)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		err = fmt.Errorf("the payments answer %s", resp.Status)
	}
	return errors.Join(err, resp.Body.Close())
}

// Receipts is the bucket of receipts and tickets.
type Receipts struct {
	S3     *s3.Client
	Bucket string
}

// write writes a receipt, of which function ticket is told.
func (r *Receipts) write(ctx context.Context, b Booking) error {
	b.Status = ""
	body, err := json.Marshal(b)
	if err != nil {
		return err
	}
	_, err = r.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: &r.Bucket, Key: aws.String("receipts/" + b.ID + ".json"), Body: bytes.NewReader(body), ContentType: aws.String("application/json")})
	return err
}
