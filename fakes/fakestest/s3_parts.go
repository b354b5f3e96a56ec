package fakestest

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// least is the size of a part that is not the last.
const least = 5 << 20

// begin begins an upload in parts.
func (r *s3Rig) begin(key string) (*string, error) {
	out, err := r.client.CreateMultipartUpload(r.ctx, &s3.CreateMultipartUploadInput{Bucket: &r.bucket, Key: &key, ContentType: aws.String("text/plain")})
	if err != nil {
		return nil, err
	}
	return out.UploadId, nil
}

// part uploads one.
func (r *s3Rig) part(key string, id *string, number int32, content string) (types.CompletedPart, error) {
	out, err := r.client.UploadPart(r.ctx, &s3.UploadPartInput{Bucket: &r.bucket, Key: &key, UploadId: id, PartNumber: &number, Body: strings.NewReader(content)})
	if err != nil {
		return types.CompletedPart{}, err
	}
	return types.CompletedPart{PartNumber: &number, ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32}, nil
}

// complete makes an object of parts.
func (r *s3Rig) complete(key string, id *string, absent bool, parts ...types.CompletedPart) (*s3.CompleteMultipartUploadOutput, error) {
	in := &s3.CompleteMultipartUploadInput{Bucket: &r.bucket, Key: &key, UploadId: id, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}}
	if absent {
		in.IfNoneMatch = aws.String("*")
	}
	return r.client.CompleteMultipartUpload(r.ctx, in)
}

func s3Parts(r *s3Rig) error {
	first := strings.Repeat("a", least)
	_, err := r.put("source", "0123456789")
	id, err2 := r.begin("k")
	_, err3 := r.part("k", id, 1, "is put again")
	one, err4 := r.part("k", id, 1, first)
	two, err5 := r.part("k", id, 5, "end")
	if err := errors.Join(err, err2, err3, err4, err5); err != nil {
		return err
	}
	copied, err := r.client.UploadPartCopy(r.ctx, &s3.UploadPartCopyInput{Bucket: &r.bucket, Key: aws.String("k"), UploadId: id, PartNumber: aws.Int32(7),
		CopySource: aws.String(r.bucket + "/source"), CopySourceRange: aws.String("bytes=2-4")})
	if err != nil {
		return err
	}
	listed, err := r.client.ListParts(r.ctx, &s3.ListPartsInput{Bucket: &r.bucket, Key: aws.String("k"), UploadId: id, MaxParts: aws.Int32(2)})
	_, early := r.get("k", "")
	out, err2 := r.complete("k", id, false, one, types.CompletedPart{PartNumber: aws.Int32(7), ETag: copied.CopyPartResult.ETag})
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	got, err := r.client.GetObject(r.ctx, &s3.GetObjectInput{Bucket: &r.bucket, Key: aws.String("k"), PartNumber: aws.Int32(2)})
	if err != nil {
		return err
	}
	text, err := io.ReadAll(got.Body)
	_, again := r.complete("k", id, false, one, two)
	return errors.Join(err, wantCode(early, "NoSuchKey"),
		equal("parts", fmt.Sprint(len(listed.Parts), aws.ToInt32(listed.Parts[1].PartNumber), aws.ToBool(listed.IsTruncated), aws.ToString(listed.NextPartNumberMarker)), "2 5 true5"),
		equal("etag", strings.HasSuffix(aws.ToString(out.ETag), `-2"`), true), equal("part 2", fmt.Sprint(string(text), aws.ToInt32(got.PartsCount), aws.ToString(got.ContentType)), "2342text/plain"),
		r.expects("k", first+"234"), wantCode(again, "NoSuchUpload"))
}

func s3Misfits(r *s3Rig) error {
	id, err := r.begin("k")
	one, err2 := r.part("k", id, 1, "small")
	two, err3 := r.part("k", id, 2, "last")
	if err := errors.Join(err, err2, err3); err != nil {
		return err
	}
	wrong := two
	wrong.ETag = aws.String(`"5d41402abc4b2a76b9719d911017c592"`)
	_, small := r.complete("k", id, false, one, two)
	_, order := r.complete("k", id, false, two, one)
	_, other := r.complete("k", id, false, wrong)
	_, none := r.complete("k", id, false)
	_, number := r.part("k", id, 10001, "x")
	return errors.Join(wantCode(small, "EntityTooSmall"), wantCode(order, "InvalidPartOrder"), wantCode(other, "InvalidPart"), wantCode(none, "MalformedXML"), wantCode(number, "InvalidArgument"))
}

func s3Aborted(r *s3Rig) error {
	id, err := r.begin("k")
	_, err2 := r.part("k", id, 1, "x")
	before, err3 := r.client.ListMultipartUploads(r.ctx, &s3.ListMultipartUploadsInput{Bucket: &r.bucket})
	_, err4 := r.client.AbortMultipartUpload(r.ctx, &s3.AbortMultipartUploadInput{Bucket: &r.bucket, Key: aws.String("k"), UploadId: id})
	after, err5 := r.client.ListMultipartUploads(r.ctx, &s3.ListMultipartUploadsInput{Bucket: &r.bucket})
	if err := errors.Join(err, err2, err3, err4, err5); err != nil {
		return err
	}
	_, part := r.part("k", id, 2, "x")
	_, again := r.client.AbortMultipartUpload(r.ctx, &s3.AbortMultipartUploadInput{Bucket: &r.bucket, Key: aws.String("k"), UploadId: id})
	return errors.Join(equal("uploads", fmt.Sprint(len(before.Uploads), len(after.Uploads)), "1 0"), wantCode(part, "NoSuchUpload"), wantCode(again, "NoSuchUpload"))
}

func s3Ends(r *s3Rig) error {
	id, err := r.begin("k")
	one, err2 := r.part("k", id, 1, "parts")
	etag, err3 := r.put("k", "put")
	_, there := r.complete("k", id, true, one)
	still := r.expects("k", "put")
	_, err4 := r.client.DeleteObject(r.ctx, &s3.DeleteObjectInput{Bucket: &r.bucket, Key: aws.String("k"), IfMatch: &etag})
	_, err5 := r.complete("k", id, true, one)
	return errors.Join(err, err2, err3, wantCode(there, "PreconditionFailed"), still, err4, err5, r.expects("k", "parts"))
}
