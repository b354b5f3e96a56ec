package fakestest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"
)

// GCSOptions says how to test a Cloud Storage. Its zero value will do for a
// fake.
type GCSOptions struct {
	Prefix    string // of the names of buckets, which must be new; default "conformance-"
	Project   string // where buckets are made; default "project"
	JSONReads bool   // the client reads through the JSON API, which knows more preconditions
}

// GCS checks what a handler may rely on of Cloud Storage, through its real
// client. Each check has a bucket of its own, which stays. The error names
// every check that fails.
func GCS(ctx context.Context, client *storage.Client, o GCSOptions) error {
	if o.Prefix == "" {
		o.Prefix = "conformance-"
	}
	if o.Project == "" {
		o.Project = "project"
	}
	checks := gcsChecks
	if o.JSONReads {
		checks = append(slices.Clip(checks), gcsCheck{"preconditions of reads through the JSON API", jsonReadConditions})
	}
	var failed []error
	for i, c := range checks {
		b := client.Bucket(fmt.Sprint(o.Prefix, i))
		err := b.Create(ctx, o.Project, &storage.BucketAttrs{VersioningEnabled: strings.HasPrefix(c.name, "versioned: ")})
		if err == nil {
			err = c.check(ctx, b)
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", c.name, err))
		}
	}
	return errors.Join(failed...)
}

type gcsCheck struct {
	name  string
	check func(context.Context, *storage.BucketHandle) error
}

var gcsChecks = []gcsCheck{
	{"a written object is read back", roundTrips},
	{"a range is read", ranges},
	{"an object that is not there", absent},
	{"generations are distinct and rise", generations},
	{"metagenerations begin at 1 and rise", metagenerations},
	{"etags tell generation and metageneration", etags},
	{"an update changes what it names", updates},
	{"preconditions of uploads", uploadConditions},
	{"preconditions of reads", readConditions},
	{"preconditions of updates", updateConditions},
	{"preconditions of deletes", deleteConditions},
	{"preconditions of copies", copyConditions},
	{"preconditions of compositions", composeConditions},
	{"preconditions of uploads in parts", resumableConditions},
	{"what is refused has no effect", refusals},
	{"only the live generation exists", onlyLive},
	{"versioned: older generations stay", versions},
	{"copies are new generations", copies},
	{"listings are complete and in order", listings},
	{"preconditions of buckets", bucketConditions},
}

func put(ctx context.Context, o *storage.ObjectHandle, content string) (int64, error) {
	w := o.NewWriter(ctx)
	w.ChunkSize = 256 << 10 // its default is a buffer of 16 MiB an object
	if _, err := io.WriteString(w, content); err != nil {
		return 0, err
	}
	if err := w.Close(); err != nil {
		return 0, err
	}
	return w.Attrs().Generation, nil
}

func get(ctx context.Context, o *storage.ObjectHandle) (string, error) {
	r, err := o.NewReader(ctx)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(r)
	return string(text), err
}

// is checks that an error has an HTTP status; 0 stands for none.
func is(what string, err error, code int) error {
	var e *googleapi.Error
	if code == 0 && err == nil || errors.As(err, &e) && e.Code == code {
		return nil
	}
	return fmt.Errorf("%s: got %w, wanted status %d", what, orNil(err), code)
}

var errNone = errors.New("no error")

func orNil(err error) error {
	if err == nil {
		return errNone
	}
	return err
}

func roundTrips(ctx context.Context, b *storage.BucketHandle) error {
	for _, name := range []string{"a", "dir/b.json", "a b", "grüße/日本", "100%", "a%2Fb", "a+b&c=d?e#f", "dir/", "o/acl"} {
		if _, err := put(ctx, b.Object(name), "content of "+name); err != nil {
			return err
		}
		if text, err := get(ctx, b.Object(name)); text != "content of "+name || err != nil {
			return fmt.Errorf("%q: got %q, %w", name, text, orNil(err))
		}
		attrs, err := b.Object(name).Attrs(ctx)
		if err != nil || attrs.Name != name || attrs.Size != int64(len("content of "+name)) {
			return fmt.Errorf("%q: got %+v, %w", name, attrs, orNil(err))
		}
	}
	return nil
}

func absent(ctx context.Context, b *storage.BucketHandle) error {
	o := b.Object("absent")
	_, readErr := get(ctx, o)
	_, attrsErr := o.Attrs(ctx)
	_, updateErr := o.Update(ctx, storage.ObjectAttrsToUpdate{ContentType: "x"})
	_, copyErr := b.Object("copy").CopierFrom(o).Run(ctx)
	deleteErr := o.Delete(ctx)
	for _, err := range []error{readErr, attrsErr, updateErr, deleteErr, copyErr} {
		if !errors.Is(err, storage.ErrObjectNotExist) {
			return is("absent", err, http.StatusNotFound)
		}
	}
	return nil
}
