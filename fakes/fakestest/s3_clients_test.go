//lint:file-ignore SA1019 applications use the old clients, and so must we be tried by them

package fakestest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	awsv2 "github.com/aws/aws-sdk-go-v2/aws"
	managerv2 "github.com/aws/aws-sdk-go-v2/feature/s3/manager"
	s3v2 "github.com/aws/aws-sdk-go-v2/service/s3"
	typesv2 "github.com/aws/aws-sdk-go-v2/service/s3/types"
	awsv1 "github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/awserr"
	credentialsv1 "github.com/aws/aws-sdk-go/aws/credentials"
	"github.com/aws/aws-sdk-go/aws/session"
	s3v1 "github.com/aws/aws-sdk-go/service/s3"
	managerv1 "github.com/aws/aws-sdk-go/service/s3/s3manager"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/s3"
	"github.com/wtsim/wtsim/probe"
)

// s3ClientV1 is a session of SDK v1.
func s3ClientV1(t *testing.T, e *Env, retries int) *session.Session {
	t.Helper()
	t.Setenv("AWS_CA_BUNDLE", "") // else the session wants a transport of its own
	made, err := session.NewSession(&awsv1.Config{
		Region: awsv1.String("us-east-1"), HTTPClient: s3.Client(e, "s3"), MaxRetries: &retries, Credentials: credentialsv1.NewStaticCredentials("a", "b", ""),
	})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// The client of SDK v1 reads and writes, lists, and is told errors.
func TestS3V1(t *testing.T) {
	inS3(t, s3.New("s3", "photos"), func(t *testing.T, e *Env) {
		c := s3v1.New(s3ClientV1(t, e, 0))
		bucket, key := awsv1.String("photos"), awsv1.String("a/b c")
		put, err := c.PutObject(&s3v1.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader("hello"), Metadata: map[string]*string{"Color": awsv1.String("red")}})
		if err != nil || awsv1.StringValue(put.ETag) != `"5d41402abc4b2a76b9719d911017c592"` {
			t.Fatal(put, err)
		}
		got, err := c.GetObject(&s3v1.GetObjectInput{Bucket: bucket, Key: key})
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(got.Body); err != nil || string(text) != "hello" || awsv1.StringValue(got.Metadata["Color"]) != "red" {
			t.Errorf("got %q, %v, %v", text, got.Metadata, err)
		}
		list, err := c.ListObjects(&s3v1.ListObjectsInput{Bucket: bucket, Delimiter: awsv1.String("/")})
		if err != nil || len(list.CommonPrefixes) != 1 || awsv1.StringValue(list.CommonPrefixes[0].Prefix) != "a/" {
			t.Errorf("got %v, %v", list, err)
		}
		deleted, err := c.DeleteObjects(&s3v1.DeleteObjectsInput{Bucket: bucket, Delete: &s3v1.Delete{Objects: []*s3v1.ObjectIdentifier{{Key: key}}}})
		if err != nil || len(deleted.Deleted) != 1 {
			t.Errorf("got %v, %v", deleted, err)
		}
		_, err = c.GetObject(&s3v1.GetObjectInput{Bucket: bucket, Key: key})
		if failed, ok := errors.AsType[awserr.Error](err); !ok || failed.Code() != s3v1.ErrCodeNoSuchKey {
			t.Errorf("got %v, wanted NoSuchKey", err)
		}
	})
}

// The managers of both SDKs upload in parts, and download what they have
// uploaded.
func TestS3Managers(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 700_000) // three parts
	inS3(t, s3.New("s3", "photos"), func(t *testing.T, e *Env) {
		c := s3ClientV2(e)
		if _, err := managerv2.NewUploader(c).Upload(e.Context(), &s3v2.PutObjectInput{Bucket: awsv2.String("photos"), Key: awsv2.String("v2"), Body: bytes.NewReader(content)}); err != nil {
			t.Fatal(err)
		}
		to := managerv2.NewWriteAtBuffer(nil)
		if _, err := managerv2.NewDownloader(c).Download(e.Context(), to, &s3v2.GetObjectInput{Bucket: awsv2.String("photos"), Key: awsv2.String("v2")}); err != nil || !bytes.Equal(to.Bytes(), content) {
			t.Error(len(to.Bytes()), err)
		}
		v1 := s3ClientV1(t, e, 0)
		if _, err := managerv1.NewUploader(v1).Upload(&managerv1.UploadInput{Bucket: awsv1.String("photos"), Key: awsv1.String("v1"), Body: bytes.NewReader(content)}); err != nil {
			t.Fatal(err)
		}
		again := awsv1.NewWriteAtBuffer(nil)
		if _, err := managerv1.NewDownloader(v1).Download(again, &s3v1.GetObjectInput{Bucket: awsv1.String("photos"), Key: awsv1.String("v1")}); err != nil || !bytes.Equal(again.Bytes(), content) {
			t.Error(len(again.Bytes()), err)
		}
		for _, method := range []string{"CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"} {
			if n := len(slices.DeleteFunc(e.Operations(), func(op event.Operation) bool { return op.Method != method })); n < 2 {
				t.Errorf("%s: %d calls", method, n)
			}
		}
		if where, err := managerv2.GetBucketRegion(e.Context(), c, "photos"); err != nil || where != "us-east-1" {
			t.Error(where, err)
		}
	})
}

// A signed URL works until it expires, in virtual time, for who has nothing but
// it.
func TestS3Presigned(t *testing.T) {
	inS3(t, s3.New("s3", "photos").With("photos", "k", "hello"), func(t *testing.T, e *Env) {
		signer := s3v2.NewPresignClient(s3ClientV2(e))
		bucket, key, other := awsv2.String("photos"), awsv2.String("k"), awsv2.String("new")
		get, err := signer.PresignGetObject(e.Context(), &s3v2.GetObjectInput{Bucket: bucket, Key: key}, s3v2.WithPresignExpires(time.Minute))
		put, err2 := signer.PresignPutObject(e.Context(), &s3v2.PutObjectInput{Bucket: bucket, Key: other})
		r, _ := s3v1.New(s3ClientV1(t, e, 0)).GetObjectRequest(&s3v1.GetObjectInput{Bucket: bucket, Key: key})
		v1, err3 := r.Presign(time.Minute)
		if err := errors.Join(err, err2, err3); err != nil {
			t.Fatal(err)
		}
		ask := func(method, url, body string) (int, string) {
			r, _ := http.NewRequest(method, url, strings.NewReader(body))
			resp, err := s3.Client(e, "s3").Do(r)
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(resp.Body)
			return resp.StatusCode, string(text)
		}
		for _, url := range []string{get.URL, v1} {
			if status, text := ask("GET", url, ""); status != 200 || text != "hello" {
				t.Errorf("%s: got %d %q", url, status, text)
			}
		}
		if status, text := ask("PUT", put.URL, "x"); status != 200 {
			t.Errorf("got %d %q", status, text)
		}
		// A URL is for what it was signed for, with the headers that it was signed with.
		once, err := signer.PresignPutObject(e.Context(), &s3v2.PutObjectInput{Bucket: bucket, Key: other, IfNoneMatch: awsv2.String("*")})
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range []struct{ method, url string }{{"GET", put.URL}, {"PUT", get.URL}, {"PUT", once.URL}} {
			if status, text := ask(x.method, x.url, "y"); status != 403 || !strings.Contains(text, "<Code>SignatureDoesNotMatch</Code>") {
				t.Errorf("%s %s: got %d %q", x.method, x.url, status, text)
			}
		}
		time.Sleep(time.Minute + time.Second)
		for _, url := range []string{get.URL, v1} {
			if status, text := ask("GET", url, ""); status != 403 || !strings.Contains(text, "<Message>Request has expired</Message>") {
				t.Errorf("%s: got %d %q", url, status, text)
			}
		}
		if got := Contents(e.Backend("s3")); got != "photos/k=hello,photos/new=x" {
			t.Errorf("got %s", got)
		}
	})
}

// Both SDKs try again what is refused with SlowDown or InternalError.
func TestS3Retries(t *testing.T) {
	inS3(t, s3.New("s3", "photos"), func(t *testing.T, e *Env) {
		refuse := func(with string) probe.Fate { return probe.Fate{Action: probe.Refuse, With: with} }
		e.Verdict = InTurn("PutObject", refuse("SlowDown"), refuse("InternalError"), probe.Fate{}, refuse("SlowDown"), refuse("InternalError"))
		c := s3ClientV2(e, func(o *s3v2.Options) { o.RetryMaxAttempts = 3 })
		if _, err := c.PutObject(e.Context(), &s3v2.PutObjectInput{Bucket: awsv2.String("photos"), Key: awsv2.String("k"), Body: strings.NewReader("2")}); err != nil {
			t.Error(err)
		}
		if _, err := s3v1.New(s3ClientV1(t, e, 2)).PutObject(&s3v1.PutObjectInput{Bucket: awsv1.String("photos"), Key: awsv1.String("k"), Body: strings.NewReader("1")}); err != nil {
			t.Error(err)
		}
		if got := len(e.Entered()); got != 6 {
			t.Errorf("%d attempts: %q", got, e.Entered())
		}
	})
}

// What is not there is refused by name, whoever asks, and the run is told.
func TestS3Lacks(t *testing.T) {
	inS3(t, s3.New("s3", "photos"), func(t *testing.T, e *Env) {
		c := s3ClientV2(e)
		bucket, key := awsv2.String("photos"), awsv2.String("k")
		_, policy := c.GetBucketPolicy(e.Context(), &s3v2.GetBucketPolicyInput{Bucket: bucket})
		_, acl := c.GetObjectAcl(e.Context(), &s3v2.GetObjectAclInput{Bucket: bucket, Key: key})
		_, cors := c.DeleteBucketCors(e.Context(), &s3v2.DeleteBucketCorsInput{Bucket: bucket})
		_, ssec := c.PutObject(e.Context(), &s3v2.PutObjectInput{Bucket: bucket, Key: key, SSECustomerAlgorithm: awsv2.String("AES256"), SSECustomerKey: awsv2.String(strings.Repeat("k", 32)), Body: strings.NewReader("x")})
		_, attributes := c.GetObjectAttributes(e.Context(), &s3v2.GetObjectAttributesInput{Bucket: bucket, Key: key, ObjectAttributes: []typesv2.ObjectAttributes{"ETag"}})
		for _, err := range []error{policy, acl, cors, ssec, attributes} {
			if err := wantCode(err, "NotImplemented"); err != nil {
				t.Error(err)
			}
		}
		want := []string{"S3's GetBucketPolicy", "S3's GetObjectAcl", "S3's DeleteBucketCors", "S3's keys of the customer's (SSE-C)", "S3's GetObjectAttributes"}
		if got := e.Kernel.Lacking(); !slices.Equal(got, want) {
			t.Errorf("got %q, wanted %q", got, want)
		}
	})
}

// Without conditions the suite fails, where it is about them.
func TestS3Without(t *testing.T) {
	inS3(t, s3.New("s3").Without("s3/conditions").(*s3.Service), func(t *testing.T, e *Env) {
		err := S3(e.Context(), s3ClientV2(e), "suite-")
		for _, want := range []string{"ranges and conditions of reads", "a put on a condition", "a deletion on a condition", "an upload in parts ends on a condition", "a copy has the content"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q was not noticed: %v", want, err)
			}
		}
	})
}
