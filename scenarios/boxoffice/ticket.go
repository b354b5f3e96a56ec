package boxoffice

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Ticket is the function ticket.
type Ticket struct {
	Table    *Table
	Receipts *Receipts
}

// Handle makes a ticket of each receipt that was written.
func (f *Ticket) Handle(ctx context.Context, e events.S3Event) error {
	for _, r := range e.Records {
		if err := f.print(ctx, r.S3.Object.URLDecodedKey); err != nil {
			return err
		}
	}
	return nil
}

func (f *Ticket) print(ctx context.Context, receipt string) error {
	out, err := f.Receipts.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: &f.Receipts.Bucket, Key: &receipt})
	if err != nil {
		return err
	}
	var b Booking
	err = errors.Join(json.NewDecoder(out.Body).Decode(&b), out.Body.Close())
	if err != nil {
		return fmt.Errorf("%s: %w", receipt, err)
	}
	ticket := strings.NewReader(fmt.Sprintf("%s, seat %s\nbooking %s\n", b.Play, b.Seat, b.ID))
	_, err = f.Receipts.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: &f.Receipts.Bucket, Key: aws.String("tickets/" + b.ID + ".txt"), Body: ticket, ContentType: aws.String("text/plain")})
	if err != nil {
		return err
	}
	_, err = f.Table.move(ctx, b.ID, ticketed, "", time.Time{}, paid)
	return err
}
