package gcpprobe

import (
	"bytes"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wtsim/wtsim/event"
)

// DescribeFirestore tells the operation of a call of the Firestore client:
// service "firestore", the method as the protocol names it ("commit",
// "batchGetDocuments", "runQuery"), the resource the paths of the documents
// without project and database, with spaces between ("users/u1 users/u2"), or of
// what a query is about: "users/*", "users/u1/posts/*", of a collection group
// "**/posts/*". A space in an id is written %20. What begins or ends a transaction
// has no resource.
func DescribeFirestore(_ string, request proto.Message, op *event.Operation) {
	op.Service, op.Method, op.Fails = "firestore", lowerFirst(op.Method), firestoreFails
	op.Access = event.Reads
	if request == nil {
		return
	}
	m := request.ProtoReflect()
	switch op.Method {
	case "commit", "batchWrite":
		op.Access = event.Writes
		if bytesField(m, "transaction") || asksFirst(op.Request.Body) {
			op.Access |= event.Reads
		}
		op.Resource = documentPaths(written(m))
	case "rollback":
		op.Access = event.Writes
	case "batchGetDocuments":
		op.Resource = documentPaths(texts(m, "documents"))
	case "listDocuments":
		op.Resource = collectionPath(textField(m, "parent"), textField(m, "collection_id"), false)
	case "listen":
		if op.Resource = documentPaths(texts(nested(m, "add_target", "documents"), "documents")); op.Resource == "" {
			op.Resource = queried(nested(m, "add_target", "query"))
		}
	case "runAggregationQuery":
		op.Resource = queriedOf(m, nested(m, "structured_aggregation_query", "structured_query"))
	case "runQuery", "partitionQuery":
		op.Resource = queried(m)
	}
}

// The codes that a client may meet at any time, each with what the service says
// of it.
// https://firebase.google.com/docs/firestore/understand-error-codes
var firestoreFails = []string{"UNAVAILABLE", "ABORTED", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED"}

// asksFirst reports whether a commit has a precondition, or changes a field by
// what it holds.
func asksFirst(body []byte) bool {
	return bytes.Contains(body, []byte(`"currentDocument"`)) || bytes.Contains(body, []byte(`Transforms"`))
}

// written are the names of the documents of a request's writes, each once.
func written(m protoreflect.Message) []string {
	fd := m.Descriptor().Fields().ByName("writes")
	if fd == nil {
		return nil
	}
	var out []string
	for list, i := m.Get(fd).List(), 0; i < list.Len(); i++ {
		w := list.Get(i).Message()
		for _, field := range []string{"update.name", "delete", "transform.document"} {
			if name := textField(w, field); name != "" && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// nested leads into a message by the names of fields; nil if one is not there.
func nested(m protoreflect.Message, names ...protoreflect.Name) protoreflect.Message {
	for _, name := range names {
		if m == nil {
			return nil
		}
		fd := m.Descriptor().Fields().ByName(name)
		if fd == nil || fd.Kind() != protoreflect.MessageKind || fd.IsList() || !m.Has(fd) {
			return nil
		}
		m = m.Get(fd).Message()
	}
	return m
}

// texts are the elements of a list of texts.
func texts(m protoreflect.Message, name protoreflect.Name) []string {
	if m == nil {
		return nil
	}
	fd := m.Descriptor().Fields().ByName(name)
	if fd == nil || !fd.IsList() || fd.Kind() != protoreflect.StringKind {
		return nil
	}
	var out []string
	for list, i := m.Get(fd).List(), 0; i < list.Len(); i++ {
		out = append(out, list.Get(i).String())
	}
	return out
}

// queried is what a request with a query is about.
func queried(m protoreflect.Message) string {
	if m == nil {
		return ""
	}
	return queriedOf(m, nested(m, "structured_query"))
}

func queriedOf(m, query protoreflect.Message) string {
	if query == nil {
		return ""
	}
	fd := query.Descriptor().Fields().ByName("from")
	if fd == nil || query.Get(fd).List().Len() == 0 {
		return ""
	}
	from := query.Get(fd).List().Get(0).Message()
	all := from.Descriptor().Fields().ByName("all_descendants")
	return collectionPath(textField(m, "parent"), textField(from, "collection_id"), all != nil && from.Get(all).Bool())
}

// collectionPath is a collection, or a collection group.
func collectionPath(parent, id string, group bool) string {
	_, path, _ := strings.Cut(parent, "/documents")
	path = strings.TrimPrefix(path, "/")
	if group {
		id = "**/" + id
	}
	if path != "" {
		path += "/"
	}
	return strings.ReplaceAll(path+id, " ", "%20") + "/*"
}

// documentPaths are the paths of documents.
func documentPaths(names []string) string {
	var out []string
	for _, name := range names {
		if _, path, ok := strings.Cut(name, "/documents/"); ok {
			out = append(out, strings.ReplaceAll(path, " ", "%20"))
		}
	}
	return strings.Join(out, " ")
}

// bytesField reports whether there are bytes in a field.
func bytesField(m protoreflect.Message, name protoreflect.Name) bool {
	fd := m.Descriptor().Fields().ByName(name)
	return fd != nil && fd.Kind() == protoreflect.BytesKind && len(m.Get(fd).Bytes()) > 0
}
