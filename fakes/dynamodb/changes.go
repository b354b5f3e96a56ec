package dynamodb

import "github.com/wtsim/wtsim/cloud/aws"

// Changes returns records of a table's stream, for what brings them to
// functions.
func (b *Backend) Changes(table string, after int64, most int) ([]aws.Change, bool) {
	s := b.Stream(table)
	if s == nil {
		return nil, false
	}
	var out []aws.Change
	for _, r := range s.Since(b.kernel.Now(), after, most) {
		out = append(out, aws.Change{Number: r.Number, At: r.At, Subject: r.Subject, Root: r.Root, Item: s.table.itemName(r.keys), ID: r.Sequence(), Event: r.Event()})
	}
	return out, true
}
