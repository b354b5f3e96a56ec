package cloud

import "slices"

// The deviation kinds.
const (
	RunOther     = "run-other"
	Reorder      = "reorder"
	Duplicate    = "duplicate"
	Redeliver    = "redeliver"
	ColdStart    = "cold-start"
	Crash        = "crash"
	Fail         = "fail"
	LoseResponse = "lose-response"
	Stall        = "stall"
	LateEffect   = "late-effect"
	Outage       = "outage"
	Reap         = "reap"
	Timeout      = "timeout"
	StaleRead    = "stale-read"
	LoseWrites   = "lose-writes"
	Skew         = "skew"
	OldRevision  = "old-revision"
	Drop         = "drop"
	Coalesce     = "coalesce"
	RunGoroutine = "run-goroutine"
	SelectCase   = "select-case"
	Overlap      = "overlap"
	Partial      = "partial"
	Conflict     = "conflict"
	Disconnect   = "disconnect"
)

// The places of a crash, its parameter.
const (
	AtStart   = "at-start"
	Before    = "before"
	After     = "after"
	BeforeAck = "before-ack"
)

// Kind describes one deviation kind.
type Kind struct {
	Kind    string   `json:"kind"`
	Doc     string   `json:"doc"`     // what happens
	Offered string   `json:"offered"` // where a run may decide for it
	Sources []string `json:"sources"` // what permits it
}

// Kinds returns the deviation kinds, each with the documentation or the
// users' reports that permit it. Nothing else is injected.
func Kinds() []Kind { return slices.Clone(kinds) }

// IsKind reports whether there is a deviation kind of that name.
func IsKind(name string) bool {
	return slices.ContainsFunc(kinds, func(k Kind) bool { return k.Kind == name })
}

var kinds = []Kind{
	{RunOther, "another ready task goes first: invocations interleave at their operations",
		"after every step at which more than one task is ready",
		[]string{"https://docs.cloud.google.com/run/docs/about-concurrency", "https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html"}},
	{Reorder, "a delivery overtakes earlier ones of its subscription (never within an ordering key), a task earlier ones of its queue",
		"after every step at which deliveries of one subscription, or tasks of one queue, wait; and where a message is pulled while others wait",
		[]string{"https://docs.cloud.google.com/pubsub/docs/ordering", "https://docs.cloud.google.com/eventarc/docs/retry-events",
			"https://docs.cloud.google.com/tasks/docs/common-pitfalls",
			"https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues.html",
			"https://aws.amazon.com/sns/faqs/", "https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html"}},
	{Duplicate, "a message, event, tick or queued task comes again although it was, or will be, acknowledged",
		"where a delivery, a tick or a queued task starts; not for subscriptions that deliver exactly once; and at the publish, put or write whose message goes to queues by way of SNS, EventBridge or S3",
		[]string{"https://cloud.google.com/functions/docs/writing/retries", "https://github.com/firebase/firebase-functions/issues/62",
			"https://github.com/firebase/firebase-functions/issues/315", "https://docs.cloud.google.com/scheduler/docs",
			"https://docs.cloud.google.com/tasks/docs/common-pitfalls",
			"https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html", "https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html",
			"https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues-at-least-once-delivery.html",
			"https://aws.amazon.com/sns/faqs/", "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-troubleshooting.html#eb-rule-triggered-more-than-once",
			"https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html"}},
	{Redeliver, "the acknowledgement is lost: what was delivered comes again after the retry policy's backoff, or the end of its lease; attempts count, and dead letters",
		"where a delivery, a queued task or a tick with retries has succeeded, and at the acknowledgement of a pulled message that is not delivered exactly once",
		[]string{"https://docs.cloud.google.com/pubsub/docs/exactly-once-delivery", "https://firebase.google.com/docs/functions/retries",
			"https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html", "https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html",
			"https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues-at-least-once-delivery.html"}},
	{ColdStart, "a new function instance is started although a warm one could serve",
		"where an invocation starts and a warm instance has room",
		[]string{"https://docs.cloud.google.com/run/docs/about-instance-autoscaling", "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html"}},
	{Crash, "the function instance dies: at the start of an invocation, before or after an operation's effect, or after the return and before the acknowledgement; its invocations vanish, their triggers retry",
		"at every start, operation and end of an invocation",
		[]string{"https://docs.cloud.google.com/run/docs/container-contract", "https://docs.aws.amazon.com/lambda/latest/dg/invocation-retries.html"}},
	{Fail, "a call is refused before it has an effect: 503, 429, or the connection fails, as that service does",
		"at every operation",
		[]string{"https://docs.cloud.google.com/storage/docs/retry-strategy", "https://docs.cloud.google.com/storage/docs/json_api/v1/status-codes",
			"https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html", "https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"}},
	{Outage, "a service is down from a call on, for as long as the scenario says: it refuses every call, whoever makes it",
		"at every operation that may be refused, if the scenario's Faults.Outage is not zero",
		[]string{"https://cloud.google.com/storage/sla", "https://cloud.google.com/pubsub/sla", "https://aws.amazon.com/dynamodb/sla/", "https://aws.amazon.com/s3/sla/"}},
	{LoseResponse, "a call has its effect, the caller sees a reset or, where it has a deadline, its timeout; or a client does not get the answer to its request",
		"at every operation that writes, and at the end of an HTTP invocation",
		[]string{"https://docs.cloud.google.com/storage/docs/retry-strategy", "https://docs.aws.amazon.com/lambda/latest/dg/invocation-retries.html",
			"https://github.com/aws-samples/aws-serverless-airline-booking/issues/167"}},
	{Stall, "an operation is held past the invocation's time limit, or past the expiry of a key that the invocation has used, until another task has tried again or used the key (11 minutes at most); a caller with a deadline gives up at that, and nothing has happened",
		"at every operation of an invocation with a time limit or an expiring key ahead",
		[]string{"https://docs.cloud.google.com/run/docs/container-contract", "https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html"}},
	{LateEffect, "an operation has its effect when its caller has given up, at its deadline: past the invocation's time limit, or the expiry of a key that the invocation has used, as a stall is held",
		"at every operation that writes, of an invocation with a time limit or an expiring key ahead, whose caller has a deadline before",
		[]string{"https://grpc.io/docs/what-is-grpc/core-concepts/", "https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html"}},
	{Reap, "an idle function instance is taken away: what it still does by itself dies with it",
		"where the only invocation of an instance has ended",
		[]string{"https://docs.cloud.google.com/run/docs/about-instance-autoscaling", "https://docs.cloud.google.com/run/docs/container-contract",
			"https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html"}},
	{Timeout, "the invocation does its work, but takes longer than its time limit: the caller is told 504 (of Lambda 502, and the instance ends), the trigger tries again; or longer than API Gateway, or who calls, waits for",
		"where an invocation has ended",
		[]string{"https://docs.cloud.google.com/run/docs/configuring/request-timeout", "https://docs.cloud.google.com/functions/docs/configuring/timeout",
			"https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html", "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html"}},
	{StaleRead, "a read returns an older state: the newest writes, so many, are not there yet",
		"at reads through a Redis replica (Memorystore's read endpoint), and at reads of a DynamoDB that are not consistent, or of a global index; Cloud Storage reads and listings are strong",
		[]string{"https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.ReadConsistency.html",
			"https://redis.io/docs/latest/operate/oss_and_stack/management/replication/", "https://docs.cloud.google.com/memorystore/docs/redis/about-read-replicas"}},
	{LoseWrites, "a failover of a Redis or a PostgreSQL, or the crash of a server that syncs its log later than it acknowledges, loses the newest acknowledged writes (of a PostgreSQL, commits), so many, and resets connections",
		"at operations of a Redis or a PostgreSQL with replicas, or of such a log, that has acknowledged writes",
		[]string{"https://redis.io/docs/latest/operate/oss_and_stack/management/replication/", "https://jepsen.io/analyses/nats-2.12.1",
			"https://www.postgresql.org/docs/current/warm-standby.html#SYNCHRONOUS-REPLICATION"}},
	{Skew, "the recorded times of a function instance's events are off by the scenario's bound, ahead or behind",
		"where an instance starts, if the scenario's Faults.Skew is not zero",
		[]string{"https://docs.cloud.google.com/spanner/docs/true-time-external-consistency"}},
	{OldRevision, "during a rollout the invocation is served by an instance of the revision before",
		"where an invocation of a function with Old starts",
		[]string{"https://docs.cloud.google.com/run/docs/rollouts-rollbacks-traffic-migration"}},
	{Drop, "an event is lost",
		"where the delivery to a trigger starts whose retries are off (Policy.Once), and of an asynchronous event of Lambda's whose function has refused it before with 429; a message that is kept no longer is given up without being asked",
		[]string{"https://cloud.google.com/functions/docs/writing/retries", "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html"}},
	{Coalesce, "two events of one object become one: only the later is delivered",
		"where an event's delivery starts and a later one of the same object waits, where both are near each other (S3, of a bucket without versions; never on Google Cloud)",
		// "If two writes are made to a single non-versioned object at the same time, it is possible that only a
		// single event notification will be sent": the guide as it was when it was kept there.
		[]string{"https://github.com/awsdocs/amazon-s3-userguide/blob/09fc221250750bcd294995a7e904d8b648ef66ff/doc_source/NotificationHowTo.md"}},
	{Partial, "a batch is carried out in part: the last of what it asks for is left to the caller, as unprocessed",
		"at every batch of several items of a DynamoDB, and at every put of events to an EventBridge",
		[]string{"https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html", "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html",
			"https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html"}},
	{Conflict, "a transaction, a write beside one, or a change on a condition is refused, since another operation on one of its items is under way",
		"at transactions and writes of a DynamoDB, where another invocation has transacted, or for a transaction written, the same item within a second; and at changes of an S3 on a condition, where another has changed the same object within a second",
		[]string{"https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-conflict-handling",
			"https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html"}},
	{Disconnect, "a connection dies on which nothing is under way: what it holds is gone (a transaction, advisory locks, what it listens to), its client learns of it when it uses the connection again",
		"at statements of a PostgreSQL, while another connection holds something and is idle",
		[]string{"https://www.postgresql.org/docs/current/runtime-config-connection.html#RUNTIME-CONFIG-TCP", "https://www.pgbouncer.org/config.html#idle_transaction_timeout",
			"https://docs.aws.amazon.com/elasticloadbalancing/latest/network/update-idle-timeout.html"}},
	{RunGoroutine, "another runnable goroutine of a function instance goes first, the one that is passed over goes behind the others",
		"on the patched runtime: wherever a goroutine is about to go on, or reaches an operation of a channel or a lock, or a go statement, and another could go on",
		[]string{"https://go.dev/ref/spec#Go_statements", "https://go.dev/ref/mem"}},
	{SelectCase, "a select takes another one of its ready cases",
		"on the patched runtime: at every select with several ready cases",
		[]string{"https://go.dev/ref/spec#Select_statements"}},
	{Overlap, "another invocation of the same function instance goes on at the same time, so that the goroutines of both may go on in any order",
		"on the patched runtime: at every operation and start of an invocation, where another invocation of its instance is ready",
		[]string{"https://docs.cloud.google.com/run/docs/about-concurrency"}},
}

// Reorders reports whether a kind only changes in what order things happen:
// it is no fault and does not count against the budget.
func Reorders(kind string) bool {
	return slices.Contains([]string{RunOther, Reorder, RunGoroutine, SelectCase, Overlap}, kind)
}
