package props_test

import (
	"errors"
	"fmt"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/props"
)

func ExampleAtMostOnce() {
	fmt.Println(props.AtMostOnce("charged at most once", props.On("ORDER_CHARGED", "order")))
	// Output: charged at most once: for every order: ORDER_CHARGED(order) happens at most once
}

func ExampleQuantifier_Machine() {
	var (
		consent   = props.On("GOT_CONSENT", "user")
		revoked   = props.On("REVOKED_CONSENT", "user")
		processed = props.On("PROCESSING_DATA", "user")
	)
	p := props.ForAll("user").Machine("processed only with consent",
		props.From("no consent").On(consent).To("consent").On(processed).To(props.Violated),
		props.From("consent").On(revoked).To("no consent"),
	)
	fmt.Println(p.Vars(), p.Validate())
	// Output: [user] <nil>
}

func ExampleLetter_When() {
	refund := props.On("CHARGED").Binding("order", "order_id").When("the amount is zero", func(d event.Data) bool {
		amount, _ := d.Get("amount")
		return amount.Equal(event.Int(0))
	})
	fmt.Println(refund)
	// Output: CHARGED(order=order_id) when the amount is zero
}

func ExampleAtQuiescence() {
	p := props.AtQuiescence("no order is left in the queue", func(s props.State) error {
		if left, ok := s.Get("redis", "queue"); ok {
			return errors.New("left: " + left)
		}
		return nil
	})
	fmt.Println(p)
	// Output: no order is left in the queue: holds of the stores when the run is quiescent
}

func ExampleProperty_Validate() {
	p := props.ForAll("order").Machine("paid once",
		props.From("unpaid").On(props.On("PAID", "order")).To("payed"),
	)
	fmt.Println(p.Validate())
	// Output: property "paid once": state "unpaid" on "PAID" leads to undefined state "payed"
}
