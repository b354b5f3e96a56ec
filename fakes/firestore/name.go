package firestore

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// The limits of names.
// https://firebase.google.com/docs/firestore/quotas#collections_documents_and_fields
const (
	mostIDBytes   = 1500
	mostNameBytes = 6 << 10
	mostDepth     = 100 // of subcollections
)

// A document's name is projects/<p>/databases/<d>/documents/<path>; its path
// alternates ids of collections and documents.
var databaseName = regexp.MustCompile(`^projects/[^/]+/databases/[^/]+$`)

// rootOf is the part of a name before the path, without a slash at its end.
func rootOf(name string) string {
	root, _, _ := strings.Cut(name, "/documents")
	return root + "/documents"
}

// pathOf is what people call a document, or a collection: its path.
func pathOf(name string) string {
	_, path, _ := strings.Cut(name, "/documents/")
	return path
}

// parentOf is the collection that a document is in.
func parentOf(name string) string { return name[:strings.LastIndexByte(name, '/')] }

// idOf is the last element of a name.
func idOf(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

// checkDatabase checks the name of a database.
func checkDatabase(name string) error {
	if !databaseName.MatchString(name) {
		return invalid("Invalid database name \"%s\".", name)
	}
	return nil
}

// checkDocument checks a document's name.
func checkDocument(name string) error {
	database, path, ok := strings.Cut(name, "/documents/")
	if !ok || !databaseName.MatchString(database) {
		return invalid("Document name \"%s\" lacks \"/documents\" at index 4.", name)
	}
	ids := strings.Split(path, "/")
	if len(ids)%2 != 0 {
		return invalid("Document parent name \"%s\" lacks \"/\" at index %d.", name, len(name))
	}
	if len(ids)/2 > mostDepth || len(name) > mostNameBytes {
		return invalid("The document name \"%s\" is too long.", name)
	}
	for _, id := range ids {
		if err := checkID(id); err != nil {
			return err
		}
	}
	return nil
}

// checkParent checks the name of a document, or the root of all.
func checkParent(name string) error {
	if database, ok := strings.CutSuffix(name, "/documents"); ok {
		return checkDatabase(database)
	}
	return checkDocument(name)
}

// checkID checks the id of a collection or document.
func checkID(id string) error {
	switch {
	case id == "" || id == "." || id == "..":
		return invalid("Resource id \"%s\" is invalid.", id)
	case len(id) > mostIDBytes:
		return invalid("Resource id is longer than %d bytes.", mostIDBytes)
	case !utf8.ValidString(id):
		return invalid("Resource id is no UTF-8.")
	case strings.HasPrefix(id, "__") && strings.HasSuffix(id, "__"):
		return invalid("Resource id \"%s\" is invalid because it is reserved.", id)
	}
	return nil
}
