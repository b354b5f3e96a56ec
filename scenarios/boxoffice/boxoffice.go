// Package boxoffice sells the seats of plays: five functions of AWS Lambda around
// one table of DynamoDB.
//
//	api      an HTTP API: takes a booking and its seat, in one transaction, and queues the payment; tells how many seats of a play are sold
//	pay      a queue of SQS: charges a batch of bookings, and tells which have failed; writes a receipt to S3
//	ticket   a bucket of S3: makes a ticket of each receipt
//	project  the table's stream: counts what is sold of a play, each booking once
//	sweep    a schedule: gives up seats that nobody has paid for, and writes receipts again of which no ticket has come
//
// The items of the table, and what they have beside their keys:
//
//	BOOKING#b  BOOKING  its play, seat and status; what is to be done (todo), and from when on (due)
//	PLAY#p     SEAT#n   the booking that has taken the seat
//	PLAY#p     SALES    how many are sold
//	PLAY#p     SALE#b   that a booking is counted
//
// A booking goes from held to paying, paid and ticketed, or from held to expired, and
// in no other way: each step is a write on the condition that the step before is the
// last one. Whatever comes twice, late or after a crash finds that it is done.
// [Correct] does all that; each other variant lacks a part of it.
package boxoffice

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Variant is how a box office is built.
type Variant struct {
	ExpirePaying bool // sweep gives up a booking whose payment is under way, too
	Unreported   bool // pay logs what has failed of a batch, and goes on
	CountAgain   bool // project does not know which bookings it has counted
	TwoWrites    bool // sweep gives up the booking first, then its seat
}

// Correct has none of the bugs.
var Correct = Variant{}

// What a booking can be.
const (
	held     = "held"
	paying   = "paying"
	paid     = "paid"
	ticketed = "ticketed"
	expired  = "expired"
)

// What sweep has to do if nobody else does: values of todo.
const (
	toExpire = "expire"
	toTicket = "ticket"
)

// How long a seat is held until its payment begins, and a ticket waited for.
const (
	holdFor = 9 * time.Minute
	waitFor = 2 * time.Minute
)

// Booking is a customer's wish to have a seat.
type Booking struct {
	ID     string `json:"id"` // the customer's, the same whenever he asks again
	Play   string `json:"play"`
	Seat   string `json:"seat"`
	Hold   bool   `json:"hold,omitempty"` // he does not pay yet: he books again without it, before the seat is given up
	Status string `json:"status,omitempty"`
}

// Table is the one table of the box office.
type Table struct {
	DynamoDB *dynamodb.Client
	Name     string
}

// item is an item of the table, or its key.
type item = map[string]types.AttributeValue

func key(pk, sk string) item { return item{"pk": text(pk), "sk": text(sk)} }

func bookingKey(id string) item      { return key("BOOKING#"+id, "BOOKING") }
func seatKey(play, seat string) item { return key("PLAY#"+play, "SEAT#"+seat) }
func salesKey(play string) item      { return key("PLAY#"+play, "SALES") }
func saleKey(play, id string) item   { return key("PLAY#"+play, "SALE#"+id) }

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// moment is a time as the index has it, in milliseconds.
func moment(t time.Time) types.AttributeValue { return number(t.UnixMilli()) }

// textOf is an attribute that is a text.
func textOf(i item, name string) string {
	s, _ := i[name].(*types.AttributeValueMemberS)
	if s == nil {
		return ""
	}
	return s.Value
}

func bookingOf(i item) Booking {
	return Booking{ID: textOf(i, "booking"), Play: textOf(i, "play"), Seat: textOf(i, "seat"), Status: textOf(i, "status")}
}

// move leads a booking to another status if it is in one of some, with what is then
// to be done from some time on. It returns the booking as it is after that, which is
// in the status that it was if that is none of them.
func (t *Table) move(ctx context.Context, id, to, todo string, due time.Time, from ...string) (Booking, error) {
	in := &dynamodb.UpdateItemInput{
		TableName: &t.Name, Key: bookingKey(id),
		UpdateExpression: aws.String("SET #status = :to REMOVE todo, due"), ExpressionAttributeNames: map[string]string{"#status": "status"},
		ExpressionAttributeValues: item{":to": text(to)}, ReturnValues: types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if todo != "" {
		in.UpdateExpression = aws.String("SET #status = :to, todo = :todo, due = :due")
		in.ExpressionAttributeValues[":todo"], in.ExpressionAttributeValues[":due"] = text(todo), moment(due)
	}
	condition := ""
	for n, status := range from {
		condition += fmt.Sprintf(", :from%d", n)
		in.ExpressionAttributeValues[fmt.Sprintf(":from%d", n)] = text(status)
	}
	in.ConditionExpression = aws.String("#status IN (" + condition[2:] + ")")
	out, err := t.DynamoDB.UpdateItem(ctx, in)
	if other, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok && other.Item != nil {
		return bookingOf(other.Item), nil
	}
	if err != nil {
		return Booking{}, fmt.Errorf("booking %s: %w", id, err)
	}
	return bookingOf(out.Attributes), nil
}

// transact writes all items or none. refused are the items whose conditions do not
// hold, by their places, as far as it is these that it fails for.
func (t *Table) transact(ctx context.Context, writes ...types.TransactWriteItem) (refused map[int]item, err error) {
	_, err = t.DynamoDB.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
	canceled, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok {
		return nil, err
	}
	refused = map[int]item{}
	for n, reason := range canceled.CancellationReasons {
		switch aws.ToString(reason.Code) {
		case "ConditionalCheckFailed":
			refused[n] = reason.Item
		case "None":
		default:
			return nil, err // it is not known what holds
		}
	}
	return refused, nil
}

// put writes an item that must not exist.
func (t *Table) put(i item) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{TableName: &t.Name, Item: i, ConditionExpression: aws.String("attribute_not_exists(pk)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld}}
}
