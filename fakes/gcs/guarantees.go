package gcs

import (
	"bytes"
	"regexp"
	"slices"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
)

const preconditions = "gcs/preconditions"

// Guarantees lists what [Service.Without] can take away.
func (s *Service) Guarantees() []cloud.Guarantee {
	return []cloud.Guarantee{{
		Name:    preconditions,
		Without: "every conditional request happens, as if its condition held",
		Source:  "https://docs.cloud.google.com/storage/docs/request-preconditions",
		Used:    cloud.Asks(asksForCondition),
	}}
}

// Without returns the service without one of its guarantees.
func (s *Service) Without(guarantee string) cloud.Service {
	out := *s
	out.without = append(slices.Clip(s.without), guarantee)
	return &out
}

var conditionParameter = regexp.MustCompile(`[?&]if(Source)?(Meta)?[gG]eneration(Not)?Match=`)

func asksForCondition(op *event.Operation) bool {
	for _, header := range []string{"X-Goog-If-Generation-Match", "X-Goog-If-Metageneration-Match"} {
		if op.Request.Header[header] != "" {
			return true
		}
	}
	return conditionParameter.MatchString(op.Request.Target) ||
		op.Method == "objects.compose" && bytes.Contains(op.Request.Body, []byte("ifGenerationMatch"))
}
