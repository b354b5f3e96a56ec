package tasks

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	cloudtasks "cloud.google.com/go/cloudtasks/apiv2"
	"cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/fakes/fakestest"
	"github.com/wtsim/wtsim/probe"
)

// run runs f in a bubble, with a queue "emails" and a function "send"; nothing
// may be left behind.
func run(t *testing.T, f func(t *testing.T, e *fakestest.Env, client *cloudtasks.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e, err := fakestest.Open(context.Background(), New("tasks").With(Queue{Name: "emails"}))
		if err != nil {
			t.Fatal(err)
		}
		e.Kernel.Deploy("send")
		f(t, e, Client(e, "tasks"))
		e.Close()
	})
}

// waiting are the tasks that the queue holds.
func waiting(e *fakestest.Env) []request {
	out, _ := e.Backend("tasks").(*Backend).queued("emails")
	return out
}

const emails = "projects/p/locations/l/queues/emails"

func post(url, body string) *cloudtaskspb.Task {
	return &cloudtaskspb.Task{MessageType: &cloudtaskspb.Task_HttpRequest{HttpRequest: &cloudtaskspb.HttpRequest{Url: url, Body: []byte(body)}}}
}

// A task reaches its queue as it was made, and its operation shows it.
func TestCreate(t *testing.T) {
	run(t, func(t *testing.T, e *fakestest.Env, client *cloudtasks.Client) {
		at := time.Now().Add(time.Hour)
		task := post("https://send.example/mail?to=u%201", `{"user": "u1"}`)
		task.Name, task.ScheduleTime, task.DispatchDeadline = emails+"/tasks/welcome-u1", timestamppb.New(at), durationpb.New(time.Minute)
		task.GetHttpRequest().HttpMethod, task.GetHttpRequest().Headers = cloudtaskspb.HttpMethod_PUT, map[string]string{"Content-Type": "application/json"}
		got, err := client.CreateTask(e.Context(), &cloudtaskspb.CreateTaskRequest{Parent: emails, Task: task})
		if err != nil || got.Name != task.Name || !got.ScheduleTime.AsTime().Equal(at) || got.GetHttpRequest().Body != nil || got.View != cloudtaskspb.Task_BASIC {
			t.Fatal(got, err)
		}
		queued := waiting(e)
		q := queued[0]
		if q.Name != "welcome-u1" || q.Function != "send" || q.Method != "PUT" || q.Path != "/mail?to=u%201" || q.Header["Content-Type"] != "application/json" ||
			q.Body != `{"user": "u1"}` || !q.At.Equal(at) || q.Deadline != time.Minute {
			t.Errorf("got %+v", q)
		}
		op := e.Operations()[0]
		if op.Service != "tasks" || op.Method != "createTask" || op.Resource != "emails/welcome-u1" || op.Access != event.Writes || op.Result.Status != "OK" {
			t.Errorf("got %+v", op)
		}
		want := `"httpRequest":{"body":{"user":"u1"},"headers":{"Content-Type":"application/json"},"httpMethod":"PUT","url":"https://send.example/mail?to=u%201"}`
		if got := string(op.Request.Body); !strings.Contains(got, want) {
			t.Errorf("request %s", got)
		}
	})
}

// Tasks can be looked at, listed and deleted, by their full names.
func TestTasks(t *testing.T) {
	run(t, func(t *testing.T, e *fakestest.Env, client *cloudtasks.Client) {
		var names []string
		for range 2 {
			made, err := client.CreateTask(e.Context(), &cloudtaskspb.CreateTaskRequest{Parent: emails, Task: post("http://send/", "x"), ResponseView: cloudtaskspb.Task_FULL})
			if err != nil || string(made.GetHttpRequest().Body) != "x" || made.GetHttpRequest().HttpMethod != cloudtaskspb.HttpMethod_POST {
				t.Fatal(made, err)
			}
			names = append(names, made.Name)
		}
		if got, err := client.GetTask(e.Context(), &cloudtaskspb.GetTaskRequest{Name: names[1], ResponseView: cloudtaskspb.Task_FULL}); err != nil || got.Name != names[1] || string(got.GetHttpRequest().Body) != "x" {
			t.Error(got, err)
		}
		if err := client.DeleteTask(e.Context(), &cloudtaskspb.DeleteTaskRequest{Name: names[0]}); err != nil {
			t.Error(err)
		}
		var listed []string
		for got, err := range client.ListTasks(e.Context(), &cloudtaskspb.ListTasksRequest{Parent: emails}).All() {
			if err != nil {
				t.Fatal(err)
			}
			listed = append(listed, got.Name)
		}
		if !slices.Equal(listed, names[1:]) {
			t.Errorf("got %q of %q", listed, names)
		}
		var ops []string
		for _, op := range e.Operations() {
			ops = append(ops, op.Method+" "+op.Resource)
		}
		one, two := "emails/"+names[0][len(emails)+len("/tasks/"):], "emails/"+names[1][len(emails)+len("/tasks/"):]
		if want := []string{"createTask emails", "createTask emails", "getTask " + two, "deleteTask " + one, "listTasks emails"}; !slices.Equal(ops, want) {
			t.Errorf("got %q, wanted %q", ops, want)
		}
	})
}

// The function that a URL names.
func TestTarget(t *testing.T) {
	for url, want := range map[string]string{
		"https://charge.example/run?x=1":                        "charge /run?x=1",
		"http://charge":                                         "charge /",
		"https://charge-abc-uc.a.run.app/a%2Fb":                 "charge-abc-uc /a%2Fb",
		"https://us-central1-p.cloudfunctions.net/send":         "send /",
		"https://us-central1-p.cloudfunctions.net/send/now?x=1": "send /now?x=1",
		"https://us-central1-p.cloudfunctions.net/send?x=1":     "send /?x=1",
		"charge.example/run":                                    "", "ftp://charge/": "", "": "", "https://": "", "https://c/" + strings.Repeat("x", 2083): "",
	} {
		function, path, err := target(url)
		if got := function + " " + path; (err == nil) != (want != "") || err == nil && got != want {
			t.Errorf("%s: got %q, %v", url, got, err)
		}
	}
}

// A host of Cloud Run is of the service that it is made for.
func TestCloudRun(t *testing.T) {
	for url, want := range map[string]string{
		"https://charge-abc123xyz0-uc.a.run.app/run":             "charge",
		"https://place-order-abc123xyz0-ew.a.run.app":            "place-order",
		"https://v2---place-order-abc123xyz0-ew.a.run.app":       "place-order",
		"https://place-order-123456789.us-central1.run.app/?x=1": "place-order",
		"https://charge.a.run.app":                               "", "https://charge-abc-uc.example": "", "https://a-b-uc.a.run.app.example": "", ":": "",
	} {
		if got := cloudRun(url); got != want {
			t.Errorf("%s: got %q, wanted %q", url, got, want)
		}
	}
	run(t, func(t *testing.T, e *fakestest.Env, client *cloudtasks.Client) {
		create := func(host string) error {
			_, err := client.CreateTask(e.Context(), &cloudtaskspb.CreateTaskRequest{Parent: emails, Task: post("https://"+host+"/mail", "x")})
			return err
		}
		if err := create("send-abc123xyz0-uc.a.run.app"); err != nil {
			t.Fatal(err)
		}
		if queued := waiting(e); queued[0].Function != "send" || queued[0].Path != "/mail" {
			t.Errorf("got %+v", queued)
		}
		if err := create("sent-abc123xyz0-uc.a.run.app"); status.Code(err) != codes.Unimplemented || !strings.Contains(err.Error(), `does not have a function "sent"`) {
			t.Errorf("got %v", err)
		}
	})
}

// What the service refuses it refuses with its own words, without an effect.
func TestRefused(t *testing.T) {
	run(t, func(t *testing.T, e *fakestest.Env, client *cloudtasks.Client) {
		named := func(name string) *cloudtaskspb.Task {
			task := post("https://send/", "")
			task.Name = name
			return task
		}
		with := func(change func(*cloudtaskspb.Task)) *cloudtaskspb.Task {
			task := post("https://send/", "")
			change(task)
			return task
		}
		taken := emails + "/tasks/taken"
		if _, err := client.CreateTask(e.Context(), &cloudtaskspb.CreateTaskRequest{Parent: emails, Task: named(taken)}); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			parent string
			task   *cloudtaskspb.Task
			code   codes.Code
			text   string
		}{
			{emails, named(taken), codes.AlreadyExists, "Requested entity already exists"},
			{"projects/p/locations/l/queues/none", post("https://send/", ""), codes.FailedPrecondition, "Queue does not exist."},
			{"emails", post("https://send/", ""), codes.InvalidArgument, "Queue name must be formatted"},
			{emails, nil, codes.InvalidArgument, "Task must be set"},
			{emails, &cloudtaskspb.Task{}, codes.InvalidArgument, "message_type"},
			{emails, &cloudtaskspb.Task{MessageType: &cloudtaskspb.Task_AppEngineHttpRequest{AppEngineHttpRequest: &cloudtaskspb.AppEngineHttpRequest{}}}, codes.Unimplemented, "wtsim does not have App Engine"},
			{emails, post("", ""), codes.InvalidArgument, "HttpRequest.url is required"},
			{emails, post("https://send/", strings.Repeat("x", 100<<10)), codes.InvalidArgument, "Task size too large"},
			{emails, named("welcome"), codes.InvalidArgument, "Task name must be formatted"},
			{emails, named("projects/p/locations/l/queues/other/tasks/x"), codes.InvalidArgument, "must be in its queue"},
			{emails, with(func(t *cloudtaskspb.Task) { t.ScheduleTime = timestamppb.New(time.Now().Add(721 * time.Hour)) }), codes.InvalidArgument, "no more than 720h"},
			{emails, with(func(t *cloudtaskspb.Task) { t.DispatchDeadline = durationpb.New(time.Second) }), codes.InvalidArgument, "dispatchDeadline"},
			{emails, with(func(t *cloudtaskspb.Task) {
				t.GetHttpRequest().HttpMethod, t.GetHttpRequest().Body = cloudtaskspb.HttpMethod_GET, []byte("x")
			}), codes.InvalidArgument, "body is not allowed"},
		} {
			_, err := client.CreateTask(e.Context(), &cloudtaskspb.CreateTaskRequest{Parent: c.parent, Task: c.task})
			if status.Code(err) != c.code || !strings.Contains(status.Convert(err).Message(), c.text) {
				t.Errorf("%v: got %v, wanted %v, %s", c.task, err, c.code, c.text)
			}
		}
		if queued := waiting(e); len(queued) != 1 {
			t.Errorf("%d tasks", len(queued))
		}
		if err := client.DeleteTask(e.Context(), &cloudtaskspb.DeleteTaskRequest{Name: taken}); err != nil {
			t.Error(err)
		}
		_, again := client.CreateTask(e.Context(), &cloudtaskspb.CreateTaskRequest{Parent: emails, Task: named(taken)})
		if status.Code(again) != codes.AlreadyExists || !strings.Contains(again.Error(), "existed too recently") {
			t.Errorf("again: %v", again)
		}
		_, got := client.GetTask(e.Context(), &cloudtaskspb.GetTaskRequest{Name: taken})
		deleted := client.DeleteTask(e.Context(), &cloudtaskspb.DeleteTaskRequest{Name: taken})
		if status.Code(got) != codes.NotFound || status.Code(deleted) != codes.NotFound {
			t.Error(got, deleted)
		}
		_, made := client.CreateQueue(e.Context(), &cloudtaskspb.CreateQueueRequest{Parent: "projects/p/locations/l"})
		if status.Code(made) != codes.Unimplemented || !strings.Contains(made.Error(), "/CreateQueue: queues are declared in the scenario") {
			t.Error(made)
		}
	})
}

// The client does not try to create a task again, but looks and deletes again:
// each attempt is an operation.
func TestRetries(t *testing.T) {
	run(t, func(t *testing.T, e *fakestest.Env, client *cloudtasks.Client) {
		e.Verdict = fakestest.InTurn("createTask", probe.Fate{Action: probe.Lose, With: "reset"})
		_, err := client.CreateTask(e.Context(), &cloudtaskspb.CreateTaskRequest{Parent: emails, Task: post("https://send/", "")})
		queued := waiting(e)
		if status.Code(err) != codes.Unavailable || len(queued) != 1 {
			t.Fatal(err, queued)
		}
		e.Verdict = fakestest.InTurn("deleteTask", probe.Fate{Action: probe.Refuse, With: "UNAVAILABLE"}, probe.Fate{Action: probe.Lose, With: "reset"})
		err = client.DeleteTask(e.Context(), &cloudtaskspb.DeleteTaskRequest{Name: emails + "/tasks/" + queued[0].Name})
		if status.Code(err) != codes.NotFound { // it was deleted by the attempt whose answer was lost
			t.Error(err)
		}
	})
}
