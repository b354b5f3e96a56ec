package fakestest

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"

	secretmanager "cloud.google.com/go/secretmanager/apiv1"
	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/api/iterator"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// SecretManager checks what an application may rely on of Google Cloud's Secret Manager,
// through its real client, in secrets of a project that it creates and deletes. The
// error names every check that fails.
func SecretManager(ctx context.Context, client *secretmanager.Client, project string) error {
	var failed []error
	for i, c := range secretChecks {
		r := &secretRig{ctx, client, "projects/" + project, fmt.Sprint("suite-", i)}
		err := r.create()
		if err == nil {
			err = c.check(r)
		}
		if err = errors.Join(err, r.remove()); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", c.name, err))
		}
	}
	return errors.Join(failed...)
}

var secretChecks = []struct {
	name  string
	check func(*secretRig) error
}{
	{"a value is read back, with its checksum", (*secretRig).trip},
	{"latest is the newest version, whatever its state", (*secretRig).latest},
	{"a value whose checksum is another is refused", (*secretRig).summed},
	{"what is disabled is not accessed until it is enabled", (*secretRig).disabled},
	{"what is destroyed stays so", (*secretRig).destroyed},
	{"an ETag keeps a change from happening", (*secretRig).tagged},
	{"versions are listed in pages, the newest first", (*secretRig).listed},
	{"an alias names a version", (*secretRig).alias},
	{"what is wrong is refused", (*secretRig).wrong},
}

// secretRig is a client, and a secret.
type secretRig struct {
	ctx     context.Context
	client  *secretmanager.Client
	project string
	id      string
}

func (r *secretRig) name() string { return r.project + "/secrets/" + r.id }

func (r *secretRig) create() error {
	_, err := r.client.CreateSecret(r.ctx, &pb.CreateSecretRequest{Parent: r.project, SecretId: r.id,
		Secret: &pb.Secret{Replication: &pb.Replication{Replication: &pb.Replication_Automatic_{Automatic: &pb.Replication_Automatic{}}}}})
	return err
}

func (r *secretRig) remove() error {
	return r.client.DeleteSecret(r.ctx, &pb.DeleteSecretRequest{Name: r.name()})
}

func (r *secretRig) add(value string) (*pb.SecretVersion, error) {
	return r.client.AddSecretVersion(r.ctx, &pb.AddSecretVersionRequest{Parent: r.name(), Payload: &pb.SecretPayload{Data: []byte(value)}})
}

// adds adds versions.
func (r *secretRig) adds(values ...string) error {
	for _, v := range values {
		if _, err := r.add(v); err != nil {
			return err
		}
	}
	return nil
}

func (r *secretRig) version(which string) string { return r.name() + "/versions/" + which }

// says compares what is accessed with a value, or a code.
func (r *secretRig) says(which, want string, code codes.Code) error {
	got, err := r.client.AccessSecretVersion(r.ctx, &pb.AccessSecretVersionRequest{Name: r.version(which)})
	if status.Code(err) != code || string(got.GetPayload().GetData()) != want {
		return fmt.Errorf("version %s is %q, %w, wanted %q and %v", which, got.GetPayload().GetData(), err, want, code)
	}
	return nil
}

func isCode(err error, code codes.Code) error {
	if status.Code(err) != code {
		return fmt.Errorf("got %w, wanted %v", err, code)
	}
	return nil
}

func (r *secretRig) trip() error {
	v, err := r.add("p4ss")
	if err != nil || v.State != pb.SecretVersion_ENABLED || v.Name != r.version("1") {
		return fmt.Errorf("added %v: %w", v, err)
	}
	got, err := r.client.AccessSecretVersion(r.ctx, &pb.AccessSecretVersionRequest{Name: r.version("1")})
	sum := int64(crc32.Checksum([]byte("p4ss"), crc32.MakeTable(crc32.Castagnoli)))
	if err != nil || string(got.Payload.Data) != "p4ss" || got.Payload.GetDataCrc32C() != sum {
		return fmt.Errorf("got %v: %w", got, err)
	}
	return nil
}

func (r *secretRig) latest() error {
	if err := r.adds("one", "two"); err != nil {
		return err
	}
	got, err := r.client.AccessSecretVersion(r.ctx, &pb.AccessSecretVersionRequest{Name: r.version("latest")})
	if err != nil || got.Name != r.version("2") {
		return fmt.Errorf("latest is %v: %w", got, err)
	}
	if _, err := r.client.DisableSecretVersion(r.ctx, &pb.DisableSecretVersionRequest{Name: r.version("2")}); err != nil {
		return err
	}
	return errors.Join(r.says("latest", "", codes.FailedPrecondition), r.says("1", "one", codes.OK))
}

func (r *secretRig) summed() error {
	sum := int64(7)
	_, err := r.client.AddSecretVersion(r.ctx, &pb.AddSecretVersionRequest{Parent: r.name(), Payload: &pb.SecretPayload{Data: []byte("x"), DataCrc32C: &sum}})
	return errors.Join(isCode(err, codes.InvalidArgument), r.says("latest", "", codes.NotFound))
}

func (r *secretRig) disabled() error {
	if err := r.adds("one"); err != nil {
		return err
	}
	if v, err := r.client.DisableSecretVersion(r.ctx, &pb.DisableSecretVersionRequest{Name: r.version("1")}); err != nil || v.State != pb.SecretVersion_DISABLED {
		return fmt.Errorf("got %v: %w", v, err)
	}
	if err := r.says("1", "", codes.FailedPrecondition); err != nil {
		return err
	}
	_, err := r.client.EnableSecretVersion(r.ctx, &pb.EnableSecretVersionRequest{Name: r.version("1")})
	return errors.Join(err, r.says("1", "one", codes.OK))
}

func (r *secretRig) destroyed() error {
	if err := r.adds("one"); err != nil {
		return err
	}
	if v, err := r.client.DestroySecretVersion(r.ctx, &pb.DestroySecretVersionRequest{Name: r.version("1")}); err != nil || v.State != pb.SecretVersion_DESTROYED || v.DestroyTime == nil {
		return fmt.Errorf("got %v: %w", v, err)
	}
	_, err := r.client.EnableSecretVersion(r.ctx, &pb.EnableSecretVersionRequest{Name: r.version("1")})
	return errors.Join(isCode(err, codes.FailedPrecondition), r.says("1", "", codes.FailedPrecondition))
}

func (r *secretRig) tagged() error {
	v, err := r.add("one")
	if err != nil {
		return err
	}
	changed, err := r.client.EnableSecretVersion(r.ctx, &pb.EnableSecretVersionRequest{Name: v.Name, Etag: v.Etag}) // it is, and its ETag changes
	if err != nil || changed.Etag == v.Etag {
		return fmt.Errorf("got %v: %w", changed, err)
	}
	_, err = r.client.DisableSecretVersion(r.ctx, &pb.DisableSecretVersionRequest{Name: v.Name, Etag: v.Etag})
	return errors.Join(isCode(err, codes.FailedPrecondition), r.says("1", "one", codes.OK))
}

func (r *secretRig) listed() error {
	if err := r.adds("one", "two", "three"); err != nil {
		return err
	}
	var got []string
	for it := r.client.ListSecretVersions(r.ctx, &pb.ListSecretVersionsRequest{Parent: r.name(), PageSize: 2}); ; {
		v, err := it.Next()
		if errors.Is(err, iterator.Done) {
			break
		}
		if err != nil {
			return err
		}
		got = append(got, v.Name[len(v.Name)-1:])
	}
	if fmt.Sprint(got) != "[3 2 1]" {
		return fmt.Errorf("got %v", got)
	}
	return nil
}

func (r *secretRig) alias() error {
	if err := r.adds("one", "two"); err != nil {
		return err
	}
	_, err := r.client.UpdateSecret(r.ctx, &pb.UpdateSecretRequest{Secret: &pb.Secret{Name: r.name(), VersionAliases: map[string]int64{"stable": 1}},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"version_aliases"}}})
	return errors.Join(err, r.says("stable", "one", codes.OK), r.says("other", "", codes.NotFound))
}

func (r *secretRig) wrong() error {
	none := &secretRig{r.ctx, r.client, r.project, "none"}
	_, absent := none.add("x")
	_, empty := r.add("")
	_, long := r.add(string(make([]byte, 64<<10+1)))
	return errors.Join(isCode(r.create(), codes.AlreadyExists), isCode(absent, codes.NotFound), isCode(empty, codes.InvalidArgument), isCode(long, codes.InvalidArgument),
		none.says("1", "", codes.NotFound), r.says("1", "", codes.NotFound), isCode(none.remove(), codes.NotFound))
}
