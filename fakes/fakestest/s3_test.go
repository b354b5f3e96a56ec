package fakestest

import (
	"context"
	"testing"
	"testing/synctest"

	awsv2 "github.com/aws/aws-sdk-go-v2/aws"
	s3v2 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/wtsim/wtsim/fakes/s3"
)

// inS3 runs f in a bubble with an S3.
func inS3(t *testing.T, s *s3.Service, f func(t *testing.T, e *Env)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e, err := Open(context.Background(), s)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		f(t, e)
	})
}

// s3ClientV2 is a client of SDK v2.
func s3ClientV2(e *Env, options ...func(*s3v2.Options)) *s3v2.Client {
	return s3v2.New(s3v2.Options{
		Region: "us-east-1", HTTPClient: s3.Client(e, "s3"), RetryMaxAttempts: 1,
		Credentials: awsv2.CredentialsProviderFunc(func(context.Context) (awsv2.Credentials, error) {
			return awsv2.Credentials{AccessKeyID: "a", SecretAccessKey: "b"}, nil
		}),
	}, options...)
}

// Our S3 keeps what S3 promises, by either style of its addresses.
func TestS3(t *testing.T) {
	for style, option := range map[string]func(*s3v2.Options){
		"virtual hosts": func(*s3v2.Options) {},
		"paths":         func(o *s3v2.Options) { o.UsePathStyle = true },
		"endpoint":      func(o *s3v2.Options) { o.BaseEndpoint, o.UsePathStyle = awsv2.String("http://localhost:4566"), true },
		"local host":    func(o *s3v2.Options) { o.BaseEndpoint = awsv2.String("http://localhost:4566") },
	} {
		t.Run(style, func(t *testing.T) {
			inS3(t, s3.New("s3"), func(t *testing.T, e *Env) {
				if err := S3(e.Context(), s3ClientV2(e, option), "suite-"); err != nil {
					t.Error(err)
				}
				if lacking := e.Kernel.Lacking(); len(lacking) > 0 {
					t.Errorf("lacking %q", lacking)
				}
			})
		})
	}
}
