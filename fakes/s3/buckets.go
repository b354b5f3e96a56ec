package s3

import (
	"net/http"

	"github.com/wtsim/wtsim/fakes/internal/awswire"
)

// listBuckets lists all.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
func (b *Backend) listBuckets(q *request) (*http.Response, error) {
	for _, name := range []string{"continuation-token", "max-buckets", "prefix", "bucket-region"} {
		if q.query.Get(name) != "" {
			return nil, lacks("ListBuckets by "+name, "list all of them")
		}
	}
	all := document("Buckets", "")
	for _, of := range b.sorted() {
		all.Nodes = append(all.Nodes, document("Bucket", "", element("Name", of.name), element("CreationDate", stamp(of.made))))
	}
	return respondXML(q.Request, http.StatusOK, http.Header{}, document("ListAllMyBucketsResult", xmlns,
		document("Owner", "", element("ID", ownerID)), all)), nil
}

// createBucket makes one. Every other account's are out of this world.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
func (b *Backend) createBucket(q *request) (*http.Response, error) {
	var of struct {
		LocationConstraint string
		Location, Bucket   *struct{}
	}
	if len(q.content) > 0 {
		if err := q.decode(&of); err != nil {
			return nil, err
		}
	}
	region := q.Region
	if region == "" {
		region = awswire.Region
	}
	want := of.LocationConstraint
	if want == "" {
		want = awswire.Region
	}
	if want == "EU" {
		want = "eu-west-1"
	}
	switch {
	case of.Location != nil || of.Bucket != nil:
		return nil, lacks("directory buckets", "make one of general purpose")
	case !validBucket(q.Bucket):
		return nil, with(errBucketName, "BucketName", q.Bucket)
	case want != region && region != awswire.Region:
		return nil, errWrongRegion
	case b.buckets[q.Bucket] != nil && !(region == awswire.Region && b.regionOf(b.buckets[q.Bucket]) == region):
		return nil, with(errOwned, "BucketName", q.Bucket)
	case b.buckets[q.Bucket] == nil:
		b.buckets[q.Bucket] = &bucket{name: q.Bucket, region: want, made: q.now}
	}
	return respond(q.Request, http.StatusOK, http.Header{"Location": {"/" + q.Bucket}}, nil), nil
}

// deleteBucket takes one away that is empty.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html
func (b *Backend) deleteBucket(q *request) (*http.Response, error) {
	if !q.bucket.empty() {
		return nil, with(errNotEmpty, "BucketName", q.Bucket)
	}
	delete(b.buckets, q.Bucket)
	return respond(q.Request, http.StatusNoContent, http.Header{}, nil), nil
}

// headBucket tells that there is one, and where.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
func (b *Backend) headBucket(q *request) (*http.Response, error) {
	return respond(q.Request, http.StatusOK, http.Header{regionHeader: {b.regionOf(q.bucket)}, "X-Amz-Access-Point-Alias": {"false"}}, nil), nil
}

// getLocation tells where one is: of the first region it is nothing.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html
func (b *Backend) getLocation(q *request) (*http.Response, error) {
	where := b.regionOf(q.bucket)
	if where == awswire.Region {
		where = ""
	}
	out := element("LocationConstraint", where)
	out.NS = xmlns
	return respondXML(q.Request, http.StatusOK, http.Header{}, out), nil
}

// getVersioning tells whether versions are kept.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html
func (b *Backend) getVersioning(q *request) (*http.Response, error) {
	return respondXML(q.Request, http.StatusOK, http.Header{}, document("VersioningConfiguration", xmlns, optional(nil, "Status", q.bucket.versioning)...)), nil
}

// putVersioning keeps versions from now on, or no more.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketVersioning.html
func (b *Backend) putVersioning(q *request) (*http.Response, error) {
	var of struct{ Status, MfaDelete string }
	if err := q.decode(&of); err != nil {
		return nil, err
	}
	switch {
	case of.MfaDelete == enabled:
		return nil, lacks("MFA delete", "leave it out")
	case of.Status != enabled && of.Status != suspended:
		return nil, errMalformed
	}
	q.bucket.versioning = of.Status
	return respond(q.Request, http.StatusOK, http.Header{}, nil), nil
}
