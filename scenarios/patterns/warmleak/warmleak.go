// Package warmleak exports tenants' data, by way of a temporary file.
//
// Export appends rows to a file of a fixed name, uploads it, and removes it.
// When the upload fails it returns before that, the file stays in the function
// instance, and the next request that the warm instance serves appends to it.
// One tenant's report has another tenant's rows in it.
//
// Reported: aws-cloudformation/cloudformation-cli-java-plugin, issue 153 (a
// Lambda function whose state outlives an invocation that did not clean up; here
// a container's file system, which Cloud Run keeps in memory in the same way).
//
// Provoked by: a call that fails between the first write and the clean-up.
//
// Remedy: each invocation has a file of its own, and removes it however it
// ends.
package warmleak

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"
)

// Export is the function export: POST /<tenant>. An instance serves one request
// at a time.
type Export struct {
	Data, Reports *storage.BucketHandle
	Dir           string // for temporary files
	Repaired      bool
}

// ServeHTTP exports a tenant's data.
func (f *Export) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	tenant := strings.TrimPrefix(r.URL.Path, "/")
	if err := f.export(r.Context(), tenant); err != nil {
		log.Printf("export %s: %v", tenant, err)
		http.Error(w, "try again", http.StatusServiceUnavailable)
	}
}

func (f *Export) export(ctx context.Context, tenant string) error {
	file, err := f.open()
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	if f.Repaired {
		defer func() { _ = os.Remove(file.Name()) }()
	}
	if err := f.collect(ctx, tenant, file); err != nil {
		return err
	}
	if err := f.upload(ctx, tenant, file); err != nil {
		return err
	}
	if !f.Repaired {
		return os.Remove(file.Name())
	}
	return nil
}

func (f *Export) open() (*os.File, error) {
	if f.Repaired {
		return os.CreateTemp(f.Dir, "report-*.csv")
	}
	return os.OpenFile(filepath.Join(f.Dir, "report.csv"), os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
}

// collect appends the tenant's rows to the file.
func (f *Export) collect(ctx context.Context, tenant string, file *os.File) error {
	rows, err := f.Data.Object(tenant + ".csv").NewReader(ctx)
	if err != nil {
		return err
	}
	_, err = rows.WriteTo(file)
	return errors.Join(err, rows.Close())
}

func (f *Export) upload(ctx context.Context, tenant string, file *os.File) error {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	w := f.Reports.Object(tenant + ".csv").NewWriter(ctx)
	w.ContentType = "text/csv"
	_, err := io.Copy(w, file)
	return errors.Join(err, w.Close())
}

// Tenants is the function tenants, which lists whose data there is.
type Tenants struct{ Data *storage.BucketHandle }

// ServeHTTP lists the tenants.
func (f *Tenants) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for objects := f.Data.Objects(r.Context(), nil); ; {
		object, err := objects.Next()
		switch {
		case errors.Is(err, iterator.Done):
			return
		case err != nil:
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, strings.TrimSuffix(object.Name, ".csv")+"\n")
	}
}
