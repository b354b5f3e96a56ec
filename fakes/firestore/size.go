package firestore

import (
	"fmt"
	"strings"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
)

// The limits of documents and requests.
// https://firebase.google.com/docs/firestore/quotas#collections_documents_and_fields
const (
	mostDocumentBytes = 1 << 20
	mostRequestBytes  = 10 << 20
	mostNesting       = 20
	mostFieldName     = 1500
)

// sizeOf is a document's size as the service counts it.
// https://firebase.google.com/docs/firestore/storage-size
func sizeOf(name string, fields map[string]*pb.Value) int {
	return nameSize(name) + fieldsSize(fields) + 32
}

func nameSize(name string) int {
	n := 16
	for _, id := range strings.Split(pathOf(name), "/") {
		n += len(id) + 1
	}
	return n
}

func fieldsSize(fields map[string]*pb.Value) (n int) {
	for name, v := range fields { //wtsim:order a sum
		n += len(name) + 1 + valueSize(v)
	}
	return n
}

func valueSize(v *pb.Value) int {
	switch x := v.GetValueType().(type) {
	case *pb.Value_IntegerValue, *pb.Value_DoubleValue, *pb.Value_TimestampValue:
		return 8
	case *pb.Value_StringValue:
		return len(x.StringValue) + 1
	case *pb.Value_BytesValue:
		return len(x.BytesValue)
	case *pb.Value_ReferenceValue:
		return nameSize(x.ReferenceValue)
	case *pb.Value_GeoPointValue:
		return 16
	case *pb.Value_ArrayValue:
		n := 0
		for _, e := range x.ArrayValue.GetValues() {
			n += valueSize(e)
		}
		return n
	case *pb.Value_MapValue:
		return fieldsSize(x.MapValue.GetFields())
	}
	return 1
}

// checkFields checks what a document is to hold.
func checkFields(name string, fields map[string]*pb.Value) error {
	if err := checkMap(fields, 1); err != nil {
		return err
	}
	if n := sizeOf(name, fields); n > mostDocumentBytes {
		return invalid("Document '%s' cannot be written because its size (%s bytes) exceeds the maximum allowed size of %s bytes.", name, grouped(n), grouped(mostDocumentBytes))
	}
	return nil
}

func checkMap(fields map[string]*pb.Value, depth int) error {
	if depth > mostNesting {
		return invalid("Property is nested too deeply: more than %d levels.", mostNesting)
	}
	for _, name := range sortedKeys(fields) {
		switch {
		case name == "":
			return invalid("Property name is empty.")
		case len(name) > mostFieldName:
			return invalid("Property name is longer than %d bytes.", mostFieldName)
		case name != "__type__" && strings.HasPrefix(name, "__") && strings.HasSuffix(name, "__"):
			return invalid("Property name \"%s\" is reserved.", name)
		}
		if err := checkValue(fields[name], depth, false); err != nil {
			return err
		}
	}
	return nil
}

func checkValue(v *pb.Value, depth int, inArray bool) error {
	switch x := v.GetValueType().(type) {
	case nil:
		return invalid("Value has no value_type.")
	case *pb.Value_ReferenceValue:
		return checkDocument(x.ReferenceValue)
	case *pb.Value_MapValue:
		return checkMap(x.MapValue.GetFields(), depth+1)
	case *pb.Value_ArrayValue:
		if inArray {
			return invalid("Cannot convert an array value in an array value.")
		}
		for _, e := range x.ArrayValue.GetValues() {
			if err := checkValue(e, depth+1, true); err != nil {
				return err
			}
		}
	}
	return nil
}

// grouped writes a number as the service does in such messages: 1,048,576.
func grouped(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
