package couriersim

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/wtsim/wtsim/sim/simtest"
)

// The courier copes with what the platform does.
func TestCourier(t *testing.T) { simtest.Check(t, Scenario()) }

// Without the provider's help a reminder is sent twice.
func TestForgetful(t *testing.T) { simtest.Expect(t, Forgetful()) }

// The number of customers is drawn together with the schedule.
func TestCustomers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { simtest.Run(t, With(rapid.IntRange(1, 3).Draw(t, "customers"))) })
}
