package dynamodb

import (
	"bytes"
	"slices"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
)

const (
	conditions  = "dynamodb/conditions"
	idempotency = "dynamodb/transaction-token"
	consistency = "dynamodb/consistent-reads"
)

// Guarantees lists what [Service.Without] can take away.
func (s *Service) Guarantees() []cloud.Guarantee {
	return []cloud.Guarantee{{
		Name:    conditions,
		Without: "every conditional write happens, as if its condition held",
		Source:  "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ConditionExpressions.html",
		Used:    cloud.Asks(asks("ConditionExpression")),
	}, {
		Name:    idempotency,
		Without: "a transaction is carried out again, although its client request token is known",
		Source:  "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-apis-txwriteitems-idempotency",
		Used:    cloud.Asks(asks("ClientRequestToken")),
	}, {
		Name:    consistency,
		Without: "a read that asks for consistency may miss the newest writes, as every other",
		Source:  "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.ReadConsistency.html",
		Used:    cloud.Asks(func(op *event.Operation) bool { return bytes.Contains(op.Request.Body, consistentRead) }),
	}}
}

// asks reports whether a request has a parameter.
func asks(parameter string) func(*event.Operation) bool {
	return func(op *event.Operation) bool {
		return op.Access&event.Writes != 0 && bytes.Contains(op.Request.Body, []byte(`"`+parameter+`":"`))
	}
}

// Without returns the service without one of its guarantees.
func (s *Service) Without(guarantee string) cloud.Service {
	out := *s
	out.without = append(slices.Clip(s.without), guarantee)
	return &out
}

func (b *Backend) lacksGuarantee(name string) bool { return slices.Contains(b.service.without, name) }
