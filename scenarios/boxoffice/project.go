package boxoffice

import (
	"context"
	"log"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Project is the function project, which reads the changes of the table in their
// order.
type Project struct {
	Table   *Table
	Variant Variant
}

// Handle counts the bookings that have been paid, and tells from which change on it
// has failed.
func (f *Project) Handle(ctx context.Context, e events.DynamoDBEvent) (out events.DynamoDBEventResponse, err error) {
	for _, r := range e.Records {
		b, ok := sold(r.Change)
		if !ok {
			continue
		}
		if err := f.count(ctx, b); err != nil {
			log.Printf("%s is not counted: %v", b.ID, err)
			out.BatchItemFailures = append(out.BatchItemFailures, events.DynamoDBBatchItemFailure{ItemIdentifier: r.Change.SequenceNumber})
			break
		}
	}
	return out, nil
}

// sold is the booking that a change shows to have been paid.
func sold(c events.DynamoDBStreamRecord) (Booking, bool) {
	get := func(image map[string]events.DynamoDBAttributeValue, name string) string {
		if v, ok := image[name]; ok && v.DataType() == events.DataTypeString {
			return v.String()
		}
		return ""
	}
	b := Booking{ID: get(c.NewImage, "booking"), Play: get(c.NewImage, "play"), Seat: get(c.NewImage, "seat"), Status: get(c.NewImage, "status")}
	return b, b.Status == paid && get(c.OldImage, "status") != paid
}

// count counts a booking, unless it is counted.
func (f *Project) count(ctx context.Context, b Booking) error {
	add := types.TransactWriteItem{Update: &types.Update{
		TableName: &f.Table.Name, Key: salesKey(b.Play), UpdateExpression: aws.String("ADD sold :one"), ExpressionAttributeValues: item{":one": number(1)},
	}}
	if f.Variant.CountAgain {
		_, err := f.Table.transact(ctx, add)
		return err
	}
	sale := saleKey(b.Play, b.ID)
	sale["seat"] = text(b.Seat)
	_, err := f.Table.transact(ctx, f.Table.put(sale), add)
	return err
}
