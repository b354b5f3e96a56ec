package gcs

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/probe"
)

// Event is a type of notification.
// https://docs.cloud.google.com/storage/docs/pubsub-notifications#events
type Event string

// The events. A failed upload makes none.
const (
	Finalize       Event = "OBJECT_FINALIZE"        // a new generation, also one that overwrites or is a copy
	MetadataUpdate Event = "OBJECT_METADATA_UPDATE" // the metadata of an object changed
	Delete         Event = "OBJECT_DELETE"          // a generation is gone for good: deleted, or overwritten without versioning
	Archive        Event = "OBJECT_ARCHIVE"         // a generation became noncurrent: deleted or overwritten with versioning
)

// eventarc are the events' names as CloudEvents.
// https://docs.cloud.google.com/eventarc/docs/cloudevents
var eventarc = map[Event]string{Finalize: "finalized", MetadataUpdate: "metadataUpdated", Delete: "deleted", Archive: "archived"}

// config is a notification configuration.
type config struct {
	bucket, topic string
	events        []Event // none for all
	id            int
}

// Notify returns the service with a notification configuration: changes of a
// bucket's objects are published to a topic of the scenario, as JSON_API_V1.
// Without events, all of them are. Whether or not there is a configuration,
// Eventarc is told.
func (s *Service) Notify(bucket, topic string, events ...Event) *Service {
	out := *s
	out.configs = append(slices.Clip(s.configs), config{bucket, topic, events, len(s.configs) + 1})
	return &out
}

// change is what an operation did to one generation.
type change struct {
	event         Event
	object        object
	overwrote     int64 // of Finalize
	overwrittenBy int64 // of Delete and Archive
}

// deleted tells what objects.delete did: a generation that is named is gone
// for good.
func (b *Backend) deleted(q *request, before object) []change {
	event := Delete
	if q.generation == 0 && b.versioned(q.bucket) {
		event = Archive
		before, _ = b.find(before.version()) // it has a time of deletion now
	}
	return []change{{event: event, object: before}}
}

// written tells what a write did.
func (b *Backend) written(q *request, before object, had bool) []change {
	changes := []change{{event: Finalize, object: q.result}}
	if !had {
		return changes
	}
	changes[0].overwrote = before.Generation
	replaced := change{event: Delete, object: before, overwrittenBy: q.result.Generation}
	if b.versioned(q.bucket) {
		replaced.event = Archive
		replaced.object, _ = b.find(before.version())
	}
	return append(changes, replaced)
}

// tell tells Eventarc and topics, where there are any, what an operation has
// changed.
func (b *Backend) tell(cause *probe.Call, changes []change) {
	if cause == nil {
		return
	}
	router, routes := cloud.Find[gcp.Router](b.kernel)
	topics, publishes := cloud.Find[gcp.Publisher](b.kernel)
	for _, c := range changes {
		data, err := json.Marshal(c.object.resource(false))
		if err != nil {
			panic("gcs: a resource is made of what JSON can tell: " + err.Error())
		}
		bucket := c.object.BucketName
		if routes {
			router.Route(cause, gcp.Occurrence{
				Type:   "google.cloud.storage.object.v1." + eventarc[c.event],
				Source: "//storage.googleapis.com/projects/_/buckets/" + bucket, Subject: "objects/" + c.object.Name,
				Attributes: map[string]string{"bucket": bucket}, Data: data,
			})
		}
		for _, config := range b.configs {
			if publishes && config.bucket == bucket && (len(config.events) == 0 || slices.Contains(config.events, c.event)) {
				// Check has seen that there is such a topic.
				_, _ = topics.PublishTo(cause, config.topic, gcp.Message{Data: slices.Clone(data), Attributes: c.attributes(config)})
			}
		}
	}
}

// attributes are those of a message that tells the change.
func (c change) attributes(by config) map[string]string {
	a := map[string]string{
		"notificationConfig": "projects/_/buckets/" + by.bucket + "/notificationConfigs/" + strconv.Itoa(by.id),
		"eventType":          string(c.event), "payloadFormat": "JSON_API_V1",
		"bucketId": c.object.BucketName, "objectId": c.object.Name, "objectGeneration": strconv.FormatInt(c.object.Generation, 10),
		"eventTime": stamp(time.Now()), //wtsim:clock the bubble's clock
	}
	if c.overwrote != 0 {
		a["overwroteGeneration"] = strconv.FormatInt(c.overwrote, 10)
	}
	if c.overwrittenBy != 0 {
		a["overwrittenByGeneration"] = strconv.FormatInt(c.overwrittenBy, 10)
	}
	return a
}
