package boxoffice

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// API is the function api.
type API struct {
	Table    *Table
	SQS      *sqs.Client
	Payments string // the queue's URL
}

// Routes are those of the HTTP API.
var Routes = []string{"POST /bookings", "GET /plays/{play}"}

var (
	errTaken   = errors.New("the seat is taken")
	errExpired = errors.New("the booking has expired")
)

// Handle answers a request.
func (f *API) Handle(ctx context.Context, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	if r.RouteKey == "GET /plays/{play}" {
		return f.show(ctx, r.PathParameters["play"])
	}
	var b Booking
	if err := json.Unmarshal([]byte(r.Body), &b); err != nil || b.ID == "" || b.Play == "" || b.Seat == "" {
		return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusBadRequest}, nil
	}
	err := f.book(ctx, b)
	switch {
	case errors.Is(err, errTaken), errors.Is(err, errExpired):
		return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusConflict, Body: err.Error()}, nil
	case err != nil:
		log.Printf("booking %s: %v", b.ID, err)
		return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusServiceUnavailable}, nil
	}
	return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusAccepted}, nil
}

// book takes the booking and its seat, if that was not done before, and queues the
// payment, again where an attempt before may not have.
func (f *API) book(ctx context.Context, b Booking) error {
	booking := bookingKey(b.ID)
	booking["booking"], booking["play"], booking["seat"] = text(b.ID), text(b.Play), text(b.Seat)
	booking["status"], booking["todo"], booking["due"] = text(held), text(toExpire), moment(time.Now().Add(holdFor))
	seat := seatKey(b.Play, b.Seat)
	seat["booking"] = text(b.ID)
	refused, err := f.Table.transact(ctx, f.Table.put(booking), f.Table.put(seat))
	if err != nil {
		return err
	}
	known, again := refused[0]
	_, taken := refused[1]
	switch {
	case again && textOf(known, "status") == expired:
		return errExpired
	case taken && !again:
		return errTaken
	case b.Hold:
		return nil
	}
	body, err := json.Marshal(Booking{ID: b.ID, Play: b.Play, Seat: b.Seat})
	if err != nil {
		return err
	}
	message := string(body)
	_, err = f.SQS.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &f.Payments, MessageBody: &message})
	return err
}

// show tells how many seats of a play are sold.
func (f *API) show(ctx context.Context, play string) (events.APIGatewayV2HTTPResponse, error) {
	out, err := f.Table.DynamoDB.GetItem(ctx, &dynamodb.GetItemInput{TableName: &f.Table.Name, Key: salesKey(play)})
	if err != nil {
		return events.APIGatewayV2HTTPResponse{}, err
	}
	sold := "0"
	if n, ok := out.Item["sold"].(*types.AttributeValueMemberN); ok {
		sold = n.Value
	}
	return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusOK, Body: fmt.Sprintf(`{"sold":%s}`, sold)}, nil
}
