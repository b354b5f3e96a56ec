package s3

import (
	"slices"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/event"
)

const conditions = "s3/conditions"

// Guarantees lists what [Service.Without] can take away.
func (s *Service) Guarantees() []cloud.Guarantee {
	return []cloud.Guarantee{{
		Name:    conditions,
		Without: "every conditional request happens, as if its condition held",
		Source:  "https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html",
		Used: cloud.Asks(func(op *event.Operation) bool {
			for _, header := range []string{"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "X-Amz-Copy-Source-If-Match", "X-Amz-Copy-Source-If-None-Match"} {
				if op.Request.Header[header] != "" {
					return true
				}
			}
			return false
		}),
	}}
}

// Without returns the service without one of its guarantees.
func (s *Service) Without(guarantee string) cloud.Service {
	out := *s
	out.without = append(slices.Clip(s.without), guarantee)
	return &out
}

func (b *Backend) lacksGuarantee(name string) bool { return slices.Contains(b.service.without, name) }
