package tasks

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"strings"
	"time"

	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/internal/rpc"
	"github.com/wtsim/wtsim/probe"
)

// The limits of a task.
// https://cloud.google.com/tasks/docs/quotas and
// https://cloud.google.com/tasks/docs/reference/rpc/google.cloud.tasks.v2
const (
	mostTaskBytes = 100 << 10
	mostAhead     = 720 * time.Hour
	leastDeadline = 15 * time.Second
	mostDeadline  = 30 * time.Minute
	mostURLBytes  = 2083
)

// CreateTask gives a task to a queue.
func (s *server) CreateTask(ctx context.Context, r *cloudtaskspb.CreateTaskRequest) (*cloudtaskspb.Task, error) {
	queue, err := queueOf(r.Parent)
	if err != nil {
		return nil, err
	}
	waiting, err := s.backend.queued(queue)
	if err != nil {
		return nil, status.Error(codes.FailedPrecondition, "Queue does not exist.")
	}
	t, err := queuedTask(r)
	if err != nil {
		return nil, err
	}
	made, err := s.backend.enqueue(probe.CallOf(ctx), queue, t)
	if service := cloudRun(r.Task.GetHttpRequest().GetUrl()); service != "" && errors.Is(err, errNotFound) {
		t.Function = service
		made, err = s.backend.enqueue(probe.CallOf(ctx), queue, t)
	}
	switch {
	case errors.Is(err, errNotFound): // the queue is there
		return nil, &rpc.Lack{What: fmt.Sprintf("a function %q, to which tasks for %s would go", t.Function, r.Task.GetHttpRequest().Url), Advice: "declare it in the scenario"}
	case errors.Is(err, errExists):
		return nil, exists(waiting, t.Name)
	case err != nil:
		return nil, status.Error(codes.Internal, err.Error())
	}
	return described(r.Parent, made, r.ResponseView), nil
}

// exists says that a name is taken; the words are those of
// https://github.com/stackkit/laravel-google-cloud-tasks-queue/issues/104
func exists(waiting []request, name string) error {
	for _, t := range waiting {
		if t.Name == name {
			return status.Error(codes.AlreadyExists, "Requested entity already exists")
		}
	}
	return status.Error(codes.AlreadyExists, "The task cannot be created because a task with this name existed too recently. For more information about task de-duplication see https://cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues.tasks/create#body.request_body.FIELDS.task.")
}

// queuedTask reads the task of a request.
func queuedTask(r *cloudtaskspb.CreateTaskRequest) (request, error) {
	h := r.Task.GetHttpRequest()
	switch {
	case r.Task == nil:
		return request{}, invalid("Task must be set.")
	case r.Task.GetAppEngineHttpRequest() != nil:
		return request{}, &rpc.Lack{What: "App Engine", Advice: "give the task an httpRequest to a function of the scenario"}
	case h == nil:
		return request{}, invalid("Task.message_type must be set.")
	case proto.Size(r.Task) > mostTaskBytes:
		return request{}, invalid("Task size too large")
	}
	t := request{Request: cloud.Request{Method: "POST", Header: maps.Clone(h.Headers), Body: string(h.Body)}}
	if h.HttpMethod != cloudtaskspb.HttpMethod_HTTP_METHOD_UNSPECIFIED {
		t.Method = h.HttpMethod.String()
	}
	if len(h.Body) > 0 && t.Method != "POST" && t.Method != "PUT" && t.Method != "PATCH" {
		return t, invalid("HTTP body is not allowed with HTTP method " + t.Method + ".")
	}
	var err error
	if t.Function, t.Path, err = target(h.Url); err == nil {
		err = nameAndTimes(&t, r)
	}
	return t, err
}

// nameAndTimes reads the rest.
func nameAndTimes(t *request, r *cloudtaskspb.CreateTaskRequest) error {
	if r.Task.Name != "" {
		_, name, err := taskOf(r.Task.Name)
		if err == nil && !strings.HasPrefix(r.Task.Name, r.Parent+"/tasks/") {
			err = invalid("The task's name must be in its queue: " + r.Parent)
		}
		if err != nil {
			return err
		}
		t.Name = name
	}
	if at := r.Task.ScheduleTime; at != nil {
		t.At = at.AsTime()
		if time.Until(t.At) > mostAhead { //wtsim:clock the bubble's clock
			return invalid("The Task.scheduleTime, " + t.At.Format(time.RFC3339Nano) + ", is too far in the future. Schedule time must be no more than 720h in the future.")
		}
	}
	if d := r.Task.DispatchDeadline; d != nil {
		t.Deadline = d.AsDuration()
		if t.Deadline < leastDeadline || t.Deadline > mostDeadline {
			return invalid("The Task.dispatchDeadline must be between 15s and 30m.")
		}
	}
	return nil
}

// target finds the function that a URL names, and what it is sent.
func target(text string) (function, path string, err error) {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return "", "", invalid("HttpRequest.url is required")
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || len(text) > mostURLBytes:
		return "", "", invalid("Invalid url for HttpRequest.url: " + text)
	}
	path = u.RequestURI()
	if strings.HasSuffix(u.Hostname(), ".cloudfunctions.net") {
		function, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
		function, query, asked := strings.Cut(function, "?")
		if asked {
			return function, "/?" + query, nil
		}
		return function, "/" + rest, nil
	}
	function, _, _ = strings.Cut(u.Hostname(), ".")
	return function, path, nil
}

// runHosts are the hosts that Cloud Run gives to a service: "charge" has
// charge-abc123xyz0-uc.a.run.app and charge-123456789.us-central1.run.app.
// https://docs.cloud.google.com/run/docs/triggering/https-request#url
var runHosts = regexp.MustCompile(`^(?:.+---)?(.+?)-(?:[a-z0-9]+-[a-z]+\.a|\d+\.[a-z0-9-]+)\.run\.app$`)

// cloudRun returns the service that a host of Cloud Run is of; empty if it is
// none.
func cloudRun(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	if m := runHosts.FindStringSubmatch(u.Hostname()); m != nil {
		return m[1]
	}
	return ""
}

// GetTask tells about a task that has not succeeded yet.
func (s *server) GetTask(_ context.Context, r *cloudtaskspb.GetTaskRequest) (*cloudtaskspb.Task, error) {
	queue, name, err := taskOf(r.Name)
	if err != nil {
		return nil, err
	}
	tasks, err := s.backend.queued(queue)
	if err != nil {
		return nil, errAbsent
	}
	for _, t := range tasks {
		if t.Name == name {
			return described(strings.TrimSuffix(r.Name, "/tasks/"+name), t, r.ResponseView), nil
		}
	}
	return nil, errAbsent
}

var errAbsent = status.Error(codes.NotFound, "Requested entity was not found.")

// ListTasks lists a queue's tasks that have not succeeded yet, all on one page.
func (s *server) ListTasks(_ context.Context, r *cloudtaskspb.ListTasksRequest) (*cloudtaskspb.ListTasksResponse, error) {
	queue, err := queueOf(r.Parent)
	if err != nil {
		return nil, err
	}
	tasks, err := s.backend.queued(queue)
	if err != nil {
		return nil, errAbsent
	}
	answer := &cloudtaskspb.ListTasksResponse{}
	for _, t := range tasks {
		answer.Tasks = append(answer.Tasks, described(r.Parent, t, r.ResponseView))
	}
	return answer, nil
}

// DeleteTask takes a task out of its queue.
func (s *server) DeleteTask(_ context.Context, r *cloudtaskspb.DeleteTaskRequest) (*emptypb.Empty, error) {
	queue, name, err := taskOf(r.Name)
	if err != nil {
		return nil, err
	}
	if err := s.backend.dequeue(queue, name); err != nil {
		return nil, errAbsent
	}
	return &emptypb.Empty{}, nil
}

// described is a task as clients see it: its body in a full view only.
func described(parent string, t request, view cloudtaskspb.Task_View) *cloudtaskspb.Task {
	h := &cloudtaskspb.HttpRequest{
		Url: "https://" + t.Function + t.Path, Headers: t.Header,
		HttpMethod: cloudtaskspb.HttpMethod(cloudtaskspb.HttpMethod_value[t.Method]),
	}
	out := &cloudtaskspb.Task{
		Name: parent + "/tasks/" + t.Name, View: cloudtaskspb.Task_BASIC,
		MessageType:   &cloudtaskspb.Task_HttpRequest{HttpRequest: h},
		DispatchCount: int32(t.Attempts),
	}
	if view == cloudtaskspb.Task_FULL {
		h.Body, out.View = []byte(t.Body), view
	}
	if !t.At.IsZero() {
		out.ScheduleTime = timestamppb.New(t.At)
	}
	if t.Deadline > 0 {
		out.DispatchDeadline = durationpb.New(t.Deadline)
	}
	return out
}

var (
	queueName = regexp.MustCompile(`^projects/[^/]+/locations/[^/]+/queues/([A-Za-z0-9-]{1,100})$`)
	taskName  = regexp.MustCompile(`^projects/[^/]+/locations/[^/]+/queues/([A-Za-z0-9-]{1,100})/tasks/([A-Za-z0-9_-]{1,500})$`)
)

// queueOf is the queue of a full name.
func queueOf(name string) (string, error) {
	m := queueName.FindStringSubmatch(name)
	if m == nil {
		return "", invalid(`Queue name must be formatted: "projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>"`)
	}
	return m[1], nil
}

// taskOf is the queue and the task of a full name.
func taskOf(name string) (queue, task string, err error) {
	m := taskName.FindStringSubmatch(name)
	if m == nil {
		return "", "", invalid(`Task name must be formatted: "projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>/tasks/<TASK_ID>"`)
	}
	return m[1], m[2], nil
}

func invalid(why string) error { return status.Error(codes.InvalidArgument, why) }
