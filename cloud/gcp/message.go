package gcp

import (
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/probe"
)

// Message is what is published to a topic, and what its subscriptions deliver.
type Message struct {
	ID          string // set by the topic, the same for every delivery
	Data        []byte
	Attributes  map[string]string
	OrderingKey string
	Published   time.Time // set by the topic
	Attempt     int       // of a delivery, 1 for the first
}

// Occurrence is an event that a service tells Eventarc, in the terms of
// CloudEvents.
type Occurrence struct {
	Type       string            // e.g. "google.cloud.storage.object.v1.finalized"
	Source     string            // e.g. "//storage.googleapis.com/projects/_/buckets/b"
	Subject    string            // e.g. "objects/a.txt"
	Attributes map[string]string // extensions that triggers filter by, e.g. "bucket"
	Data       []byte            // JSON, or what ContentType says
	// ContentType is that of the data; empty for application/json.
	ContentType string
}

// Publisher is a backend that has topics. Its methods take the kernel's lock.
type Publisher interface {
	cloud.Backend
	// PublishTo publishes a message as an effect of a call. The error is a
	// topic that is not there.
	PublishTo(cause *probe.Call, topic string, m Message) (id string, err error)
	// Tell publishes a message that the platform itself makes, about something.
	Tell(about cloud.Subject, root, topic string, m Message)
}

// Router is a backend that routes events to functions. Its method takes the
// kernel's lock.
type Router interface {
	cloud.Backend
	Route(cause *probe.Call, e Occurrence)
}

// Topical is a service, or a trigger, that mentions topics: these exist.
type Topical interface {
	Topics() []string
}

// HasTopics is a service that has topics.
type HasTopics interface {
	cloud.Service
	// TopicNames lists those of a deployment, each once, in the order in which
	// they are mentioned.
	TopicNames(cloud.Deployment) []string
}

// Tells is a service whose events Eventarc routes.
type Tells interface {
	cloud.Service
	// TellsOf reports whether events of a type are its own.
	TellsOf(eventType string) bool
}
