package scaffold

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// stack is a template of CloudFormation, or SAM, whose calls of functions are
// resolved as far as they are known.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification.html
type stack struct {
	*deployment
	resolver
	prefix    string   // of places, for people
	ids       []string // of the resources, in order
	resources map[string]tree
	names     map[string]string // of resources, by their ids in the template
}

// cloudFormation reads a template.
func (d *deployment) cloudFormation(text []byte) error {
	t, err := tagged(text)
	if err != nil {
		return err
	}
	if t.at("Resources").v == nil {
		return errors.New("it has no \"Resources\", wanted a template of SAM or CloudFormation")
	}
	d.stackOf(t, t.at("Resources"), "Resources.").takeAll()
	return nil
}

// stackOf makes a stack of resources of CloudFormation, wherever they are written.
func (d *deployment) stackOf(whole, resources tree, prefix string) *stack {
	s := &stack{deployment: d, prefix: prefix, ids: resources.names(), resources: map[string]tree{}, names: map[string]string{}}
	s.resolver = resolver{template: whole, of: s.known, pseudo: map[string]string{
		"AWS::Region": region, "AWS::AccountId": account, "AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com", "AWS::StackName": d.module,
	}}
	for _, id := range s.ids {
		r := resources.at(id)
		if holds, known := s.condition(r.at("Condition").text()); known && !holds {
			continue
		}
		s.resources[id] = r
	}
	for _, id := range s.ids {
		s.known(id, "")
	}
	return s
}

// takeAll takes over the resources, functions before what invokes them.
func (s *stack) takeAll() {
	for _, first := range []bool{true, false} {
		for _, id := range s.ids {
			if r, ok := s.resources[id]; ok && functionKinds[r.at("Type").text()] == first {
				s.take(id, r)
			}
		}
	}
}

var functionKinds = map[string]bool{"AWS::Serverless::Function": true, "AWS::Lambda::Function": true}

// nameKeys are the properties that name a resource; where they do not, its id in
// the template does.
var nameKeys = map[string]string{
	"AWS::Serverless::Function": "FunctionName", "AWS::Lambda::Function": "FunctionName", "AWS::SQS::Queue": "QueueName",
	"AWS::DynamoDB::Table": "TableName", "AWS::Serverless::SimpleTable": "TableName", "AWS::S3::Bucket": "BucketName",
	"AWS::SecretsManager::Secret": "Name", "AWS::SSM::Parameter": "Name", "AWS::KMS::Alias": "AliasName", "AWS::SNS::Topic": "TopicName",
	"AWS::Events::Rule": "Name", "AWS::Events::EventBus": "Name", "AWS::Scheduler::Schedule": "Name",
}

func (s *stack) nameOf(id string, r tree) string {
	kind := r.at("Type").text()
	name := ""
	if key, ok := nameKeys[kind]; ok {
		name = tree{s.value(r.at("Properties", key).v)}.text()
	}
	switch {
	case name != "" && !strings.Contains(name, "${"):
		return name
	case kind == "AWS::S3::Bucket":
		return kebab(id)
	case kind == "AWS::SQS::Queue" && r.at("Properties", "FifoQueue").yes():
		return id + ".fifo"
	}
	return id
}

// known is what a resource is referred to by in a run.
func (s *stack) known(id, attribute string) (any, bool) {
	name, ok := s.names[id]
	if !ok {
		if s.resources[id].v == nil {
			return nil, false
		}
		s.names[id] = id // should its name refer to itself
		name = s.nameOf(id, s.resources[id])
		s.names[id] = name
	}
	kind := s.resources[id].at("Type").text()
	arns := map[string]string{
		"AWS::SQS::Queue": arnOf("sqs", name), "AWS::DynamoDB::Table": arnOf("dynamodb", "table/"+name), "AWS::Serverless::SimpleTable": arnOf("dynamodb", "table/"+name),
		"AWS::S3::Bucket": "arn:aws:s3:::" + name, "AWS::Serverless::Function": arnOf("lambda", "function:"+name), "AWS::Lambda::Function": arnOf("lambda", "function:"+name),
		"AWS::SNS::Topic": arnOf("sns", name),
	}
	switch _, named := nameKeys[kind]; {
	case kind == "AWS::SQS::Queue" && (attribute == "" || attribute == "QueueUrl"):
		return "https://sqs." + region + ".amazonaws.com/" + account + "/" + name, true
	case kind == "AWS::SNS::Topic" && (attribute == "" || attribute == "TopicArn"), attribute == "Arn" && arns[kind] != "":
		return arns[kind], true
	case attribute == "StreamArn" && arns[kind] != "":
		return arns[kind] + "/stream/2000-01-01T00:00:00.000", true
	case kind == "AWS::S3::Bucket" && attribute == "DomainName":
		return name + ".s3.amazonaws.com", true
	case kind == "AWS::S3::Bucket" && attribute == "RegionalDomainName":
		return name + ".s3." + region + ".amazonaws.com", true
	case named && (attribute == "" || attribute == "QueueName" || attribute == "TopicName" || attribute == "Name"):
		return name, true
	case attribute == "" && strings.HasPrefix(kind, "AWS::ApiGatewayV2::"):
		return id, true // which routes and integrations name
	}
	return nil, false
}

// taken are the properties of resources that are taken over, and how that is
// done.
type taken struct {
	take func(s *stack, id string, properties tree)
	read string // names, with blanks between
}

// takes are the resources of which a scenario has something.
func takes() map[string]taken {
	const function = "FunctionName Handler Runtime Timeout Environment ReservedConcurrentExecutions DeadLetterConfig PackageType "
	return map[string]taken{
		"AWS::Serverless::Function":       {(*stack).serverlessFunction, function + "CodeUri ImageUri Events FunctionUrlConfig EventInvokeConfig DeadLetterQueue"},
		"AWS::Lambda::Function":           {(*stack).lambdaFunction, function + "Code"},
		"AWS::SQS::Queue":                 {(*stack).queue, "QueueName FifoQueue VisibilityTimeout DelaySeconds ReceiveMessageWaitTimeSeconds MessageRetentionPeriod RedrivePolicy ContentBasedDeduplication"},
		"AWS::DynamoDB::Table":            {(*stack).table, "TableName AttributeDefinitions KeySchema GlobalSecondaryIndexes LocalSecondaryIndexes StreamSpecification TimeToLiveSpecification BillingMode"},
		"AWS::Serverless::SimpleTable":    {(*stack).simpleTable, "TableName PrimaryKey"},
		"AWS::S3::Bucket":                 {(*stack).bucket, "BucketName VersioningConfiguration NotificationConfiguration"},
		"AWS::SecretsManager::Secret":     {(*stack).secret, "Name SecretString"},
		"AWS::SSM::Parameter":             {(*stack).parameter, "Name Value Type"},
		"AWS::KMS::Alias":                 {(*stack).alias, "AliasName TargetKeyId"},
		"AWS::Lambda::EventSourceMapping": {(*stack).mapping, "EventSourceArn FunctionName Enabled " + mappingKeys},
		"AWS::Lambda::EventInvokeConfig":  {(*stack).invokeConfig, "FunctionName Qualifier MaximumRetryAttempts MaximumEventAgeInSeconds DestinationConfig"},
		"AWS::Lambda::Url":                {(*stack).url, "TargetFunctionArn AuthType"},
		"AWS::Events::Rule":               {(*stack).rule, "Name ScheduleExpression Targets State"},
		"AWS::Scheduler::Schedule":        {(*stack).schedule, "Name ScheduleExpression ScheduleExpressionTimezone Target State FlexibleTimeWindow"},
		"AWS::ApiGatewayV2::Route":        {(*stack).apiRoute, "ApiId RouteKey Target"},
		"AWS::ApiGatewayV2::Integration":  {nil, "ApiId IntegrationType IntegrationUri PayloadFormatVersion IntegrationMethod"},
	}
}

func (s *stack) take(id string, r tree) {
	kind := r.at("Type").text()
	t, ok := takes()[kind]
	if !ok {
		s.leave(s.prefix+id, kind+": "+s.why(kind))
		return
	}
	properties := tree{s.value(r.at("Properties").v)}
	if kind == "AWS::Serverless::Function" {
		properties = tree{s.value(merged(s.template.at("Globals", "Function").v, r.at("Properties").v))}
	}
	if t.take != nil {
		t.take(s, id, properties)
	}
	s.rest(id, properties, t.read)
}

// rest names the properties that nothing has read.
func (s *stack) rest(what string, properties tree, read string) {
	var not []string
	for _, name := range properties.names() {
		if !slices.Contains(strings.Fields(read), name) {
			not = append(not, name)
		}
	}
	if len(not) > 0 {
		s.leave(s.prefix+what, "its "+strings.Join(not, ", "))
	}
}

// why says why a resource is not taken over.
func (s *stack) why(kind string) string {
	switch {
	case strings.HasPrefix(kind, "AWS::IAM::"), kind == "AWS::Lambda::Permission", strings.HasSuffix(kind, "Policy"):
		return "nobody is kept out in a run"
	case strings.Contains(kind, "::Api"), kind == "AWS::Serverless::HttpApi":
		return "what stands before a function is known by the function's events"
	}
	return notHere
}

// merged is what SAM makes of its globals and a resource's own properties.
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-template-anatomy-globals.html
func merged(global, own any) any {
	a, isMap := global.(map[string]any)
	b, both := own.(map[string]any)
	switch {
	case own == nil:
		return global
	case !isMap || !both:
		return own
	}
	out := maps.Clone(a)
	for name, v := range b { //wtsim:order a map to a map
		out[name] = merged(a[name], v)
	}
	return out
}

// function is what both forms of a function have.
func (s *stack) function(id string, p tree) deployed {
	x := deployed{name: s.names[id], lambda: true, names: []string{id, s.names[id]}, env: map[string]string{}}
	x.Timeout, x.MaxInstances = p.at("Timeout").seconds(), p.at("ReservedConcurrentExecutions").number()
	env := p.at("Environment", "Variables")
	for _, name := range env.names() {
		if why, is := env.at(name).v.(unknown); is {
			s.leave(s.prefix+id, fmt.Sprintf("the variable %s of its environment is %s", name, why))
			continue
		}
		x.env[name] = env.at(name).text()
	}
	x.code = nonEmpty(s.resources[id].at("Metadata", "DockerContext").text())
	if dead := p.at("DeadLetterConfig", "TargetArn").text(); dead != "" {
		s.aws.Async = append(s.aws.Async, Async{Program: x.name, DeadLetter: dead})
	}
	return x
}

func nonEmpty(all ...string) []string {
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

func (s *stack) lambdaFunction(id string, p tree) {
	x := s.function(id, p)
	x.code = append(x.code, nonEmpty(p.at("Code").text(), p.at("Code", "S3Key").text(), handlerPath(p))...)
	s.services = append(s.services, x)
}

func (s *stack) serverlessFunction(id string, p tree) {
	x := s.function(id, p)
	if of := s.made(id); of != "" {
		x.code = append(x.code, of)
	}
	code := p.at("CodeUri").text()
	if code != "" && handlerPath(p) != "" {
		x.code = append(x.code, path.Join(code, handlerPath(p)))
	}
	x.code = append(x.code, nonEmpty(code, handlerPath(p))...)
	events := p.at("Events")
	for _, name := range events.names() {
		s.event(id, &x, name, events.at(name))
	}
	if p.at("FunctionUrlConfig").v != nil && x.Front == "" {
		x.Front = "function-url"
	}
	dead := p.at("DeadLetterQueue", "TargetArn").text()
	if invoke := p.at("EventInvokeConfig"); invoke.v != nil || dead != "" {
		a := asyncOf(x.name, invoke)
		a.DeadLetter = dead
		s.aws.Async = append(s.aws.Async, a)
	}
	s.services = append(s.services, x)
}

// handlerPath is the folder that a handler names; one that is the name of every
// binary, bootstrap, names none.
func handlerPath(p tree) string {
	handler := strings.TrimSuffix(p.at("Handler").text(), "/main.go")
	if handler == "bootstrap" || handler == "main" || handler == "main.go" {
		return ""
	}
	return strings.TrimSuffix(handler, "/bootstrap")
}

// made is the folder that the makefile's target for a function builds, as sam
// build calls it.
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/building-custom-runtimes.html
func (s *stack) made(id string) string {
	_, recipe, ok := strings.Cut("\n"+s.makefile, "\nbuild-"+id+":")
	if !ok || s.resources[id].at("Metadata", "BuildMethod").text() != "makefile" {
		return ""
	}
	_, recipe, _ = strings.Cut(recipe, "\n")
	for line := range strings.Lines(recipe) {
		if !strings.HasPrefix(line, "\t") {
			break
		}
		if words := strings.Fields(line); strings.Contains(line, "go build") && !strings.HasPrefix(words[len(words)-1], "-") {
			return strings.TrimSuffix(words[len(words)-1], "/main.go")
		}
	}
	return ""
}

func asyncOf(program string, invoke tree) Async {
	a := Async{Program: program, MaxAge: invoke.at("MaximumEventAgeInSeconds").seconds()}
	if retries := invoke.at("MaximumRetryAttempts"); retries.v != nil {
		n := retries.number()
		if n == 0 {
			n = -1
		}
		a.Retries = &n
	}
	a.OnSuccess, a.OnFailure = invoke.at("DestinationConfig", "OnSuccess", "Destination").text(), invoke.at("DestinationConfig", "OnFailure", "Destination").text()
	return a
}
