package awswire

import (
	"encoding/base64"
	"fmt"
	"net/url"

	"github.com/wtsim/wtsim/cloud/aws"
)

// Attributes reads the attributes of a message out of a form of the Query
// protocol, whose lists are numbered: NAME.1.Name, NAME.1.Value.DataType, ...
func Attributes(f url.Values, name string) map[string]aws.Attribute {
	var out map[string]aws.Attribute
	for i := 1; ; i++ {
		at := fmt.Sprintf("%s.%d.", name, i)
		if !f.Has(at + "Name") {
			return out
		}
		if out == nil {
			out = map[string]aws.Attribute{}
		}
		a := aws.Attribute{DataType: f.Get(at + "Value.DataType")}
		if f.Has(at + "Value.StringValue") {
			text := f.Get(at + "Value.StringValue")
			a.StringValue = &text
		}
		if f.Has(at + "Value.BinaryValue") {
			a.BinaryValue, _ = base64.StdEncoding.DecodeString(f.Get(at + "Value.BinaryValue")) // what is none is empty, and refused
		}
		out[f.Get(at+"Name")] = a
	}
}
