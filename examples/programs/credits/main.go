// Command credits is a function of Lambda behind an HTTP API: customers pay orders by
// their credit, and get it back when they cancel. Customers and orders are items of
// one table, and an index finds an order by its number:
//
//	pk             sk             gsi1pk       gsi1sk
//	CUSTOMER#alice PROFILE                                      credit
//	CUSTOMER#alice ORDER#o-1      ORDER#o-1    CUSTOMER#alice   total, state
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

var (
	db    *dynamodb.Client
	table = aws.String(os.Getenv("TABLE_NAME"))

	// guarded says that an order is cancelled on the condition that it is open.
	guarded = os.Getenv("GUARD_CANCEL") == "true"
)

// order is an order's item.
type order struct {
	PK     string `dynamodbav:"pk" json:"-"`
	SK     string `dynamodbav:"sk" json:"-"`
	GSI1PK string `dynamodbav:"gsi1pk" json:"-"`
	GSI1SK string `dynamodbav:"gsi1sk" json:"-"`
	ID     string `dynamodbav:"id" json:"id"`
	Total  int    `dynamodbav:"total" json:"total"`
	State  string `dynamodbav:"state" json:"state"`
}

// The states of an order.
const (
	open      = "open"
	cancelled = "cancelled"
)

// What customers are told of.
var (
	errUnknown = errors.New("there is no such order")
	errTaken   = errors.New("there is an order of this number")
	errCredit  = errors.New("the credit is not enough")
)

func init() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatalf("configuration: %v", err)
	}
	db = dynamodb.NewFromConfig(cfg)
}

func main() { lambda.Start(handle) }

// handle routes: POST /customers/{customer}/orders, POST /orders/{order}/cancel and
// GET /orders/{order}.
func handle(ctx context.Context, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	parts := strings.Split(strings.Trim(r.RawPath, "/"), "/")
	switch method := r.RequestContext.HTTP.Method; {
	case method == http.MethodPost && len(parts) == 3 && parts[0] == "customers" && parts[2] == "orders":
		var o order
		if err := json.Unmarshal([]byte(r.Body), &o); err != nil || o.ID == "" || o.Total < 1 {
			return answer(http.StatusBadRequest, "wanted an id and a total"), nil
		}
		return result(place(ctx, parts[1], o))
	case method == http.MethodPost && len(parts) == 3 && parts[0] == "orders" && parts[2] == "cancel":
		return result(cancel(ctx, parts[1]))
	case method == http.MethodGet && len(parts) == 2 && parts[0] == "orders":
		return result(find(ctx, parts[1]))
	}
	return answer(http.StatusNotFound, "no such path"), nil
}

// place writes an order and takes its total from the customer's credit.
func place(ctx context.Context, customer string, o order) (order, error) {
	o.PK, o.SK = "CUSTOMER#"+customer, "ORDER#"+o.ID
	o.GSI1PK, o.GSI1SK = o.SK, o.PK
	o.State = open
	item, err := attributevalue.MarshalMap(o)
	if err != nil {
		return order{}, err
	}
	isNew, err := expression.NewBuilder().WithCondition(expression.AttributeNotExists(expression.Name("pk"))).Build()
	if err != nil {
		return order{}, err
	}
	credit, err := changed(o.PK, "PROFILE", expression.NewBuilder().
		WithUpdate(expression.Set(expression.Name("credit"), expression.Name("credit").Minus(expression.Value(o.Total)))).
		WithCondition(expression.Name("credit").GreaterThanEqual(expression.Value(o.Total))))
	if err != nil {
		return order{}, err
	}
	_, err = db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{TableName: table, Item: item, ConditionExpression: isNew.Condition(), ExpressionAttributeNames: isNew.Names()}},
		{Update: credit},
	}})
	switch failed(err) {
	case 0:
		return order{}, errTaken
	case 1:
		return order{}, errCredit
	}
	return o, err
}

// cancel gives back what an order has cost. One that is cancelled already is
// left as it is: so says the index, which learns of changes a little later.
func cancel(ctx context.Context, id string) (order, error) {
	o, err := find(ctx, id)
	if err != nil || o.State == cancelled {
		return o, err
	}
	closing := expression.NewBuilder().WithUpdate(expression.Set(expression.Name("state"), expression.Value(cancelled)))
	if guarded {
		closing = closing.WithCondition(expression.Name("state").Equal(expression.Value(open)))
	}
	state, err := changed(o.PK, o.SK, closing)
	if err != nil {
		return order{}, err
	}
	credit, err := changed(o.PK, "PROFILE", expression.NewBuilder().
		WithUpdate(expression.Add(expression.Name("credit"), expression.Value(o.Total))))
	if err != nil {
		return order{}, err
	}
	_, err = db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Update: state}, {Update: credit}}})
	if err != nil && failed(err) != 0 {
		return order{}, err
	}
	o.State = cancelled
	return o, nil
}

// find looks an order up by its number.
func find(ctx context.Context, id string) (order, error) {
	by, err := expression.NewBuilder().WithKeyCondition(expression.Key("gsi1pk").Equal(expression.Value("ORDER#" + id))).Build()
	if err != nil {
		return order{}, err
	}
	found, err := db.Query(ctx, &dynamodb.QueryInput{
		TableName:                 table,
		IndexName:                 aws.String("gsi1"),
		KeyConditionExpression:    by.KeyCondition(),
		ExpressionAttributeNames:  by.Names(),
		ExpressionAttributeValues: by.Values(),
	})
	if err != nil {
		return order{}, fmt.Errorf("find %s: %w", id, err)
	}
	if len(found.Items) == 0 {
		return order{}, errUnknown
	}
	var o order
	err = attributevalue.UnmarshalMap(found.Items[0], &o)
	return o, err
}

// changed is an update of an item, as a part of a transaction.
func changed(pk, sk string, b expression.Builder) (*types.Update, error) {
	e, err := b.Build()
	if err != nil {
		return nil, err
	}
	return &types.Update{
		TableName:                 table,
		Key:                       map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: pk}, "sk": &types.AttributeValueMemberS{Value: sk}},
		UpdateExpression:          e.Update(),
		ConditionExpression:       e.Condition(),
		ExpressionAttributeNames:  e.Names(),
		ExpressionAttributeValues: e.Values(),
	}, nil
}

// failed is the first action of a transaction whose condition has failed, -1 if
// it is none.
func failed(err error) int {
	var canceled *types.TransactionCanceledException
	if errors.As(err, &canceled) {
		for i, reason := range canceled.CancellationReasons {
			if aws.ToString(reason.Code) == "ConditionalCheckFailed" {
				return i
			}
		}
	}
	return -1
}

func result(o order, err error) (events.APIGatewayV2HTTPResponse, error) {
	switch {
	case errors.Is(err, errUnknown):
		return answer(http.StatusNotFound, err.Error()), nil
	case errors.Is(err, errTaken), errors.Is(err, errCredit):
		return answer(http.StatusConflict, err.Error()), nil
	case err != nil:
		log.Printf("order: %v", err)
		return answer(http.StatusServiceUnavailable, "try again"), nil
	}
	return answer(http.StatusOK, o), nil
}

func answer(status int, what any) events.APIGatewayV2HTTPResponse {
	body, err := json.Marshal(what)
	if err != nil {
		log.Printf("answer: %v", err)
		status = http.StatusInternalServerError
	}
	return events.APIGatewayV2HTTPResponse{StatusCode: status, Headers: map[string]string{"Content-Type": "application/json"}, Body: string(body)}
}
