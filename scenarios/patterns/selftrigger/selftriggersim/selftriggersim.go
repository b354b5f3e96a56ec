// Package selftriggersim puts package selftrigger under test: somebody posts
// twice.
package selftriggersim

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/eventarc"
	"github.com/wtsim/wtsim/fakes/firestore"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/scenarios/patterns/selftrigger"
	"github.com/wtsim/wtsim/sim"
)

// Scenarios returns the bug and its repair.
func Scenarios() []sim.Scenario {
	bug := scenario(false)
	bug.Name, bug.Doc = "patterns/selftrigger/bug", "a function is triggered by what it writes, for good"
	bug.Expect = sim.Expect{Violation: true}
	repaired := scenario(true)
	repaired.Name, repaired.Doc = "patterns/selftrigger", "what does not change is not written"
	repaired.Relies = []string{"eventarc/retries"}
	return []sim.Scenario{bug, repaired}
}

// most is how often a post may be written within a minute: each of two versions
// as often as it comes, and its excerpt, should an attempt be lost now and then.
const most = 20

func scenario(repaired bool) sim.Scenario {
	return sim.Scenario{
		Platform: gcp.CloudRun().Within(time.Minute),
		Services: []cloud.Service{firestore.New("firestore"), eventarc.New("eventarc")},
		Functions: []sim.Function{
			{Name: "post", New: func(env cloud.Env) (cloud.Handler, error) {
				return cloud.HTTP(&selftrigger.Post{Store: firestore.Client(env, "firestore")}), nil
			}},
			{Name: "shorten", Triggers: eventarc.On(firestore.Written, "document", "posts/*"), New: func(env cloud.Env) (cloud.Handler, error) {
				return gcp.OnEvent((&selftrigger.Shorten{Store: firestore.Client(env, "firestore"), Repaired: repaired}).Handle), nil
			}},
		},
		Clients: []sim.Client{{Name: "alice", Retries: 3, Requests: []sim.Request{
			{Function: "post", Method: "PUT", Path: "/p1?text=a+first+version"},
			{Function: "post", Method: "PUT", Path: "/p1?text=another+version"},
		}}},
		Rules: []probe.Rule{{Service: "firestore", Method: "commit", Resource: "posts/{post}", Emit: "WRITTEN", With: map[string]string{"post": "{post}"}}},
		Properties: []*props.Property{
			props.AtMost("a post is written a few times in a minute", event.Int(most), props.Occurrences(props.On("WRITTEN", "post"), time.Minute)),
			props.AtQuiescence("a post has the excerpt of its text", shortened),
		},
	}
}

// shortened compares the excerpt with the text.
func shortened(s props.State) error {
	for _, key := range s.Keys("firestore") {
		text, _ := s.Get("firestore", key)
		var post struct{ Text, Excerpt string }
		if err := json.Unmarshal([]byte(text), &post); err != nil {
			return err
		}
		if post.Excerpt == "" || !strings.HasPrefix(post.Text, post.Excerpt) {
			return fmt.Errorf("%s is %s", key, text)
		}
	}
	return nil
}
