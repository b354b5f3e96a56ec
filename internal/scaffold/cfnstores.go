package scaffold

import "strings"

func (s *stack) queue(id string, p tree) {
	q := SQSQueue{Name: s.names[id], Visibility: p.at("VisibilityTimeout").seconds(), Delay: p.at("DelaySeconds").seconds(), Wait: p.at("ReceiveMessageWaitTimeSeconds").seconds(),
		Retention: p.at("MessageRetentionPeriod").seconds(), ByContent: p.at("ContentBasedDeduplication").yes()}
	if redrive := p.at("RedrivePolicy"); redrive.v != nil {
		_, q.DeadLetter = ofARN(redrive.at("deadLetterTargetArn").text())
		q.MaxReceives = redrive.at("maxReceiveCount").number()
		if q.DeadLetter == "" {
			q.MaxReceives = 0
			s.leave(s.prefix+id, "its RedrivePolicy "+spelled(redrive.v))
		}
	}
	s.aws.Queues = append(s.aws.Queues, q)
}

func (s *stack) table(id string, p tree) {
	types := map[string]string{}
	for _, a := range p.at("AttributeDefinitions").list() {
		types[a.at("AttributeName").text()] = a.at("AttributeType").text()
	}
	keys := func(of tree) string {
		var hash, sort string
		for _, k := range of.at("KeySchema").list() {
			name := k.at("AttributeName").text()
			if text := name + " " + types[name]; k.at("KeyType").text() == "HASH" {
				hash = text
			} else {
				sort = ", " + text
			}
		}
		return hash + sort
	}
	t := Table{Name: s.names[id], Keys: keys(p), Stream: p.at("StreamSpecification", "StreamViewType").text()}
	if ttl := p.at("TimeToLiveSpecification"); ttl.at("Enabled").yes() {
		t.TTL = ttl.at("AttributeName").text()
	}
	for _, kind := range []string{"GlobalSecondaryIndexes", "LocalSecondaryIndexes"} {
		for _, x := range p.at(kind).list() {
			i := TableIndex{Name: x.at("IndexName").text(), Keys: keys(x), Local: kind == "LocalSecondaryIndexes", Projects: x.at("Projection", "ProjectionType").text()}
			switch i.Projects {
			case "ALL":
				i.Projects = ""
			case "INCLUDE":
				i.Projects = strings.Join(x.at("Projection", "NonKeyAttributes").texts(), ", ")
			}
			t.Indexes = append(t.Indexes, i)
		}
	}
	s.aws.Tables = append(s.aws.Tables, t)
}

// simpleTable is one whose key is an id of text, if it does not say otherwise.
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-simpletable.html
func (s *stack) simpleTable(id string, p tree) {
	name, kind := "id", "S"
	if k := p.at("PrimaryKey"); k.v != nil {
		name, kind = k.at("Name").text(), (k.at("Type").text() + "S")[:1]
	}
	s.aws.Tables = append(s.aws.Tables, Table{Name: s.names[id], Keys: name + " " + kind})
}

func (s *stack) bucket(id string, p tree) {
	s.aws.Buckets = append(s.aws.Buckets, Bucket{Name: s.names[id], Versioned: p.at("VersioningConfiguration", "Status").text() == "Enabled"})
	told := p.at("NotificationConfiguration")
	for _, n := range told.at("LambdaConfigurations").list() {
		if !s.invokes(functionIn(n.at("Function").text()), bucketOn(s.names[id], n.at("Event"), n.at("Filter", "S3Key", "Rules"))) {
			s.leave(s.prefix+id, "it is not known which function is told of "+n.at("Event").text())
		}
	}
	s.rest(id+": its NotificationConfiguration", told, "LambdaConfigurations")
}

func (s *stack) secret(id string, p tree) {
	value := p.at("SecretString").text()
	if value == "" {
		value = "example"
	}
	s.aws.Secrets = append(s.aws.Secrets, Value{Name: s.names[id], Value: value})
}

func (s *stack) parameter(id string, p tree) {
	value := p.at("Value").text()
	if value == "" {
		value = "example"
	}
	s.aws.Parameters = append(s.aws.Parameters, Value{Name: s.names[id], Value: value})
}

func (s *stack) alias(id string, _ tree) { s.aws.Keys = append(s.aws.Keys, s.names[id]) }
