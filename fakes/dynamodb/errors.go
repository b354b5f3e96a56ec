package dynamodb

import (
	"errors"

	"github.com/wtsim/wtsim/fakes/internal/awswire"
)

// invalid is the refusal of a request that is wrong.
func invalid(message string) error {
	return &awswire.Error{Code: "ValidationException", Namespace: "com.amazon.coral.validate", Message: message}
}

// refused is the service's own error.
func refused(code, message string) error { return &awswire.Error{Code: code, Message: message} }

// lacks is the refusal of what is not simulated.
func lacks(what, advice string) error {
	return &awswire.Lack{What: "DynamoDB's " + what, Advice: advice}
}

// failed tells the refusal that an error is, if it is one.
func failed(err error) *awswire.Error {
	var e *awswire.Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
var (
	errNoTable     = refused("ResourceNotFoundException", "Requested resource not found")
	errNotFulfiled = refused("ConditionalCheckFailedException", "The conditional request failed")
	errKeySchema   = invalid("The provided key element does not match the schema")
	errTooLarge    = invalid("Item size has exceeded the maximum allowed size")
)

// faults are how it refuses what it might have carried out.
var faults = map[string]awswire.Code{
	"InternalServerError": {Status: 500, Message: "Internal server error"},
	"ProvisionedThroughputExceededException": {Message: "The level of configured provisioned throughput for the table was exceeded. " +
		"Consider increasing your provisioning level with the UpdateTable API."},
	"ThrottlingException": {Message: "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or index " +
		"so please try again shortly. If exceptions persist, check if you have a hot key: " +
		"https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html"},
}
