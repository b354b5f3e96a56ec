package boxoffice

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Sweep is the function sweep, which a schedule invokes.
type Sweep struct {
	Table    *Table
	Receipts *Receipts
	Variant  Variant
}

// Handle does what is due and nobody else does. The index that it looks into may be
// old: whether something is still to be done is decided where it is done.
func (f *Sweep) Handle(ctx context.Context) error {
	expire, err := f.due(ctx, toExpire)
	if err != nil {
		return err
	}
	ticket, err := f.due(ctx, toTicket)
	for _, b := range expire {
		err = errors.Join(err, f.expire(ctx, b))
	}
	for _, b := range ticket {
		err = errors.Join(err, f.Receipts.write(ctx, b))
	}
	return err
}

// due are the bookings with which something is to be done.
func (f *Sweep) due(ctx context.Context, todo string) (all []Booking, err error) {
	pages := dynamodb.NewQueryPaginator(f.Table.DynamoDB, &dynamodb.QueryInput{
		TableName: &f.Table.Name, IndexName: aws.String("todo"), KeyConditionExpression: aws.String("todo = :todo AND due < :now"),
		ExpressionAttributeValues: item{":todo": text(todo), ":now": moment(time.Now())},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, i := range page.Items {
			all = append(all, bookingOf(i))
		}
	}
	return all, nil
}

// expire gives up a booking that is held, and its seat.
func (f *Sweep) expire(ctx context.Context, b Booking) error {
	status := "#status = :held"
	values := item{":expired": text(expired), ":held": text(held)}
	if f.Variant.ExpirePaying {
		status = "#status IN (:held, :paying)"
		values[":paying"] = text(paying)
	}
	booking := types.TransactWriteItem{Update: &types.Update{
		TableName: &f.Table.Name, Key: bookingKey(b.ID), UpdateExpression: aws.String("SET #status = :expired REMOVE todo, due"),
		ConditionExpression: &status, ExpressionAttributeNames: map[string]string{"#status": "status"}, ExpressionAttributeValues: values,
	}}
	seat := types.TransactWriteItem{Delete: &types.Delete{
		TableName: &f.Table.Name, Key: seatKey(b.Play, b.Seat), ConditionExpression: aws.String("booking = :booking"), ExpressionAttributeValues: item{":booking": text(b.ID)},
	}}
	if f.Variant.TwoWrites {
		if refused, err := f.Table.transact(ctx, booking); err != nil || len(refused) > 0 {
			return err
		}
		_, err := f.Table.transact(ctx, seat)
		return err
	}
	_, err := f.Table.transact(ctx, booking, seat) // what is refused is under way, or done
	return err
}
