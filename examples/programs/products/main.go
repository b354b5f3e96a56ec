// Command products is a function of Lambda behind an HTTP API: a shop's products and
// their orders. A router serves it by an adapter; its client, made in init, and
// what it remembers of products are in package variables.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	chiadapter "github.com/awslabs/aws-lambda-go-api-proxy/chi"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
)

var (
	db      *dynamodb.Client
	adapter *chiadapter.ChiLambdaV2

	productsTable = aws.String(os.Getenv("PRODUCTS_TABLE"))
	ordersTable   = aws.String(os.Getenv("ORDERS_TABLE"))

	// checked says that an order is written on the condition that its product is for
	// sale.
	checked = os.Getenv("CHECK_ORDERS") == "true"

	// known are the products that were looked up: an instance serves one request at a
	// time, so that it needs no lock.
	known = map[string]product{}
)

// product is one of the shop's.
type product struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	ForSale bool   `json:"forSale"`
}

// order is what a customer asks for.
type order struct {
	ID      string `json:"id"`
	Product string `json:"product"`
}

var (
	errUnknown   = errors.New("there is no such product")
	errWithdrawn = errors.New("the product is no longer for sale")
)

func init() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatalf("configuration: %v", err)
	}
	db = dynamodb.NewFromConfig(cfg)

	r := chi.NewRouter()
	r.Use(middleware.Recoverer)
	r.Get("/products/{id}", show)
	r.Delete("/products/{id}", withdraw)
	r.Post("/orders", take)
	adapter = chiadapter.NewV2(r)
}

func main() { lambda.Start(adapter.ProxyWithContextV2) }

// show tells what is known of a product.
func show(w http.ResponseWriter, r *http.Request) {
	p, err := lookUp(r.Context(), chi.URLParam(r, "id"))
	if err != nil {
		refuse(w, r, err)
		return
	}
	answer(w, http.StatusOK, p)
}

// withdraw takes a product from sale. It forgets the product, in the instance that
// happens to serve the request: what others remember they go on to sell.
func withdraw(w http.ResponseWriter, r *http.Request) {
	id := chi.URLParam(r, "id")
	_, err := db.UpdateItem(r.Context(), &dynamodb.UpdateItemInput{
		TableName:                 productsTable,
		Key:                       map[string]types.AttributeValue{"id": text(id)},
		UpdateExpression:          aws.String("SET forSale = :no"),
		ConditionExpression:       aws.String("attribute_exists(id)"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":no": &types.AttributeValueMemberBOOL{}},
	})
	if failed := (*types.ConditionalCheckFailedException)(nil); errors.As(err, &failed) {
		err = errUnknown
	}
	if err != nil {
		refuse(w, r, err)
		return
	}
	delete(known, id)
	w.WriteHeader(http.StatusNoContent)
}

// take takes an order, once: the same order again is the same order.
func take(w http.ResponseWriter, r *http.Request) {
	var o order
	if err := json.NewDecoder(r.Body).Decode(&o); err != nil || o.ID == "" || o.Product == "" {
		http.Error(w, "wanted an id and a product", http.StatusBadRequest)
		return
	}
	p, err := lookUp(r.Context(), o.Product)
	if err == nil && !p.ForSale {
		err = errWithdrawn
	}
	if err == nil {
		err = write(r.Context(), o)
	}
	if err != nil {
		refuse(w, r, err)
		return
	}
	answer(w, http.StatusCreated, o)
}

// lookUp finds a product, in memory or in the table.
func lookUp(ctx context.Context, id string) (product, error) {
	if p, ok := known[id]; ok {
		return p, nil
	}
	found, err := db.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      productsTable,
		Key:            map[string]types.AttributeValue{"id": text(id)},
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return product{}, err
	}
	if found.Item == nil {
		return product{}, errUnknown
	}
	p := product{ID: id}
	if name, ok := found.Item["name"].(*types.AttributeValueMemberS); ok {
		p.Name = name.Value
	}
	if sale, ok := found.Item["forSale"].(*types.AttributeValueMemberBOOL); ok {
		p.ForSale = sale.Value
	}
	known[id] = p
	return p, nil
}

// write writes an order.
func write(ctx context.Context, o order) error {
	put := &types.Put{TableName: ordersTable, Item: map[string]types.AttributeValue{"id": text(o.ID), "product": text(o.Product)}}
	if !checked {
		_, err := db.PutItem(ctx, &dynamodb.PutItemInput{TableName: put.TableName, Item: put.Item})
		return err
	}
	_, err := db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: put},
		{ConditionCheck: &types.ConditionCheck{
			TableName:                 productsTable,
			Key:                       map[string]types.AttributeValue{"id": text(o.Product)},
			ConditionExpression:       aws.String("forSale = :yes"),
			ExpressionAttributeValues: map[string]types.AttributeValue{":yes": &types.AttributeValueMemberBOOL{Value: true}},
		}},
	}})
	var canceled *types.TransactionCanceledException
	if errors.As(err, &canceled) && len(canceled.CancellationReasons) == 2 && aws.ToString(canceled.CancellationReasons[1].Code) == "ConditionalCheckFailed" {
		delete(known, o.Product)
		return errWithdrawn
	}
	return err
}

// refuse answers with what an error means to the one who asks.
func refuse(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusServiceUnavailable
	switch {
	case errors.Is(err, errUnknown):
		status = http.StatusNotFound
	case errors.Is(err, errWithdrawn):
		status = http.StatusGone
	default:
		log.Printf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	http.Error(w, http.StatusText(status), status)
}

func answer(w http.ResponseWriter, status int, what any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(what); err != nil {
		log.Printf("answer: %v", err)
	}
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
