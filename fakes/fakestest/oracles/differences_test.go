package oracles

// What others do not keep, by the check's name, and the page by which we do. In no
// case was it we who were wrong.
const (
	api  = "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_"
	ddb  = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
	s3pi = "https://docs.aws.amazon.com/AmazonS3/latest/API/API_"
	sqsp = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_"
	s3ug = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
)

var minidynDiffers = map[string]string{
	"an item is read back, with every type":              "a number is a key by its value: 1.0 is 1. " + ddb + "HowItWorks.NamingRulesDataTypes.html#HowItWorks.DataTypes.Number",
	"a condition keeps a write from happening":           "ReturnValuesOnConditionCheckFailure returns the item. " + api + "PutItem.html",
	"an update sees what was there, and returns what is": "all actions see the item as it was before the update. " + ddb + "Expressions.UpdateExpressions.html",
	"a query has an order and pages":                     "sort keys that are numbers are in the numbers' order. " + api + "Query.html#DDB-Query-request-ScanIndexForward",
	"a token makes a transaction idempotent":             "ClientRequestToken, for ten minutes. " + api + "TransactWriteItems.html#DDB-TransactWriteItems-request-ClientRequestToken",
	"a table is described":                               "TableStatus is ACTIVE. " + api + "TableDescription.html",
}

var kumoDynamoDBDiffers = map[string]string{
	"an item is read back, with every type":              minidynDiffers["an item is read back, with every type"],
	"a condition keeps a write from happening":           minidynDiffers["a condition keeps a write from happening"],
	"an update sees what was there, and returns what is": "if_not_exists stands on either side. " + ddb + "Expressions.UpdateExpressions.html",
	"a token makes a transaction idempotent":             minidynDiffers["a token makes a transaction idempotent"],
}

var kumoS3Differs = map[string]string{
	"what is put is got, with what was said of it":                            "Cache-Control, storage class and encryption come back. " + s3pi + "HeadObject.html",
	"a deletion on a condition happens if it holds":                           "If-Match of DeleteObject. " + s3ug + "conditional-deletes.html",
	"a copy has the content, and what was said of it unless that is replaced": "a copy onto itself that changes nothing is refused, and conditions on the source count. " + s3pi + "CopyObject.html",
	"checksums are compared, and come back":                                   s3ug + "checking-object-integrity.html",
	"several are deleted at once":                                             "each may have an ETag that it must have. " + s3pi + "ObjectIdentifier.html",
	"tags":                                                                    "those of the header that an object is put with. " + s3pi + "PutObject.html#API_PutObject_RequestSyntax",
	"a listing groups by a delimiter, in pages":                               "what rolls up counts as one, in KeyCount and in MaxKeys. " + s3pi + "ListObjectsV2.html",
	"the first form of a listing":                                             "MaxKeys, Marker, NextMarker and EncodingType. " + s3pi + "ListObjects.html",
	"versions are kept, and delete markers":                                   "what was stored before versions were kept has the version null. " + s3ug + "versioning-workflows.html",
	"versions are kept no more":                                               s3ug + "VersionSuspendedBehavior.html",
	"versions are listed in pages":                                            s3pi + "ListObjectVersions.html",
	"an upload in parts":                                                      "its parts are listed in pages, and read by their numbers. " + s3pi + "ListParts.html",
	"parts are refused that do not fit":                                       s3pi + "CompleteMultipartUpload.html",
	"buckets":                                                                 "they have a location, and rules of names. " + s3ug + "bucketnamingrules.html",
	"what is not there is told so":                                            "so are keys and metadata that are too long. " + s3pi + "Error.html",
}

var gofakes3Differs = map[string]string{
	"what is put is got, with what was said of it":                            kumoS3Differs["what is put is got, with what was said of it"],
	"ranges and conditions of reads":                                          "a range of another unit is none, and If-Unmodified-Since and If-Match count. " + s3pi + "GetObject.html",
	"a put on a condition happens if it holds":                                "If-Match and If-None-Match of PutObject. " + s3ug + "conditional-writes.html",
	"a deletion on a condition happens if it holds":                           kumoS3Differs["a deletion on a condition happens if it holds"],
	"a copy has the content, and what was said of it unless that is replaced": kumoS3Differs["a copy has the content, and what was said of it unless that is replaced"],
	"checksums are compared, and come back":                                   kumoS3Differs["checksums are compared, and come back"],
	"several are deleted at once":                                             kumoS3Differs["several are deleted at once"],
	"tags":                                                                    "those of the header, and PutObjectTagging. " + s3pi + "GetObjectTagging.html",
	"a listing groups by a delimiter, in pages":                               "a group is on one page. " + s3pi + "ListObjectsV2.html",
	"the first form of a listing":                                             kumoS3Differs["the first form of a listing"],
	"versions are kept, and delete markers":                                   kumoS3Differs["versions are kept, and delete markers"],
	"versions are kept no more":                                               kumoS3Differs["versions are kept no more"],
	"versions are listed in pages":                                            "by key, the newest first; the pages end. " + s3pi + "ListObjectVersions.html",
	"an upload in parts":                                                      "UploadPartCopy has no body. " + s3pi + "UploadPartCopy.html",
	"parts are refused that do not fit":                                       kumoS3Differs["parts are refused that do not fit"],
	"an upload in parts ends on a condition":                                  "If-Match and If-None-Match of CompleteMultipartUpload. " + s3ug + "conditional-writes.html",
	"buckets":                                                                 kumoS3Differs["buckets"],
	"what is not there is told so":                                            "a part without a content may have no length. " + s3pi + "UploadPart.html",
}

var kumoSQSDiffers = map[string]string{
	"what is sent is received, with its attributes": "a message tells the checksum of its attributes. " + sqsp + "Message.html",
	"what is deleted does not come again":           "who deletes again is told no error. " + sqsp + "DeleteMessage.html",
	"an old handle deletes nothing":                 "the request succeeds, and the message may stay. " + sqsp + "DeleteMessage.html",
	"a batch fails in part":                         "each entry has a result of its own. " + sqsp + "SendMessageBatch.html",
	"what is received too often is dead-lettered":   "it is received once more from there, and tells where it was. " + sqsp + "ReceiveMessage.html",
	"attributes tell of the queue":                  "maxReceiveCount is a number. https://docs.aws.amazon.com/cli/latest/reference/sqs/get-queue-attributes.html",
	"a purge empties":                               "a second one within a minute is refused. " + sqsp + "PurgeQueue.html",
	"a group is in order, and one at a time":        "a message has a sequence number. " + sqsp + "ReceiveMessage.html",
	"what is wrong is refused":                      "a queue that is not there is QueueDoesNotExist. " + sqsp + "SendMessage.html",
}
