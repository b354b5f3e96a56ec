package sns

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/internal/awswire"
)

// contentID is the deduplication id of a message that has none.
// https://docs.aws.amazon.com/sns/latest/dg/fifo-message-dedup.html
func contentID(body string) string {
	h := sha256.Sum256([]byte(body))
	return hex.EncodeToString(h[:])
}

// serveDeclared tells of what is declared; what would change it is refused by
// name.
func (b *Backend) serveDeclared(w *awswire.Request) (any, error) {
	switch w.Operation {
	case "CreateTopic":
		name := w.Form.Get("Name")
		t := b.find(name)
		if t == nil {
			return nil, &awswire.Lack{What: "SNS's CreateTopic", Advice: fmt.Sprintf("declare topic %q in the scenario", name)}
		}
		if awswire.Differs(awswire.Entries(w.Form, "Attributes"), t.told(), "FifoTopic", "ContentBasedDeduplication") != "" {
			return nil, invalid("Attributes Reason: Topic already exists with different attributes")
		}
		return struct{ TopicArn string }{aws.TopicARN(name)}, nil
	case "ListTopics":
		return b.topicsAnswer(), nil
	case "ListSubscriptions":
		return subscriptionsAnswer(b.topics), nil
	case "Subscribe", "GetTopicAttributes", "ListSubscriptionsByTopic":
		t, err := b.topicOf(w.Form.Get("TopicArn"))
		switch {
		case err != nil:
			return nil, err
		case w.Operation == "Subscribe":
			return t.subscribed(w)
		case w.Operation == "ListSubscriptionsByTopic":
			return subscriptionsAnswer([]*topic{t}), nil
		}
		return attributes(t.told()), nil
	case "GetSubscriptionAttributes":
		s, t := b.subscriptionOf(w.Form.Get("SubscriptionArn"))
		if s == nil {
			return nil, &awswire.Error{Code: "NotFound", Status: 404, Message: "Subscription does not exist"}
		}
		return attributes(s.told(t)), nil
	}
	return nil, &awswire.Lack{What: "SNS's " + w.Operation, Advice: "topics and subscriptions are declared in the scenario"}
}

// subscribed answers with the subscription of an endpoint, if it is declared.
// https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
func (t *topic) subscribed(w *awswire.Request) (any, error) {
	protocol, endpoint := w.Form.Get("Protocol"), w.Form.Get("Endpoint")
	for _, s := range t.subscriptions {
		if s.protocol() == protocol && s.endpoint() == endpoint {
			told := s.told(t)
			told["FilterPolicyScope"] = cmp.Or(told["FilterPolicyScope"], "MessageAttributes")
			if awswire.Differs(awswire.Entries(w.Form, "Attributes"), told, "RawMessageDelivery", "FilterPolicy", "FilterPolicyScope", "RedrivePolicy") != "" {
				return nil, invalid("Attributes Reason: Subscription already exists with different attributes")
			}
			return struct{ SubscriptionArn string }{s.arn()}, nil
		}
	}
	return nil, &awswire.Lack{What: "SNS's Subscribe", Advice: fmt.Sprintf("declare the subscription of %s to topic %q in the scenario", endpoint, t.Name)}
}

func (b *Backend) subscriptionOf(arn string) (*subscription, *topic) {
	for _, t := range b.topics {
		for _, s := range t.subscriptions {
			if s.arn() == arn {
				return s, t
			}
		}
	}
	return nil, nil
}

type topicAnswer struct {
	TopicArn string
}

type topicsAnswer struct {
	Topics []topicAnswer `xml:"Topics>member"`
}

func (b *Backend) topicsAnswer() (out topicsAnswer) {
	for _, t := range b.topics {
		out.Topics = append(out.Topics, topicAnswer{aws.TopicARN(t.Name)})
	}
	return out
}

type subscriptionAnswer struct{ TopicArn, Protocol, SubscriptionArn, Owner, Endpoint string }

type subscriptionsMembers struct {
	Subscriptions []subscriptionAnswer `xml:"Subscriptions>member"`
}

func subscriptionsAnswer(topics []*topic) (out subscriptionsMembers) {
	for _, t := range topics {
		for _, s := range t.subscriptions {
			out.Subscriptions = append(out.Subscriptions, subscriptionAnswer{aws.TopicARN(t.Name), s.protocol(), s.arn(), aws.Account, s.endpoint()})
		}
	}
	return out
}

// told are a topic's attributes.
// https://docs.aws.amazon.com/sns/latest/api/API_GetTopicAttributes.html
func (t *topic) told() map[string]string {
	out := map[string]string{
		"TopicArn": aws.TopicARN(t.Name), "Owner": aws.Account, "DisplayName": "", "SubscriptionsConfirmed": strconv.Itoa(len(t.subscriptions)),
		"SubscriptionsPending": "0", "SubscriptionsDeleted": "0",
	}
	if t.fifo() {
		out["FifoTopic"], out["ContentBasedDeduplication"] = "true", strconv.FormatBool(t.ByContent)
	}
	return out
}

// told are a subscription's attributes.
// https://docs.aws.amazon.com/sns/latest/api/API_GetSubscriptionAttributes.html
func (s *subscription) told(t *topic) map[string]string {
	out := map[string]string{
		"SubscriptionArn": s.arn(), "TopicArn": aws.TopicARN(t.Name), "Owner": aws.Account, "Protocol": s.protocol(), "Endpoint": s.endpoint(),
		"RawMessageDelivery": strconv.FormatBool(s.Raw), "PendingConfirmation": "false", "ConfirmationWasAuthenticated": "true",
	}
	if s.Filter != "" {
		out["FilterPolicy"], out["FilterPolicyScope"] = strings.TrimSpace(s.Filter), "MessageAttributes"
		if s.OnBody {
			out["FilterPolicyScope"] = "MessageBody"
		}
	}
	if s.DeadLetter != "" {
		out["RedrivePolicy"] = fmt.Sprintf(`{"deadLetterTargetArn":%q}`, aws.QueueARN(s.DeadLetter))
	}
	return out
}

func attributes(of map[string]string) (out attributesAnswer) {
	for _, name := range sortedKeys(of) {
		out.Entries = append(out.Entries, pair{name, of[name]})
	}
	return out
}
