package config

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/fakes/awsaux"
	fakelambda "github.com/wtsim/wtsim/fakes/lambda"
	"github.com/wtsim/wtsim/fakes/s3"
	"github.com/wtsim/wtsim/fakes/smtp"
)

// ofAWS is what services of AWS alone have.
type ofAWS struct {
	Buses      []string     `yaml:"buses" doc:"of an EventBridge, besides the default one"`
	EventRules []eventRule  `yaml:"rules" doc:"of an EventBridge"`
	Tables     []table      `yaml:"tables" doc:"of a DynamoDB"`
	Items      []storedItem `yaml:"items" doc:"of its tables, what is there before a run"`
	Deletes    duration     `yaml:"deletes" doc:"how long after an item's time to live it is deleted: never, if it is not said"`
	Versioned  []string     `yaml:"versioned" doc:"of an S3: buckets that keep versions"`
	Schedules  []schedule   `yaml:"schedules" doc:"of a Lambda: what it invokes by the clock"`
	Async      []async      `yaml:"async" doc:"of a Lambda: what becomes of asynchronous events, where it is not as by default"`
	Parameters []parameter  `yaml:"parameters" doc:"of a Parameter Store, what is there before a run"`
	Keys       []string     `yaml:"keys" doc:"of a KMS: ids, or aliases such as alias/shop"`
	Pools      []string     `yaml:"pools" doc:"of a Cognito: ids of user pools"`
	Models     []model      `yaml:"models" doc:"of a Bedrock: what is answered; the first that fits counts"`
}

type schedule struct {
	Name     string   `yaml:"name" doc:"of the rule; the program's, if it is not said"`
	Program  string   `yaml:"program" doc:"which is invoked"`
	Every    duration `yaml:"every" doc:"the time between two ticks"`
	Schedule string   `yaml:"schedule" doc:"instead: EventBridge's expression, such as rate(5 minutes) or cron(0 10 ? * MON-FRI *)"`
	Zone     string   `yaml:"zone" doc:"makes it a schedule of EventBridge Scheduler, and no rule's: its time zone, such as Europe/Berlin or UTC; its expression may be at(2026-03-01T09:00:00) too"`
	Window   duration `yaml:"window" doc:"of such a schedule: its flexible time window, up to 24h"`
	Ticks    int      `yaml:"ticks" doc:"how many there are: as many as the horizon has, if it is not said"`
	Input    string   `yaml:"input" doc:"what the program gets: a scheduled event, if it is not said"`
}

type async struct {
	Program    string   `yaml:"program"`
	MaxAge     duration `yaml:"max-age" doc:"how long events that are throttled come again: 6h, if it is not said"`
	Retries    int      `yaml:"retries" doc:"how often one comes again whose program fails: 2, if it is not said; -1 for never"`
	OnSuccess  string   `yaml:"on-success" doc:"the queue or the program, by name or ARN, that is told"`
	OnFailure  string   `yaml:"on-failure" doc:"the same, of what is given up"`
	DeadLetter string   `yaml:"dead-letter" doc:"the queue that gets what is given up"`
}

type parameter struct {
	Name   string `yaml:"name" doc:"such as /shop/table"`
	Value  string `yaml:"value"`
	Secure bool   `yaml:"secure" doc:"it is a SecureString"`
}

type model struct {
	Model     string `yaml:"model" doc:"its id, with * for any part; all, if it is not said"`
	Operation string `yaml:"operation" doc:"InvokeModel or Converse; both, if it is not said"`
	Answer    string `yaml:"answer" doc:"the answer's body, JSON"`
	Error     string `yaml:"error" doc:"instead: the message of a ModelErrorException"`
}

func (s *service) s3(name string) cloud.Service {
	out := s3.New(name, s.Buckets...).Versioned(s.AWS.Versioned...).At(s.At...)
	for _, o := range s.Objects {
		out = out.With(o.Bucket, o.Name, o.Content)
	}
	return out
}

func (s *service) lambda(name string, in *file) (cloud.Service, error) {
	out := fakelambda.New(name).At(s.At...)
	for _, x := range s.AWS.Schedules {
		if err := x.when(); err != nil {
			return nil, err
		}
		cloud.SetDefault(&x.Name, x.Program)
		out = out.Every(fakelambda.Schedule{Name: x.Name, Function: x.Program, Every: time.Duration(x.Every), Expression: x.Schedule, Zone: x.Zone, Window: time.Duration(x.Window), Ticks: x.Ticks, Input: x.Input})
	}
	for _, x := range s.AWS.Async {
		a := aws.Async{Function: x.Program, MaxAge: time.Duration(x.MaxAge), Retries: x.Retries}
		for _, to := range []struct {
			key, name string
			arn       *string
		}{{"on-success", x.OnSuccess, &a.OnSuccess}, {"on-failure", x.OnFailure, &a.OnFailure}, {"dead-letter", x.DeadLetter, &a.DeadLetter}} {
			arn, err := in.arn(to.key, to.name)
			if err != nil {
				return nil, fmt.Errorf("async: %s: %w", x.Program, err)
			}
			*to.arn = arn
		}
		out = out.Async(a)
	}
	return out, nil
}

func (x *schedule) when() error {
	if (x.Every == 0) == (x.Schedule == "") {
		return fmt.Errorf("schedules: %s has \"every\" and \"schedule\", or none, wanted one of them", x.Program)
	}
	return nil
}

// arn is that of a queue or a program, by its name; an ARN is one itself.
func (f *file) arn(key, name string) (string, error) {
	queue := f.having("sqs", func(s *service) bool { return s.hasQueue(name) }) != ""
	switch {
	case name == "" || strings.HasPrefix(name, "arn:"):
		return name, nil
	case queue && f.hasProgram(name):
		return "", fmt.Errorf("%s: %q is a queue and a program, wanted an ARN", key, name)
	case queue:
		return aws.QueueARN(name), nil
	case f.hasProgram(name):
		return aws.FunctionARN(name), nil
	}
	return "", fmt.Errorf("%s: %q is no queue and no program, wanted the name of one, or an ARN", key, name)
}

func (s *service) hasQueue(name string) bool {
	return slices.ContainsFunc(s.Queues, func(q queue) bool { return q.Name == name })
}

func (s *service) secretsmanager(name string) cloud.Service {
	var all []awsaux.Secret
	for _, x := range s.Secrets {
		out := awsaux.Secret{Name: x.Name, Value: x.Value}
		for _, r := range x.Rotations {
			out.Rotations = append(out.Rotations, awsaux.Rotation{After: time.Duration(r.After), Value: r.Value})
		}
		all = append(all, out)
	}
	return awsaux.Secrets(name, all...).At(s.At...)
}

func (s *service) ssm(name string) cloud.Service {
	var all []awsaux.Parameter
	for _, x := range s.AWS.Parameters {
		all = append(all, awsaux.Parameter{Name: x.Name, Value: x.Value, Secure: x.Secure})
	}
	return awsaux.Parameters(name, all...).At(s.At...)
}

func (s *service) kms(name string) cloud.Service  { return awsaux.Keys(name, s.AWS.Keys...).At(s.At...) }
func (s *service) sts(name string) cloud.Service  { return awsaux.Identity(name).At(s.At...) }
func (s *service) ses(name string) cloud.Service  { return awsaux.Mail(name).At(s.At...) }
func (s *service) logs(name string) cloud.Service { return awsaux.Logs(name).At(s.At...) }
func (s *service) smtp(name string) cloud.Service { return smtp.New(name).At(s.At...) }
func (s *service) cognito(name string) cloud.Service {
	return awsaux.Users(name, s.AWS.Pools...).At(s.At...)
}
func (s *service) cloudwatch(name string) cloud.Service { return awsaux.Metrics(name).At(s.At...) }

func (s *service) bedrock(name string, _ *file) (cloud.Service, error) {
	for _, m := range s.AWS.Models {
		if _, err := path.Match(m.Model, ""); err != nil || (m.Answer == "") == (m.Error == "") {
			return nil, fmt.Errorf("models: %q has \"answer\" and \"error\", or none, or its id is no pattern, wanted one of them, for an id such as anthropic.*", m.Model)
		}
	}
	return awsaux.Models(name, func(id, operation string, _ []byte) ([]byte, error) { return s.answer(id, operation) }).At(s.At...), nil
}

// answer is that of the first model that fits.
func (s *service) answer(id, operation string) ([]byte, error) {
	for _, m := range s.AWS.Models {
		fits, _ := path.Match(m.Model, id) // it was tried before
		if !fits && m.Model != "" || m.Operation != "" && m.Operation != operation {
			continue
		}
		if m.Error != "" {
			return nil, errors.New(m.Error)
		}
		return []byte(m.Answer), nil
	}
	return nil, fmt.Errorf("the scenario has no answer of model %s to %s", id, operation)
}
