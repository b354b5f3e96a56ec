package fakestest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// S3 checks what an application may rely on of S3, through its real client, in
// buckets that it makes; their names begin with a prefix. The error names
// every check that fails.
func S3(ctx context.Context, client *s3.Client, prefix string) error {
	var failed []error
	for _, c := range s3Checks {
		r := &s3Rig{ctx, client, prefix + c.bucket}
		_, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &r.bucket})
		if err == nil {
			err = tried(func() error { return c.check(r) })
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", c.name, err))
		}
	}
	return errors.Join(failed...)
}

type s3Check struct {
	name, bucket string
	check        func(*s3Rig) error
}

var s3Checks = []s3Check{
	{"what is put is got, with what was said of it", "trip", s3Trip},
	{"ranges and conditions of reads", "reads", s3Reads},
	{"a put on a condition happens if it holds", "puts", s3Puts},
	{"a deletion on a condition happens if it holds", "deletes", s3Deletes},
	{"a copy has the content, and what was said of it unless that is replaced", "copies", s3Copies},
	{"checksums are compared, and come back", "sums", s3Sums},
	{"several are deleted at once", "several", s3Several},
	{"tags", "tags", s3Tags},
	{"a listing groups by a delimiter, in pages", "lists", s3Lists},
	{"the first form of a listing", "lists-v1", s3ListsV1},
	{"versions are kept, and delete markers", "versions", s3Versions},
	{"versions are kept no more", "suspended", s3Suspended},
	{"versions are listed in pages", "list-versions", s3ListVersions},
	{"an upload in parts", "parts", s3Parts},
	{"parts are refused that do not fit", "misfits", s3Misfits},
	{"an upload is aborted", "aborted", s3Aborted},
	{"an upload in parts ends on a condition", "ends", s3Ends},
	{"buckets", "buckets", s3Buckets},
	{"what is not there is told so", "absent", s3Absent},
}

// s3Rig is a client, and a bucket.
type s3Rig struct {
	ctx    context.Context
	client *s3.Client
	bucket string
}

// put stores an object, and returns its entity tag.
func (r *s3Rig) put(key, content string, options ...func(*s3.PutObjectInput)) (string, error) {
	in := &s3.PutObjectInput{Bucket: &r.bucket, Key: &key, Body: strings.NewReader(content)}
	for _, o := range options {
		o(in)
	}
	out, err := r.client.PutObject(r.ctx, in)
	if err != nil {
		return "", err
	}
	return aws.ToString(out.ETag), nil
}

// get reads an object; version may be empty.
func (r *s3Rig) get(key, version string) (string, error) {
	in := &s3.GetObjectInput{Bucket: &r.bucket, Key: &key}
	if version != "" {
		in.VersionId = &version
	}
	out, err := r.client.GetObject(r.ctx, in)
	if err != nil {
		return "", err
	}
	defer func() { _ = out.Body.Close() }()
	text, err := io.ReadAll(out.Body)
	return string(text), err
}

// expects compares the content of an object.
func (r *s3Rig) expects(key, want string) error {
	if got, err := r.get(key, ""); err != nil || got != want {
		return fmt.Errorf("%s is %q (%w), wanted %q", key, got, err, want)
	}
	return nil
}

// wantCode says that an error has none of these codes.
func wantCode(err error, codes ...string) error {
	var e smithy.APIError
	if errors.As(err, &e) && slices.Contains(codes, e.ErrorCode()) {
		return nil
	}
	return fmt.Errorf("got %w, wanted %q", err, codes)
}

// equal compares what is written out.
func equal(what string, got, want any) error {
	if fmt.Sprint(got) != fmt.Sprint(want) {
		return fmt.Errorf("%s: got %v, wanted %v", what, got, want)
	}
	return nil
}

func s3Trip(r *s3Rig) error {
	const key = "a b/c+d%e*ü.txt"
	etag, err := r.put(key, "hello", func(in *s3.PutObjectInput) {
		in.ContentType, in.CacheControl, in.Metadata = aws.String("text/plain"), aws.String("no-cache"), map[string]string{"color": "red"}
		in.StorageClass = types.StorageClassStandardIa
	})
	if err != nil {
		return err
	}
	head, err := r.client.HeadObject(r.ctx, &s3.HeadObjectInput{Bucket: &r.bucket, Key: aws.String(key)})
	if err != nil {
		return err
	}
	_, gone := r.client.DeleteObject(r.ctx, &s3.DeleteObjectInput{Bucket: &r.bucket, Key: aws.String("none")})
	return errors.Join(r.expects(key, "hello"), gone,
		equal("etag", etag, `"5d41402abc4b2a76b9719d911017c592"`), // md5 of hello
		equal("head", []string{aws.ToString(head.ETag), aws.ToString(head.ContentType), aws.ToString(head.CacheControl), head.Metadata["color"], string(head.StorageClass), string(head.ServerSideEncryption)},
			[]string{etag, "text/plain", "no-cache", "red", "STANDARD_IA", "AES256"}),
		equal("length", aws.ToInt64(head.ContentLength), 5))
}

func s3Reads(r *s3Rig) error {
	etag, err := r.put("k", "0123456789")
	if err != nil {
		return err
	}
	get := func(f func(*s3.GetObjectInput)) (string, error) {
		in := &s3.GetObjectInput{Bucket: &r.bucket, Key: aws.String("k")}
		f(in)
		out, err := r.client.GetObject(r.ctx, in)
		if err != nil {
			return "", err
		}
		text, err := io.ReadAll(out.Body)
		return string(text) + " " + aws.ToString(out.ContentRange), err
	}
	var all []error
	for text, want := range map[string]string{
		"bytes=2-4": "234 bytes 2-4/10", "bytes=7-": "789 bytes 7-9/10", "bytes=-2": "89 bytes 8-9/10", "bytes=8-100": "89 bytes 8-9/10", "rows=1-2": "0123456789 ",
	} {
		got, err := get(func(in *s3.GetObjectInput) { in.Range = &text })
		all = append(all, err, equal(text, got, want))
	}
	_, beyond := get(func(in *s3.GetObjectInput) { in.Range = aws.String("bytes=10-") })
	_, other := get(func(in *s3.GetObjectInput) { in.IfMatch = aws.String(`"x"`) })
	_, same := get(func(in *s3.GetObjectInput) { in.IfMatch = &etag })
	_, unchanged := get(func(in *s3.GetObjectInput) { in.IfNoneMatch = &etag })
	all = append(all, wantCode(beyond, "InvalidRange"), wantCode(other, "PreconditionFailed"), same, wantCode(unchanged, "NotModified"))
	return errors.Join(all...)
}

func s3Puts(r *s3Rig) error {
	absent := func(in *s3.PutObjectInput) { in.IfNoneMatch = aws.String("*") }
	of := func(etag string) func(*s3.PutObjectInput) {
		return func(in *s3.PutObjectInput) { in.IfMatch = &etag }
	}
	one, err := r.put("k", "1", absent)
	_, there := r.put("k", "2", absent)
	two, same := r.put("k", "2", of(one))
	_, changed := r.put("k", "3", of(one))
	_, none := r.put("other", "3", of(two))
	_, tag := r.put("k", "3", func(in *s3.PutObjectInput) { in.IfNoneMatch = &two })
	return errors.Join(err, wantCode(there, "PreconditionFailed"), same, wantCode(changed, "PreconditionFailed"),
		wantCode(none, "NoSuchKey"), wantCode(tag, "NotImplemented"), r.expects("k", "2"))
}

func s3Deletes(r *s3Rig) error {
	etag, err := r.put("k", "1")
	del := func(match string) error {
		_, err := r.client.DeleteObject(r.ctx, &s3.DeleteObjectInput{Bucket: &r.bucket, Key: aws.String("k"), IfMatch: &match})
		return err
	}
	other := del(`"x"`)
	still := r.expects("k", "1")
	same := del(etag)
	_, gone := r.get("k", "")
	return errors.Join(err, wantCode(other, "PreconditionFailed"), still, same, wantCode(gone, "NoSuchKey"), wantCode(del("*"), "PreconditionFailed"))
}

func s3Copies(r *s3Rig) error {
	etag, err := r.put("from", "1", func(in *s3.PutObjectInput) {
		in.ContentType, in.Metadata, in.Tagging = aws.String("text/plain"), map[string]string{"a": "1"}, aws.String("t=1")
	})
	if err != nil {
		return err
	}
	cp := func(to string, f func(*s3.CopyObjectInput)) error {
		in := &s3.CopyObjectInput{Bucket: &r.bucket, Key: &to, CopySource: aws.String(r.bucket + "/from")}
		if f != nil {
			f(in)
		}
		_, err := r.client.CopyObject(r.ctx, in)
		return err
	}
	told := func(key, want string) error {
		head, err := r.client.HeadObject(r.ctx, &s3.HeadObjectInput{Bucket: &r.bucket, Key: &key})
		if err != nil {
			return err
		}
		return equal(key, aws.ToString(head.ContentType)+" "+head.Metadata["a"]+" "+aws.ToString(head.ETag), want+" "+etag)
	}
	replaced := func(in *s3.CopyObjectInput) {
		in.MetadataDirective, in.ContentType, in.Metadata = types.MetadataDirectiveReplace, aws.String("x/y"), map[string]string{"a": "2"}
	}
	return errors.Join(cp("to", nil), told("to", "text/plain 1"), r.expects("to", "1"),
		cp("from", replaced), told("from", "x/y 2"), wantCode(cp("from", nil), "InvalidRequest"),
		wantCode(cp("no", func(in *s3.CopyObjectInput) { in.CopySourceIfMatch = aws.String("x") }), "PreconditionFailed"),
		wantCode(cp("to", func(in *s3.CopyObjectInput) { in.IfNoneMatch = aws.String("*") }), "PreconditionFailed"),
		wantCode(cp("to", func(in *s3.CopyObjectInput) { in.CopySource = aws.String(r.bucket + "/none") }), "NoSuchKey"))
}

func s3Sums(r *s3Rig) error {
	var all []error
	for algorithm, want := range map[types.ChecksumAlgorithm]string{ // of "hello", by other programs
		types.ChecksumAlgorithmCrc32: "NhCmhg==", types.ChecksumAlgorithmCrc32c: "mnG7TA==", types.ChecksumAlgorithmSha1: "qvTGHdzF6KLavt4PO0gs2a6pQ00=",
		types.ChecksumAlgorithmSha256: "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=", types.ChecksumAlgorithmCrc64nvme: "M3eFcAZSQlc=",
	} {
		key := string(algorithm)
		_, err := r.put(key, "hello", func(in *s3.PutObjectInput) { in.ChecksumAlgorithm = algorithm })
		head, err2 := r.client.HeadObject(r.ctx, &s3.HeadObjectInput{Bucket: &r.bucket, Key: &key, ChecksumMode: types.ChecksumModeEnabled})
		if err := errors.Join(err, err2); err != nil {
			all = append(all, fmt.Errorf("%s: %w", key, err))
			continue
		}
		got := aws.ToString(head.ChecksumCRC32) + aws.ToString(head.ChecksumCRC32C) + aws.ToString(head.ChecksumSHA1) + aws.ToString(head.ChecksumSHA256) + aws.ToString(head.ChecksumCRC64NVME)
		all = append(all, equal(key, got, want), r.expects(key, "hello"))
	}
	_, wrong := r.put("wrong", "hello", func(in *s3.PutObjectInput) { in.ChecksumCRC32 = aws.String("AAAAAA==") })
	_, md5 := r.put("wrong", "hello", func(in *s3.PutObjectInput) { in.ContentMD5 = aws.String("AAAAAAAAAAAAAAAAAAAAAA==") })
	return errors.Join(append(all, wantCode(wrong, "BadDigest"), wantCode(md5, "BadDigest"))...)
}

func s3Several(r *s3Rig) error {
	one, err := r.put("1", "x")
	_, err2 := r.put("2", "x")
	out, err3 := r.client.DeleteObjects(r.ctx, &s3.DeleteObjectsInput{Bucket: &r.bucket, Delete: &types.Delete{Objects: []types.ObjectIdentifier{
		{Key: aws.String("1"), ETag: &one}, {Key: aws.String("2"), ETag: aws.String("x")}, {Key: aws.String("3")}}}})
	if err := errors.Join(err, err2, err3); err != nil {
		return err
	}
	var got []string
	for _, d := range out.Deleted {
		got = append(got, aws.ToString(d.Key))
	}
	for _, e := range out.Errors {
		got = append(got, aws.ToString(e.Key)+":"+aws.ToString(e.Code))
	}
	return errors.Join(equal("deleted", got, []string{"1", "3", "2:PreconditionFailed"}), r.expects("2", "x"))
}

func s3Tags(r *s3Rig) error {
	_, err := r.put("k", "x", func(in *s3.PutObjectInput) { in.Tagging = aws.String("a=1&b=x%20y") })
	tags := func() string {
		out, err := r.client.GetObjectTagging(r.ctx, &s3.GetObjectTaggingInput{Bucket: &r.bucket, Key: aws.String("k")})
		if err != nil {
			return err.Error()
		}
		s := ""
		for _, t := range out.TagSet {
			s += aws.ToString(t.Key) + "=" + aws.ToString(t.Value) + ";"
		}
		return s
	}
	first := equal("tags", tags(), "a=1;b=x y;")
	_, err2 := r.client.PutObjectTagging(r.ctx, &s3.PutObjectTaggingInput{Bucket: &r.bucket, Key: aws.String("k"), Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("c"), Value: aws.String("3")}}}})
	second := equal("tags", tags(), "c=3;")
	_, err3 := r.client.DeleteObjectTagging(r.ctx, &s3.DeleteObjectTaggingInput{Bucket: &r.bucket, Key: aws.String("k")})
	return errors.Join(err, first, err2, second, err3, equal("tags", tags(), ""))
}

func s3Buckets(r *s3Rig) error {
	name := r.bucket + "-eu"
	_, err := r.client.CreateBucket(r.ctx, &s3.CreateBucketInput{Bucket: &name, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"}})
	where, err2 := r.client.GetBucketLocation(r.ctx, &s3.GetBucketLocationInput{Bucket: &name})
	here, err3 := r.client.GetBucketLocation(r.ctx, &s3.GetBucketLocationInput{Bucket: &r.bucket})
	all, err4 := r.client.ListBuckets(r.ctx, &s3.ListBucketsInput{})
	if err := errors.Join(err, err2, err3, err4); err != nil {
		return err
	}
	listed := slices.ContainsFunc(all.Buckets, func(b types.Bucket) bool { return aws.ToString(b.Name) == name })
	_, put := r.put("k", "x")
	_, full := r.client.DeleteBucket(r.ctx, &s3.DeleteBucketInput{Bucket: &r.bucket})
	_, del := r.client.DeleteObject(r.ctx, &s3.DeleteObjectInput{Bucket: &r.bucket, Key: aws.String("k")})
	_, again := r.client.CreateBucket(r.ctx, &s3.CreateBucketInput{Bucket: &r.bucket}) // the first region allows it
	_, empty := r.client.DeleteBucket(r.ctx, &s3.DeleteBucketInput{Bucket: &r.bucket})
	_, head := r.client.HeadBucket(r.ctx, &s3.HeadBucketInput{Bucket: &r.bucket})
	_, bad := r.client.CreateBucket(r.ctx, &s3.CreateBucketInput{Bucket: aws.String("Bad_Name")})
	return errors.Join(equal("location", where.LocationConstraint, "eu-west-1"), equal("location", here.LocationConstraint, ""), equal("listed", listed, true),
		put, wantCode(full, "BucketNotEmpty"), del, again, empty, wantCode(head, "NotFound"), wantCode(bad, "InvalidBucketName"))
}

func s3Absent(r *s3Rig) error {
	_, key := r.get("none", "")
	_, head := r.client.HeadObject(r.ctx, &s3.HeadObjectInput{Bucket: &r.bucket, Key: aws.String("none")})
	_, bucket := r.client.GetObject(r.ctx, &s3.GetObjectInput{Bucket: aws.String(r.bucket + "-none"), Key: aws.String("k")})
	_, upload := r.client.UploadPart(r.ctx, &s3.UploadPartInput{Bucket: &r.bucket, Key: aws.String("k"), UploadId: aws.String("x"), PartNumber: aws.Int32(1), Body: bytes.NewReader(nil)})
	_, long := r.put(strings.Repeat("k", 1025), "x")
	_, meta := r.put("k", "x", func(in *s3.PutObjectInput) { in.Metadata = map[string]string{"a": strings.Repeat("x", 2048)} })
	var noKey *types.NoSuchKey
	if !errors.As(key, &noKey) {
		return fmt.Errorf("got %w, wanted a types.NoSuchKey", key)
	}
	var status interface{ HTTPStatusCode() int }
	if !errors.As(head, &status) || status.HTTPStatusCode() != http.StatusNotFound {
		return fmt.Errorf("got %w, wanted 404", head)
	}
	return errors.Join(wantCode(head, "NotFound"), wantCode(bucket, "NoSuchBucket"), wantCode(upload, "NoSuchUpload"), wantCode(long, "KeyTooLongError"), wantCode(meta, "MetadataTooLarge"))
}
