package awsprobe

import "strings"

// TraceParent is the trace context of W3C that X-Ray's header says; empty where it
// names no trace with a parent. A header that does not say whether it is sampled is
// not.
//
//	Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1
//	00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01
//
// https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
func TraceParent(header string) string {
	var root, parent string
	flags := "00"
	for part := range strings.SplitSeq(header, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "Root":
			root = value
		case "Parent":
			parent = value
		case "Sampled":
			if value == "1" {
				flags = "01"
			}
		}
	}
	parts := strings.Split(root, "-")
	if len(parts) != 3 || parts[0] != "1" || len(parts[1]) != 8 || len(parts[2]) != 24 || len(parent) != 16 {
		return ""
	}
	return "00-" + strings.ToLower(parts[1]+parts[2]) + "-" + strings.ToLower(parent) + "-" + flags
}
