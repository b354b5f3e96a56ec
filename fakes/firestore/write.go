package firestore

import (
	"maps"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// writing is writes on their way to be committed together: all or none.
type writing struct {
	b       *Backend
	at      time.Time
	order   []string // names of documents, in the order in which they were first written
	states  map[string]*version
	results []*pb.WriteResult
}

// state is a document as the writes before leave it; nil if it is not there.
func (w *writing) state(name string) *version {
	if v, ok := w.states[name]; ok {
		return v
	}
	return w.b.live(name, time.Time{})
}

// apply works writes out. Nothing is changed yet.
func (b *Backend) apply(writes []*pb.Write, at time.Time) (*writing, error) {
	w := &writing{b: b, at: at, states: map[string]*version{}}
	for _, one := range writes {
		if err := w.write(one); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// target is the document that a write is about.
func target(w *pb.Write) (string, error) {
	var name string
	switch op := w.Operation.(type) {
	case *pb.Write_Update:
		name = op.Update.GetName()
	case *pb.Write_Delete:
		name = op.Delete
	case *pb.Write_Transform:
		name = op.Transform.GetDocument()
	default:
		return "", invalid("A write must have an operation.")
	}
	return name, checkDocument(name)
}

func (w *writing) write(one *pb.Write) error {
	name, err := target(one)
	if err != nil {
		return err
	}
	old := w.state(name)
	if !w.b.service.lacks(preconditions) {
		if err := met(one.CurrentDocument, name, old); err != nil {
			return err
		}
	}
	if _, ok := one.Operation.(*pb.Write_Delete); ok {
		w.leave(name, nil)
		w.results = append(w.results, &pb.WriteResult{})
		return nil
	}
	fields, err := updated(one, old)
	if err != nil {
		return err
	}
	transforms := one.UpdateTransforms
	if t := one.GetTransform(); t != nil {
		transforms = t.FieldTransforms
	}
	result := &pb.WriteResult{}
	for _, t := range transforms {
		var shown *pb.Value
		if fields, shown, err = transform(fields, t, w.at); err != nil {
			return err
		}
		result.TransformResults = append(result.TransformResults, shown)
	}
	if err := checkFields(name, fields); err != nil {
		return err
	}
	next := &version{at: w.at, created: w.at, fields: fields}
	if old != nil {
		next.created = old.created
		if same(old.fields, fields) { // "the previous update_time"
			next = old
		}
	}
	result.UpdateTime = timestamppb.New(next.at)
	w.results = append(w.results, result)
	w.leave(name, next)
	return nil
}

// leave notes a document's state.
func (w *writing) leave(name string, v *version) {
	if _, ok := w.states[name]; !ok {
		w.order = append(w.order, name)
	}
	w.states[name] = v
}

// met checks a precondition; the words are those of the service.
func met(p *pb.Precondition, name string, old *version) error {
	switch c := p.GetConditionType().(type) {
	case *pb.Precondition_Exists:
		switch {
		case c.Exists && old == nil:
			return status.Errorf(codes.NotFound, "No document to update: %s", name)
		case !c.Exists && old != nil:
			return status.Errorf(codes.AlreadyExists, "Document already exists: %s", name)
		}
	case *pb.Precondition_UpdateTime:
		want := c.UpdateTime.AsTime()
		switch {
		case old == nil:
			return status.Errorf(codes.NotFound, "No document to update: %s", name)
		case !old.at.Equal(want):
			return status.Errorf(codes.FailedPrecondition, "the stored version (%d) does not match the required base version (%d)", old.at.UnixMicro(), want.UnixMicro())
		}
	}
	return nil
}

// updated is what a write that is no deletion makes of a document, before its
// transforms.
func updated(one *pb.Write, old *version) (map[string]*pb.Value, error) {
	var fields map[string]*pb.Value
	if old != nil {
		fields = old.fields
	}
	u := one.GetUpdate()
	switch {
	case u == nil:
	case one.UpdateMask == nil:
		fields = u.Fields
	default:
		for _, p := range one.UpdateMask.FieldPaths {
			path, err := parseField(p)
			if err != nil {
				return nil, err
			}
			fields = withField(fields, path, fieldOf(u.Fields, path))
		}
	}
	if fields == nil {
		fields = map[string]*pb.Value{}
	}
	return maps.Clone(fields), nil
}

// same reports whether two documents hold the same: values, and their types.
func same(a, b map[string]*pb.Value) bool {
	return compareMaps(a, b) == 0 && text(a) == text(b)
}

// changes are those of the documents that the writes leave otherwise.
func (w *writing) changes() []change {
	var out []change
	for _, name := range w.order {
		old, next := w.b.live(name, time.Time{}), w.states[name]
		switch {
		case next == nil && old != nil:
			out = append(out, change{name, old, version{at: w.at}})
		case next != nil && next != old:
			out = append(out, change{name, old, *next})
		}
	}
	return out
}
