package aws

import (
	"encoding/json"
	"time"

	"github.com/wtsim/wtsim/cloud"
)

// Async is what becomes of a function's asynchronous events, whoever
// sends them. What is zero is Lambda's default.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-configuring.html
type Async struct {
	Function string
	MaxAge   time.Duration // 6 h; 60 s to 6 h
	Retries  int           // after an error: 2; at most 2; below zero none
	// OnSuccess and OnFailure are the ARNs of destinations, which get a record of
	// the invocation; DeadLetter that of a queue, which gets the event.
	// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
	OnSuccess, OnFailure, DeadLetter string
}

// WithDefaults returns the settings with the defaults in place.
func (a Async) WithDefaults() Async {
	cloud.SetDefault(&a.MaxAge, 6*time.Hour)
	cloud.SetDefault(&a.Retries, 2)
	a.Retries = max(0, a.Retries)
	return a
}

// ItemFailures reads what a function reports of a batch: the ids of what has failed.
// all says that everything has: the answer is no report, or names what was not in the
// batch. An empty answer, or null, reports nothing.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
func ItemFailures(answer []byte, in func(id string) bool) (failed []string, all bool) {
	var report *struct {
		Failures []map[string]*string `json:"batchItemFailures"`
	}
	if len(answer) > 0 && json.Unmarshal(answer, &report) != nil {
		return nil, true
	}
	if report == nil {
		return nil, false
	}
	for _, f := range report.Failures {
		id := f["itemIdentifier"]
		if id == nil || !in(*id) {
			return nil, true
		}
		failed = append(failed, *id)
	}
	return failed, false
}
