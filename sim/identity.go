package sim

import (
	"strconv"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
)

// Identities (names of tasks, operations and decisions) do not depend on how
// many decisions came before:
//
//	task       place-order(alice/1)                  a client's request
//	           charge(place-order(alice/1).orders/1) the delivery of a message
//	           ...~retry, ...~dup                    delivered again, and why
//	           instance(charge(...))                 what the instance started for it does by itself
//	operation  <task>:<service>.<method> <resource>/<k>[.<try>]
//	           new <task>:...                        in the constructor
//	decision   <step>                                its outcome
//	           after <step>                          what goes next

// label is an operation's name for people and, masked, for identities.
func opLabel(op *event.Operation) string {
	s := op.Service + "." + op.Method
	if op.Resource != "" {
		s += " " + op.Resource
	}
	return s
}

// name gives an operation its identity.
func (c *call) name(owner cloud.Label, k int) {
	c.owner, c.k = owner, k
	c.id = owner.Text + ":" + c.label + "/" + strconv.Itoa(k)
	if c.Op.Try > 0 {
		c.id += "." + strconv.Itoa(c.Op.Try)
	}
}
