package service

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/wtsim/wtsim/monitor/stream"
)

// manifest is what the data is of.
type manifest struct {
	Format     int           `json:"format"`
	Deployment string        `json:"deployment"`
	Shards     int           `json:"shards"`
	Skew       time.Duration `json:"skew_ns"`
	Lateness   time.Duration `json:"lateness_ns"`
	TTL        time.Duration `json:"ttl_ns,omitempty"`
	Properties string        `json:"properties"` // fingerprint of the newest
	// Plans are the properties that the data was judged by, the oldest first.
	// One is here before a log has it, so that events are routed to all that
	// may be judged.
	Plans []string `json:"plans,omitempty"`
}

// manifestFormat says also how instances are shared out among shards, and how
// states are written.
const manifestFormat = 4

// open makes the logs, or opens those that are there for the same purpose. It
// returns the plan that events are routed by.
func (s *Service) open(ctx context.Context) (stream.Plan, error) {
	s.first = s.Program
	want := manifest{manifestFormat, rand.Text(), s.Shards, s.Stream.Skew, s.Stream.Lateness, s.Stream.TTL, s.Program.Fingerprint(), []string{s.Properties}}
	data, err := s.logs.Manifest(ctx)
	if err != nil {
		return stream.Plan{}, err
	}
	if data == nil {
		return stream.FirstPlan(s.first), s.describe(want, func(data []byte) error { return s.logs.Create(ctx, s.Shards, data) })
	}
	var has manifest
	if err := json.Unmarshal(data, &has); err != nil {
		return stream.Plan{}, fmt.Errorf("what the data is of: %w", err)
	}
	if err := has.matches(want, s.Compile != nil); err != nil {
		return stream.Plan{}, err
	}
	if err := s.logs.Open(ctx, s.Shards); err != nil {
		return stream.Plan{}, err
	}
	if has.Properties != want.Properties {
		has.Properties, has.Plans = want.Properties, append(has.Plans, s.Properties)
		if err := s.describe(has, func(data []byte) error { return s.logs.Describe(ctx, data) }); err != nil {
			return stream.Plan{}, err
		}
	}
	return s.planOf(has.Plans)
}

func (s *Service) describe(m manifest, keep func([]byte) error) error {
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return keep(data)
}

// planOf is the plan that the properties of the data come to.
func (s *Service) planOf(plans []string) (stream.Plan, error) {
	if s.Compile == nil {
		return stream.FirstPlan(s.first), nil
	}
	var plan stream.Plan
	for n, text := range plans {
		p, err := s.Compile(text)
		if err != nil {
			return stream.Plan{}, fmt.Errorf("the properties that the data was judged by: %w", err)
		}
		if n == 0 {
			s.first, plan = p, stream.FirstPlan(p)
			continue
		}
		plan, s.changed = plan.Next(p), true
	}
	return plan, nil
}

func (m manifest) matches(want manifest, mayChange bool) error {
	const help = "give it, or begin with other data"
	switch {
	case m.Format != want.Format:
		return fmt.Errorf("the data is of format %d, wanted %d; begin with other data", m.Format, want.Format)
	case m.Shards != want.Shards:
		return fmt.Errorf("--shards is %d, and the data is in %d; %s", want.Shards, m.Shards, help)
	case m.Skew != want.Skew:
		return fmt.Errorf("--skew is %v, and the data is judged with %v; %s", want.Skew, m.Skew, help)
	case m.Lateness != want.Lateness:
		return fmt.Errorf("--lateness is %v, and the data is judged with %v; %s", want.Lateness, m.Lateness, help)
	case m.TTL != want.TTL:
		return fmt.Errorf("--ttl is %v, and the data is judged with %v; %s", want.TTL, m.TTL, help)
	case m.Properties != want.Properties && (!mayChange || len(m.Plans) == 0):
		return errors.New("--props: the data is judged by other properties; give the same, or begin with other data")
	}
	return nil
}
