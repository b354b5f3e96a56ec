package lambda

import (
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/internal/async"
	"github.com/wtsim/wtsim/fakes/internal/schedule"
)

// Settings are those of a function's asynchronous events, whoever sends them.
func (b *Backend) Settings(function string) (s aws.Async, once bool) {
	s = aws.Async{Function: function}
	for _, a := range b.service.asyncs {
		if a.Function == function {
			s = a
		}
	}
	return s.WithDefaults(), b.service.once
}

// later queues an asynchronous event.
func (b *Backend) later(function string, about cloud.Subject, root string, payload []byte) {
	b.events[function]++
	e := &async.Event{
		Kernel: b.kernel, Binding: function, Function: function, Subject: about, Root: root, Payload: payload,
		What: "an asynchronous event", By: cloud.InvokedBy{Kind: "event", Number: b.events[function], Of: function},
	}
	e.Send(e)
}

// Receive takes what another service sends to a function.
func (b *Backend) Receive(arn string, s aws.Sent) bool {
	function, ok := strings.CutPrefix(arn, aws.FunctionARN(""))
	if !ok || !b.kernel.Deployment().Has(function) {
		return false
	}
	b.later(function, s.About, s.Root, []byte(s.Body))
	return true
}

// Start plans the ticks of the schedules.
func (b *Backend) Start() {
	for _, x := range b.service.schedules {
		when, err := x.when()
		if err != nil {
			panic(err) // Check has tried
		}
		schedule.Ticks(b.kernel, x.Name, when, x.Ticks, func(root string, at time.Time) {
			b.later(x.Function, cloud.About(cloud.Named(root)), root, x.payload(root, at))
		})
	}
}
