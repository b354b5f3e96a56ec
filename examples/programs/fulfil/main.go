// Command fulfil is a function of Lambda that a queue invokes: it takes the pieces
// of orders from the stock, which is in DynamoDB, and queues a parcel for each. It
// was written for the first SDK, with its session and clients in package variables,
// and says which messages of a batch it could not do.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"strconv"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/awserr"
	"github.com/aws/aws-sdk-go/aws/session"
	"github.com/aws/aws-sdk-go/service/dynamodb"
	"github.com/aws/aws-sdk-go/service/dynamodb/dynamodbattribute"
	"github.com/aws/aws-sdk-go/service/sqs"
)

var (
	sess = session.Must(session.NewSession())
	db   = dynamodb.New(sess)
	out  = sqs.New(sess)

	stockTable  = os.Getenv("STOCK_TABLE")
	ordersTable = os.Getenv("ORDERS_TABLE")
	parcels     = os.Getenv("PARCELS_QUEUE_URL")

	// together says that stock and order are written in one transaction.
	together = os.Getenv("STOCK_WITH_ORDER") == "true"
)

// order is what a message says, and what is noted of it.
type order struct {
	ID     string `json:"id"`
	Item   string `json:"item"`
	Pieces int    `json:"pieces"`
	State  string `json:"state,omitempty"`
}

// The states of an order.
const (
	taken   = "taken" // from the stock; its parcel may be queued
	queued  = "queued"
	soldOut = "sold out"
)

var errSoldOut = errors.New("sold out")

func main() { lambda.Start(handle) }

func handle(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
	var response events.SQSEventResponse
	for _, m := range batch.Records {
		if err := message(ctx, m); err != nil {
			log.Printf("message %s, received for the %s. time: %v", m.MessageId, m.Attributes["ApproximateReceiveCount"], err)
			response.BatchItemFailures = append(response.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		}
	}
	return response, nil
}

func message(ctx context.Context, m events.SQSMessage) error {
	var o order
	if err := json.Unmarshal([]byte(m.Body), &o); err != nil || o.ID == "" || o.Pieces < 1 {
		log.Printf("message %s is no order: %q", m.MessageId, m.Body)
		return nil // it would come again until it is dead
	}
	return fulfil(ctx, o)
}

// fulfil brings an order from where it is noted to be to its end.
func fulfil(ctx context.Context, o order) error {
	state, err := noted(ctx, o.ID)
	if err != nil {
		return fmt.Errorf("look up: %w", err)
	}
	if state == queued || state == soldOut {
		return nil
	}
	if state == "" {
		switch err := take(ctx, o); {
		case errors.Is(err, errSoldOut):
			return note(ctx, o, soldOut)
		case err != nil:
			return fmt.Errorf("take: %w", err)
		}
	}
	if err := parcel(ctx, o); err != nil {
		return fmt.Errorf("parcel: %w", err)
	}
	return note(ctx, o, queued)
}

// take takes the pieces from the stock.
func take(ctx context.Context, o order) error {
	if together {
		return takeAndNote(ctx, o)
	}
	// Whoever's time is over from here to the note has taken the pieces, and the
	// message, which comes again, takes them again.
	_, err := db.UpdateItemWithContext(ctx, &dynamodb.UpdateItemInput{
		TableName:                 aws.String(stockTable),
		Key:                       key("item", o.Item),
		UpdateExpression:          aws.String("SET pieces = pieces - :n"),
		ConditionExpression:       aws.String("pieces >= :n"),
		ExpressionAttributeValues: number(":n", o.Pieces),
	})
	if isCode(err, dynamodb.ErrCodeConditionalCheckFailedException) {
		return errSoldOut
	}
	return err
}

// takeAndNote takes the pieces and notes the order, both or neither.
func takeAndNote(ctx context.Context, o order) error {
	o.State = taken
	item, err := dynamodbattribute.MarshalMap(o)
	if err != nil {
		return err
	}
	_, err = db.TransactWriteItemsWithContext(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []*dynamodb.TransactWriteItem{
		{Put: &dynamodb.Put{
			TableName:           aws.String(ordersTable),
			Item:                item,
			ConditionExpression: aws.String("attribute_not_exists(id)"),
		}},
		{Update: &dynamodb.Update{
			TableName:                 aws.String(stockTable),
			Key:                       key("item", o.Item),
			UpdateExpression:          aws.String("SET pieces = pieces - :n"),
			ConditionExpression:       aws.String("pieces >= :n"),
			ExpressionAttributeValues: number(":n", o.Pieces),
		}},
	}})
	var canceled *dynamodb.TransactionCanceledException
	if errors.As(err, &canceled) && len(canceled.CancellationReasons) == 2 {
		switch {
		case aws.StringValue(canceled.CancellationReasons[0].Code) == "ConditionalCheckFailed":
			return nil // somebody else has taken them, for the same order
		case aws.StringValue(canceled.CancellationReasons[1].Code) == "ConditionalCheckFailed":
			return errSoldOut
		}
	}
	return err
}

// noted is the state of an order; empty if nothing is known of it.
func noted(ctx context.Context, id string) (string, error) {
	found, err := db.GetItemWithContext(ctx, &dynamodb.GetItemInput{TableName: aws.String(ordersTable), Key: key("id", id), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return "", err
	}
	var o order
	err = dynamodbattribute.UnmarshalMap(found.Item, &o)
	return o.State, err
}

func note(ctx context.Context, o order, state string) error {
	o.State = state
	item, err := dynamodbattribute.MarshalMap(o)
	if err != nil {
		return err
	}
	if _, err := db.PutItemWithContext(ctx, &dynamodb.PutItemInput{TableName: aws.String(ordersTable), Item: item}); err != nil {
		return fmt.Errorf("note %q: %w", state, err)
	}
	return nil
}

// parcel queues an order's parcel: the queue, first in, first out, has each once.
func parcel(ctx context.Context, o order) error {
	body, err := json.Marshal(map[string]any{"order": o.ID, "item": o.Item, "pieces": o.Pieces})
	if err != nil {
		return err
	}
	_, err = out.SendMessageWithContext(ctx, &sqs.SendMessageInput{
		QueueUrl:               aws.String(parcels),
		MessageBody:            aws.String(string(body)),
		MessageGroupId:         aws.String(o.ID),
		MessageDeduplicationId: aws.String(o.ID),
	})
	return err
}

func key(name, value string) map[string]*dynamodb.AttributeValue {
	return map[string]*dynamodb.AttributeValue{name: {S: aws.String(value)}}
}

func number(name string, n int) map[string]*dynamodb.AttributeValue {
	return map[string]*dynamodb.AttributeValue{name: {N: aws.String(strconv.Itoa(n))}}
}

func isCode(err error, code string) bool {
	var coded awserr.Error
	return errors.As(err, &coded) && coded.Code() == code
}
