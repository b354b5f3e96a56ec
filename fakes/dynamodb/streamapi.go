package dynamodb

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/wtsim/wtsim/fakes/internal/awswire"
)

type streamRequest struct {
	TableName, StreamArn, ShardId                  string
	ShardIteratorType, SequenceNumber              string
	ShardIterator                                  string
	Limit                                          *int
	ExclusiveStartStreamArn, ExclusiveStartShardId string
}

// iteratorFor is how long an iterator can be used.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetShardIterator.html
const iteratorFor = 15 * time.Minute

// stream finds one by its ARN.
func (b *Backend) stream(arn string) (*Stream, error) {
	s := b.streamOf(arn)
	if s == nil || s.ARN() != arn {
		return nil, refused("ResourceNotFoundException", "Requested resource not found: Stream: "+arn+" not found")
	}
	return s, nil
}

func (b *Backend) listStreams(_ *awswire.Request, q *streamRequest) (any, error) {
	list := []any{}
	for _, name := range sorted(b.tables) {
		t := b.tables[name]
		if t.stream != nil && (q.TableName == "" || q.TableName == name) && q.ExclusiveStartStreamArn < t.stream.ARN() {
			list = append(list, map[string]any{"StreamArn": t.stream.ARN(), "TableName": name, "StreamLabel": t.stream.label})
		}
	}
	return map[string]any{"Streams": list}, nil
}

func (b *Backend) describeStream(_ *awswire.Request, q *streamRequest) (any, error) {
	s, err := b.stream(q.StreamArn)
	if err != nil {
		return nil, err
	}
	shards := []any{}
	if q.ExclusiveStartShardId == "" {
		shards = append(shards, map[string]any{"ShardId": s.Shard(), "SequenceNumberRange": map[string]any{"StartingSequenceNumber": sequence(1)}})
	}
	return map[string]any{"StreamDescription": map[string]any{
		"StreamArn": s.ARN(), "StreamLabel": s.label, "StreamStatus": "ENABLED", "StreamViewType": s.view, "TableName": s.table.name,
		"CreationRequestDateTime": s.made.Unix(), "KeySchema": s.table.schema(), "Shards": shards,
	}}, nil
}

func (b *Backend) getShardIterator(_ *awswire.Request, q *streamRequest) (any, error) {
	s, err := b.stream(q.StreamArn)
	if err != nil {
		return nil, err
	}
	if q.ShardId != s.Shard() {
		return nil, refused("ResourceNotFoundException", "Requested resource not found: Shard does not exist")
	}
	after := int64(0)
	switch q.ShardIteratorType {
	case "TRIM_HORIZON":
	case "LATEST":
		after = s.last
	case "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER":
		n, err := strconv.ParseInt(strings.TrimPrefix(q.SequenceNumber, "1"), 10, 64)
		if err != nil || len(q.SequenceNumber) != 21 {
			return nil, invalid("Invalid SequenceNumber")
		}
		if after = n; q.ShardIteratorType == "AT_SEQUENCE_NUMBER" {
			after--
		}
	default:
		return nil, oneOf("'"+q.ShardIteratorType+"'", "shardIteratorType", "AFTER_SEQUENCE_NUMBER", "LATEST", "AT_SEQUENCE_NUMBER", "TRIM_HORIZON")
	}
	return map[string]any{"ShardIterator": b.iterator(s, after)}, nil
}

// iterator is a place in a stream, as clients have it.
func (b *Backend) iterator(s *Stream, after int64) string {
	return fmt.Sprintf("%s|1|%d|%d", s.ARN(), after, b.kernel.Now().Unix())
}

func (b *Backend) getRecords(_ *awswire.Request, q *streamRequest) (any, error) {
	parts := strings.Split(q.ShardIterator, "|")
	if len(parts) != 4 {
		return nil, invalid("Invalid ShardIterator")
	}
	s, err := b.stream(parts[0])
	if err != nil {
		return nil, err
	}
	after, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil {
		return nil, invalid("Invalid ShardIterator")
	}
	now := b.kernel.Now()
	if at, err := strconv.ParseInt(parts[3], 10, 64); err != nil || now.Sub(time.Unix(at, 0)) > iteratorFor {
		return nil, refused("ExpiredIteratorException", "Iterator expired. The iterator was created more than 15 minutes ago.")
	}
	most := 1000
	if q.Limit != nil {
		most = min(most, *q.Limit)
	}
	list := []any{}
	for _, r := range s.Since(now, after, most) {
		list = append(list, r.told(false))
		after = r.Number
	}
	return map[string]any{"Records": list, "NextShardIterator": b.iterator(s, after)}, nil
}
