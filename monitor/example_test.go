package monitor_test

import (
	"fmt"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/props"
)

func Example() {
	program, err := monitor.Compile(
		props.AtMostOnce("charged at most once", props.On("ORDER_CHARGED", "order")),
		props.Eventually("every order is charged", props.On("ORDER_PLACED", "order"), props.On("ORDER_CHARGED", "order")),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	m := program.Monitor(monitor.Options{})
	for i, e := range []event.Event{
		{Type: "ORDER_PLACED", Data: event.Data{{Name: "order", Value: event.Str("o-1")}}},
		{Type: "ORDER_CHARGED", Data: event.Data{{Name: "order", Value: event.Str("o-1")}}},
		{Type: "ORDER_CHARGED", Data: event.Data{{Name: "order", Value: event.Str("o-1")}}},
		{Type: "ORDER_PLACED", Data: event.Data{{Name: "order", Value: event.Str("o-2")}}},
	} {
		e.Source, e.ID = "/functions/charge/i-7", fmt.Sprint(i+1)
		for _, v := range m.Observe(e).Violations() {
			fmt.Println(v)
			for _, step := range v.Witness {
				fmt.Println("   ", step.ID, step.Type, "->", step.To)
			}
		}
	}
	for _, v := range m.Quiesce(nil).Violations() {
		fmt.Println(v)
	}
	// Output:
	// property "charged at most once" violated for order="o-1"
	//     2 ORDER_CHARGED -> once
	//     3 ORDER_CHARGED -> violated
	// property "every order is charged" violated for order="o-2": the run ended in state "owed"
}
