package otlp

import (
	"slices"
	"strconv"
	"strings"
)

// spellings are attributes that have, or had, several names: the newest first.
// The conventions name the old ones where they deprecate them:
// https://opentelemetry.io/docs/specs/semconv/registry/attributes/
var spellings = [][]string{
	{"http.request.method", "http.method"},
	{"http.response.status_code", "http.status_code"},
	{"url.full", "http.url"},
	{"url.path", "http.target"},
	{"url.scheme", "http.scheme"},
	{"user_agent.original", "http.user_agent"},
	{"server.address", "net.peer.name", "net.host.name", "http.host", "http.server_name"},
	{"server.port", "net.peer.port", "net.host.port"},
	{"client.address", "http.client_ip"},
	{"rpc.system.name", "rpc.system"},
	{"rpc.response.status_code", "rpc.grpc.status_code", "rpc.status_code", "rpc.connect_rpc.error_code"},
	{"db.system.name", "db.system"},
	{"db.operation.name", "db.operation"},
	{"db.namespace", "db.name", "db.redis.database_index", "db.cassandra.keyspace"},
	{"db.collection.name", "db.sql.table", "db.mongodb.collection", "db.cassandra.table", "db.cosmosdb.container"},
	{"db.query.text", "db.statement"},
	{"messaging.operation.type", "messaging.operation"},
	{"messaging.destination.name", "messaging.destination"},
	{"messaging.message.id", "messaging.message_id"},
	{"messaging.message.conversation_id", "messaging.conversation_id"},
	{"messaging.consumer.group.name", "messaging.kafka.consumer.group", "messaging.eventhubs.consumer.group", "messaging.rocketmq.client_group"},
	{"faas.invocation_id", "faas.execution"},
	{"aws.request_id", "aws.requestId"},
}

// newest is the newest spelling of each that there is another of.
var newest = func() map[string]string {
	all := map[string]string{}
	for _, names := range spellings {
		for _, old := range names[1:] {
			all[old] = names[0]
		}
	}
	return all
}()

// canonical is the newest spelling of an attribute's name.
func canonical(name string) string {
	if to, ok := newest[name]; ok {
		return to
	}
	return name
}

// grpcCodes are the names of gRPC's status codes, by number.
var grpcCodes = [...]string{
	"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED",
	"FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
}

// rpcStatus is the name of a status that is a number, or in lower case, in other
// conventions.
func rpcStatus(text string) string {
	if name := strings.ToUpper(text); slices.Contains(grpcCodes[:], name) {
		return name
	}
	if n, err := strconv.Atoi(text); err == nil && n >= 0 && n < len(grpcCodes) {
		return grpcCodes[n]
	}
	return text
}
