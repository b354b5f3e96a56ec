package gcs

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
)

// condition is what must hold of an object, or of a bucket, before an
// operation happens. It is checked as Cloud Storage does, and as Google's own
// emulator does where the documentation is silent:
//
//  1. A failed "match" is 412, whether or not there is an object.
//  2. A failed "not match" is 304, whatever the method.
//  3. An absent object has generation and metageneration 0; a missing object
//     is told (404) only if no precondition fails.
//  4. A copy's and a composition's preconditions are on what they write; those
//     on what they read are apart.
//  5. Those of a resumable upload hold when it begins and when it ends.
//
// https://docs.cloud.google.com/storage/docs/request-preconditions
type condition struct {
	version
	generation, metageneration bounds
}

// bounds are what a number must and must not be; empty if any will do.
type bounds struct{ match, notMatch string }

const notHeld = "At least one of the pre-conditions you specified did not hold."

// refusal is the answer to a request whose preconditions do not hold, nil if
// they do.
func (b *Backend) refusal(q *request) *http.Response {
	if b.careless {
		return nil
	}
	all := q.conditions()
	if u, ok := b.uploads[q.id]; ok && q.method == "objects.insert" {
		all = append(all, u.conditions...)
	}
	for _, c := range all {
		if c.generation == (bounds{}) && c.metageneration == (bounds{}) {
			continue
		}
		generation, metageneration := b.state(c.version)
		for _, x := range []struct {
			bounds
			now int64
		}{{c.generation, generation}, {c.metageneration, metageneration}} {
			now := strconv.FormatInt(x.now, 10)
			switch {
			case x.match != "" && x.match != now:
				return refuse(q.Request, http.StatusPreconditionFailed, "global", "conditionNotMet", notHeld)
			case x.notMatch != "" && x.notMatch == now:
				return answer(q.Request, http.StatusNotModified, nil)
			}
		}
	}
	return nil
}

// conditions reads the preconditions of a request: query parameters, a
// composition's body or the XML API's headers.
func (q *request) conditions() []condition {
	target := conditionIn(q.version, q.query, "if")
	// The XML API has no "not match".
	if header := q.Header.Get("X-Goog-If-Generation-Match"); header != "" {
		target.generation.match = header
	}
	if header := q.Header.Get("X-Goog-If-Metageneration-Match"); header != "" {
		target.metageneration.match = header
	}
	all := []condition{target}
	switch {
	case q.from.object != "":
		all = append(all, conditionIn(q.from, q.query, "ifSource"))
	case q.method == "objects.compose":
		var c composition
		if json.Unmarshal(q.body, &c) != nil { // compose says what is wrong with it
			return all
		}
		for _, s := range c.SourceObjects {
			all = append(all, condition{version: s.in(q.bucket), generation: bounds{match: string(s.ObjectPreconditions.IfGenerationMatch)}})
		}
	}
	return all
}

func conditionIn(v version, query url.Values, prefix string) condition {
	return condition{
		version:        v,
		generation:     bounds{query.Get(prefix + "GenerationMatch"), query.Get(prefix + "GenerationNotMatch")},
		metageneration: bounds{query.Get(prefix + "MetagenerationMatch"), query.Get(prefix + "MetagenerationNotMatch")},
	}
}
