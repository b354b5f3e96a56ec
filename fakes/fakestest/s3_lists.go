package fakestest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// s3Keys are those of the documentation's example of a delimiter, and others.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-prefixes.html
var s3Keys = []string{"photos/2006/January/sample.jpg", "photos/2006/February/sample2.jpg", "photos/2006/February/sample3.jpg",
	"photos/2006/February/sample4.jpg", "sample.jpg", "photos/2006", "a b"}

func (r *s3Rig) fill() error {
	for _, key := range s3Keys {
		if _, err := r.put(key, "x"); err != nil {
			return err
		}
	}
	return nil
}

func s3Lists(r *s3Rig) error {
	if err := r.fill(); err != nil {
		return err
	}
	list := func(prefix, delimiter, after string, most int32) string {
		p := s3.NewListObjectsV2Paginator(r.client, &s3.ListObjectsV2Input{Bucket: &r.bucket, Prefix: &prefix, Delimiter: &delimiter, StartAfter: &after, MaxKeys: &most})
		var pages []string
		for p.HasMorePages() {
			out, err := p.NextPage(r.ctx)
			if err != nil {
				return err.Error()
			}
			var names []string
			for _, o := range out.Contents {
				names = append(names, aws.ToString(o.Key))
			}
			for _, c := range out.CommonPrefixes {
				names = append(names, aws.ToString(c.Prefix)+"..")
			}
			pages = append(pages, fmt.Sprintf("%d:%s", aws.ToInt32(out.KeyCount), strings.Join(names, ",")))
		}
		return strings.Join(pages, " | ")
	}
	return errors.Join(
		equal("delimiter", list("", "/", "", 1000), "3:a b,sample.jpg,photos/.."),
		equal("prefix and delimiter", list("photos/2006/", "/", "", 1000), "2:photos/2006/February/..,photos/2006/January/.."),
		equal("pages", list("photos/", "", "", 2), "2:photos/2006,photos/2006/February/sample2.jpg | 2:photos/2006/February/sample3.jpg,photos/2006/February/sample4.jpg | 1:photos/2006/January/sample.jpg"),
		equal("pages of groups", list("", "/", "", 1), "1:a b | 1:photos/.. | 1:sample.jpg"),
		equal("after", list("", "", "photos/2006/January", 1000), "2:photos/2006/January/sample.jpg,sample.jpg"),
		equal("nothing", list("none", "", "", 1000), "0:"))
}

func s3ListsV1(r *s3Rig) error {
	if err := r.fill(); err != nil {
		return err
	}
	list := func(in *s3.ListObjectsInput) string {
		in.Bucket = &r.bucket
		out, err := r.client.ListObjects(r.ctx, in)
		if err != nil {
			return err.Error()
		}
		s := ""
		for _, o := range out.Contents {
			s += aws.ToString(o.Key) + ","
		}
		for _, c := range out.CommonPrefixes {
			s += aws.ToString(c.Prefix) + "..,"
		}
		return fmt.Sprint(s, aws.ToBool(out.IsTruncated), " ", aws.ToString(out.NextMarker))
	}
	return errors.Join(
		equal("first", list(&s3.ListObjectsInput{Delimiter: aws.String("/"), MaxKeys: aws.Int32(2)}), "a b,photos/..,true photos/"),
		equal("next", list(&s3.ListObjectsInput{Delimiter: aws.String("/"), Marker: aws.String("photos/")}), "sample.jpg,false "),
		equal("marker", list(&s3.ListObjectsInput{Marker: aws.String("photos/2006/January/a")}), "photos/2006/January/sample.jpg,sample.jpg,false "),
		equal("encoded", list(&s3.ListObjectsInput{EncodingType: types.EncodingTypeUrl, Prefix: aws.String("a")}), "a+b,false "))
}

// versioned keeps the versions of the bucket, or no more.
func (r *s3Rig) versioned(status types.BucketVersioningStatus) error {
	_, err := r.client.PutBucketVersioning(r.ctx, &s3.PutBucketVersioningInput{Bucket: &r.bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: status}})
	return err
}

// stored puts an object and returns its version's id.
func (r *s3Rig) stored(key, content string) (string, error) {
	out, err := r.client.PutObject(r.ctx, &s3.PutObjectInput{Bucket: &r.bucket, Key: &key, Body: strings.NewReader(content)})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.VersionId), nil
}

func s3Versions(r *s3Rig) error {
	before, err := r.stored("k", "0")
	err2 := r.versioned(types.BucketVersioningStatusEnabled)
	one, err3 := r.stored("k", "1")
	two, err4 := r.stored("k", "2")
	del, err5 := r.client.DeleteObject(r.ctx, &s3.DeleteObjectInput{Bucket: &r.bucket, Key: aws.String("k")})
	if err := errors.Join(err, err2, err3, err4, err5); err != nil {
		return err
	}
	_, gone := r.get("k", "")
	_, marker := r.get("k", aws.ToString(del.VersionId))
	zero, err := r.get("k", "null")
	first, err2 := r.get("k", one)
	status, err3 := r.client.GetBucketVersioning(r.ctx, &s3.GetBucketVersioningInput{Bucket: &r.bucket})
	if err := errors.Join(err, err2, err3); err != nil {
		return err
	}
	undo, err := r.client.DeleteObject(r.ctx, &s3.DeleteObjectInput{Bucket: &r.bucket, Key: aws.String("k"), VersionId: del.VersionId})
	back := r.expects("k", "2")
	_, err2 = r.client.DeleteObject(r.ctx, &s3.DeleteObjectInput{Bucket: &r.bucket, Key: aws.String("k"), VersionId: &two})
	_, unknown := r.get("k", strings.Repeat("x", 32))
	return errors.Join(err, err2, equal("ids", before, ""), equal("differ", one != two && len(one) == 32, true), equal("marker", aws.ToBool(del.DeleteMarker) && aws.ToBool(undo.DeleteMarker), true),
		wantCode(gone, "NoSuchKey"), wantCode(marker, "MethodNotAllowed"), equal("the first", zero+first, "01"), equal("status", status.Status, "Enabled"), back, r.expects("k", "1"), wantCode(unknown, "NoSuchVersion"))
}

func s3Suspended(r *s3Rig) error {
	err := r.versioned(types.BucketVersioningStatusEnabled)
	one, err2 := r.stored("k", "1")
	err3 := r.versioned(types.BucketVersioningStatusSuspended)
	two, err4 := r.stored("k", "2")
	three, err5 := r.stored("k", "3")
	del, err6 := r.client.DeleteObject(r.ctx, &s3.DeleteObjectInput{Bucket: &r.bucket, Key: aws.String("k")})
	if err := errors.Join(err, err2, err3, err4, err5, err6); err != nil {
		return err
	}
	_, gone := r.get("k", "")
	old, err := r.get("k", one)
	return errors.Join(err, equal("ids", two+three+aws.ToString(del.VersionId), "nullnullnull"), wantCode(gone, "NoSuchKey"), equal("old", old, "1"), equal("versions", r.versions(1000), "k*null,k="+one))
}

// versions lists all, in pages of so many.
func (r *s3Rig) versions(most int32) string {
	in := &s3.ListObjectVersionsInput{Bucket: &r.bucket, MaxKeys: &most}
	var pages []string
	for {
		out, err := r.client.ListObjectVersions(r.ctx, in)
		if err != nil {
			return err.Error()
		}
		var names []string
		for _, m := range out.DeleteMarkers {
			names = append(names, aws.ToString(m.Key)+"*"+aws.ToString(m.VersionId))
		}
		for _, v := range out.Versions {
			names = append(names, aws.ToString(v.Key)+"="+aws.ToString(v.VersionId))
		}
		pages = append(pages, strings.Join(names, ","))
		if !aws.ToBool(out.IsTruncated) || len(pages) > 20 { // which then says that it does not end
			return strings.Join(pages, " | ")
		}
		in.KeyMarker, in.VersionIdMarker = out.NextKeyMarker, out.NextVersionIdMarker
	}
}

func s3ListVersions(r *s3Rig) error {
	err := r.versioned(types.BucketVersioningStatusEnabled)
	a1, err2 := r.stored("a", "1")
	a2, err3 := r.stored("a", "2")
	b1, err4 := r.stored("b", "1")
	del, err5 := r.client.DeleteObject(r.ctx, &s3.DeleteObjectInput{Bucket: &r.bucket, Key: aws.String("b")})
	if err := errors.Join(err, err2, err3, err4, err5); err != nil {
		return err
	}
	return errors.Join(
		equal("all", r.versions(1000), "b*"+aws.ToString(del.VersionId)+",a="+a2+",a="+a1+",b="+b1),
		equal("pages", r.versions(1), "a="+a2+" | a="+a1+" | b*"+aws.ToString(del.VersionId)+" | b="+b1))
}
