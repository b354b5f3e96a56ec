// Package thumbloop keeps a small picture beside each photo, by a function that is
// invoked by whatever is stored in the photos' bucket.
//
// Shrink stores the small picture in the same bucket, below thumbs/. That is an
// object as any other: the function is invoked for it, stores it once more, and so
// on for good, with a bill for each time.
//
// Reported: the Lambda Developer Guide, on S3: "If your Lambda function uses the
// same bucket that triggers it, it could cause the function to run in a loop. For
// example, if the bucket triggers a function each time an object is uploaded, and
// the function uploads an object to the bucket, then the function indirectly
// triggers itself."
//
// Provoked by: nothing: the first photo is enough.
//
// Remedy: the notification is of the prefix where photos are; what the function
// stores is elsewhere.
package thumbloop

import (
	"context"
	"io"
	"net/http"
	"path"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Upload is the function upload: PUT /<name> with a photo.
type Upload struct{ S3 *s3.Client }

// Handle stores a photo.
func (f *Upload) Handle(ctx context.Context, r events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
	_, err := f.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("album"), Key: aws.String("photos" + r.RawPath), Body: strings.NewReader(r.Body)})
	if err != nil {
		return events.APIGatewayV2HTTPResponse{}, err
	}
	return events.APIGatewayV2HTTPResponse{StatusCode: http.StatusCreated}, nil
}

// Shrink is the function shrink.
type Shrink struct{ S3 *s3.Client }

// Handle stores a small picture for each photo that it is told of.
func (f *Shrink) Handle(ctx context.Context, e events.S3Event) error {
	for _, r := range e.Records {
		key := r.S3.Object.URLDecodedKey
		out, err := f.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: &r.S3.Bucket.Name, Key: &key})
		if err != nil {
			return err
		}
		photo, err := io.ReadAll(out.Body)
		if err != nil {
			return err
		}
		small := string(photo[:min(len(photo), 4)])
		if _, err := f.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: &r.S3.Bucket.Name, Key: aws.String("thumbs/" + path.Base(key)), Body: strings.NewReader(small)}); err != nil {
			return err
		}
	}
	return nil
}
