// Package oldsecret charges orders at a payment service whose password is rotated.
//
// Pay asks for the password once, with its instance's first order, and keeps it:
// once the password has been rotated a warm instance is refused, whatever is tried
// again, until nobody uses it any more.
//
// Reported: https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets_strategies.html
// (the single user strategy: "your code should have a retry strategy in case a call is
// refused while a secret is rotated", since for a while, or with a cache, the old
// password is used).
//
// Provoked by: a rotation between two orders of one instance.
//
// Remedy: who is refused asks for the password again, and tries once more.
package oldsecret

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

const secret = "payments/password"

// Order is the function order.
type Order struct{ SQS *sqs.Client }

// Handle queues the order that the path names.
func (f *Order) Handle(ctx context.Context, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	_, err := f.SQS.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String("https://sqs.us-east-1.amazonaws.com/123456789012/orders"),
		MessageBody: aws.String(fmt.Sprintf(`{"order":%q}`, r.RawPath[1:]))})
	if err != nil {
		return events.APIGatewayV2HTTPResponse{}, err
	}
	return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusAccepted}, nil
}

// Pay is the function pay.
type Pay struct {
	Secrets  *secretsmanager.Client
	Payments *http.Client
	Repaired bool

	mu       sync.Mutex
	password string
}

// Handle charges the orders of a batch.
func (f *Pay) Handle(ctx context.Context, batch events.SQSEvent) error {
	for _, m := range batch.Records {
		var order struct{ Order string }
		if err := json.Unmarshal([]byte(m.Body), &order); err != nil {
			return err
		}
		if err := f.charge(ctx, order.Order); err != nil {
			return err
		}
	}
	return nil
}

var errUnauthorized = errors.New("the payment service does not take the password")

func (f *Pay) charge(ctx context.Context, order string) error {
	password, err := f.get(ctx, false)
	if err != nil {
		return err
	}
	err = post(ctx, f.Payments, "/charges", password, fmt.Sprintf(`{"order":%q}`, order), order)
	if f.Repaired && errors.Is(err, errUnauthorized) {
		if password, err = f.get(ctx, true); err != nil {
			return err
		}
		err = post(ctx, f.Payments, "/charges", password, fmt.Sprintf(`{"order":%q}`, order), order)
	}
	return err
}

// get returns the password, which it keeps.
func (f *Pay) get(ctx context.Context, anew bool) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.password != "" && !anew {
		return f.password, nil
	}
	out, err := f.Secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(secret)})
	if err != nil {
		return "", err
	}
	f.password = *out.SecretString
	return f.password, nil
}

// Rotate is the function rotate: the payment service gets another password, and so
// does the secret.
type Rotate struct {
	Secrets  *secretsmanager.Client
	Payments *http.Client
}

// Handle rotates it. It may be asked again: the password is named by the request.
func (f *Rotate) Handle(ctx context.Context, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	password := r.RawPath[1:]
	if err := post(ctx, f.Payments, "/password", "admin", fmt.Sprintf(`{"password":%q}`, password), ""); err != nil {
		return events.APIGatewayV2HTTPResponse{}, err
	}
	_, err := f.Secrets.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: aws.String(secret), SecretString: &password})
	return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusOK}, err
}

func post(ctx context.Context, c *http.Client, path, password, body, key string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://payments.example"+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.SetBasicAuth("shop", password)
	r.Header.Set("Content-Type", "application/json")
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	resp, err := c.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusUnauthorized:
		return errUnauthorized
	case resp.StatusCode >= 300:
		return fmt.Errorf("the payment service answers %s", resp.Status)
	}
	return nil
}
