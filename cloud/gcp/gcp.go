// Package gcp is Google Cloud as a platform: the rules of Cloud Run's
// instances, the policies of its deliveries, and what its services say to each
// other. Every number has its page.
//
// A scenario names where its functions run:
//
//	sim.Scenario{Platform: gcp.CloudRun(), ...}
//
// and a function that is no HTTP handler says in which of the platform's forms
// it takes its events: [OnEvent], [OnMessage] or [OnData].
package gcp

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/wtsim/wtsim/cloud"
)

// Project is the project of a run.
const Project = "wtsim"

// CloudRun returns Cloud Run: services, and functions that are deployed as
// such. A function has CPU during invocations alone, unless it is AlwaysOn;
// where it has an Old revision, a rollout is under way. A service that is
// deployed with another time limit is gcp.CloudRun().Within(time.Minute).
// https://docs.cloud.google.com/run/docs/configuring/billing-settings
// https://docs.cloud.google.com/run/docs/rollouts-rollbacks-traffic-migration
func CloudRun() cloud.Platform {
	return cloud.Platform{
		Name: "gcp",
		// "set by default to 5 minutes"; the caller is told 504, the instance goes on.
		// https://docs.cloud.google.com/run/docs/configuring/request-timeout
		Timeout: 5 * time.Minute,
		// https://docs.cloud.google.com/run/docs/about-concurrency
		Concurrency: 80, MostAtOnce: 1000,
		// https://docs.cloud.google.com/run/docs/configuring/max-instances
		MaxInstances: 100,
		// "up to 3.5 times the average startup time, or 10 seconds, whichever is greater"
		// https://docs.cloud.google.com/run/docs/about-instance-autoscaling
		QueueFor: 10 * time.Second,
		// "kept idle for a maximum of 15 minutes", same page
		IdleFor: 15 * time.Minute,
		// https://docs.cloud.google.com/run/docs/container-contract
		Grace: 10 * time.Second, MostErrors: 20,
		// [Eventarc] tries again after 10 minutes at most.
		LongestRetry: 11 * time.Minute,
		// https://docs.cloud.google.com/run/docs/troubleshooting
		Abandoned: http.StatusServiceUnavailable,
		Variables: []string{"GOOGLE_CLOUD_PROJECT=" + Project},
		// https://docs.cloud.google.com/run/docs/container-contract#env-vars
		Container: []string{"PORT=${port}", "K_SERVICE=${function}", "K_REVISION=${function}-00001-aaa", "K_CONFIGURATION=${function}"},
		// "By default, Cloud Run configures a TCP startup probe": 240 s.
		// https://docs.cloud.google.com/run/docs/configuring/healthchecks
		StartWithin: 4 * time.Minute,
		// https://docs.cloud.google.com/compute/docs/metadata/querying-metadata
		Domain:   "googleapis.com",
		Absent:   []string{"metadata.google.internal", "metadata", "169.254.169.254"},
		Metadata: http.HandlerFunc(metadata),
	}
}

// CloudFunctions returns Cloud Run functions (2nd gen) as they are deployed by
// the Cloud Functions API: services of Cloud Run with other defaults, "Defaults
// to 60 seconds", and "By default, function instances handle only one request at
// a time".
// https://cloud.google.com/functions/docs/configuring/concurrency
// https://cloud.google.com/functions/docs/reference/rest/v2/projects.locations.functions#ServiceConfig
// https://cloud.google.com/functions/docs/configuring/max-instances
func CloudFunctions() cloud.Platform {
	p := CloudRun().Within(60 * time.Second)
	p.Name, p.Concurrency, p.MaxInstances = "gcp-functions", 1, 100
	return p
}

// CloudFunctions1 returns Cloud Run functions (1st gen): one request at a time.
// What their pages do not say is Cloud Run's.
// https://docs.cloud.google.com/functions/1stgendocs/configuring/timeout
// https://cloud.google.com/functions/1stgendocs/configuring/max-instances
// https://cloud.google.com/functions/1stgendocs/concepts/version-comparison
func CloudFunctions1() cloud.Platform {
	p := CloudRun().Within(60 * time.Second)
	p.Name, p.Concurrency, p.MostAtOnce, p.MaxInstances = "gcp-functions-1", 1, 1, 3000
	return p
}

// OnEvent returns the handler of a function that events invoke, as the
// Functions Framework registers it. A message comes as an event of type
// google.cloud.pubsub.topic.v1.messagePublished. An error makes the platform
// deliver the event again, where retries are on.
// https://docs.cloud.google.com/eventarc/docs/cloudevents
func OnEvent(f func(context.Context, event.Event) error) cloud.Handler { return cloud.Of(f) }

// OnMessage returns the handler of a function that messages invoke, in our
// own terms. An error makes the platform deliver the message again.
func OnMessage(f func(context.Context, Message) error) cloud.Handler { return cloud.Of(f) }

// OnData returns the handler of a function of one's own type, which the data
// of a message or event holds as JSON. Data that does not decode is an error:
// it comes again until the platform gives it up.
func OnData[T any](f func(context.Context, T) error) cloud.Handler {
	return OnMessage(func(ctx context.Context, m Message) error {
		var v T
		if err := json.Unmarshal(m.Data, &v); err != nil {
			return fmt.Errorf("message %s: %w", m.ID, err)
		}
		return f(ctx, v)
	})
}
