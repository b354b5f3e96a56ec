package awsaux

import (
	"encoding/base64"
	"fmt"
	"slices"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/internal/awswire"
	"github.com/wtsim/wtsim/probe/awsprobe"
)

// Secret is one of Secrets Manager's that exists when a run starts.
type Secret struct {
	Name  string
	Value string
	// Rotations change it, so long after the run begins.
	Rotations []Rotation
}

// Rotation gives a secret another value: what was AWSCURRENT is AWSPREVIOUS.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_how.html
type Rotation struct {
	After time.Duration
	Value string
}

// Secrets declares AWS Secrets Manager under a name, usually "secretsmanager",
// with secrets that exist. There are GetSecretValue, BatchGetSecretValue (by
// names), CreateSecret, PutSecretValue, UpdateSecret, DescribeSecret, ListSecrets,
// DeleteSecret and RestoreSecret. Rotation by a function is not simulated: see
// [Rotation].
func Secrets(name string, secrets ...Secret) *Service {
	var names []string
	for _, s := range secrets {
		names = append(names, s.Name)
	}
	return &Service{
		name: name, detail: listed("Secrets Manager", names),
		api: awswire.API{Service: "secretsmanager", Faults: failures("InternalServiceError", "ThrottlingException")},
		open: func() part {
			p := &secretsManager{of: map[string]*secret{}, declared: secrets}
			for _, s := range secrets {
				p.of[s.Name] = &secret{name: s.Name}
				p.of[s.Name].put(version{id: p.id(), text: &s.Value})
			}
			return p
		},
		check: func() error { return checkSecrets(secrets) },
	}
}

func checkSecrets(secrets []Secret) error {
	for i, s := range secrets {
		if s.Name == "" {
			return fmt.Errorf("a secret has no name")
		}
		if slices.ContainsFunc(secrets[:i], func(t Secret) bool { return t.Name == s.Name }) {
			return fmt.Errorf("secret %q is declared twice", s.Name)
		}
		for _, r := range s.Rotations {
			if r.After <= 0 {
				return fmt.Errorf("a rotation of secret %q is %v after the beginning, wanted a time above zero", s.Name, r.After)
			}
		}
	}
	return nil
}

// version is a value of a secret.
type version struct {
	id     string
	text   *string
	binary []byte
	stages []string
	made   float64
}

type secret struct {
	name        string
	description string
	versions    []version
	deleted     bool
	goes, made  float64 // when it is deleted for good, and was made
}

// put makes a version the current one.
func (s *secret) put(v version) {
	v.stages = []string{"AWSCURRENT"}
	for i := range s.versions {
		of := &s.versions[i]
		if slices.Contains(of.stages, "AWSCURRENT") {
			of.stages = []string{"AWSPREVIOUS"}
		} else {
			of.stages = slices.DeleteFunc(of.stages, func(s string) bool { return s == "AWSPREVIOUS" })
		}
	}
	s.versions = append(s.versions, v)
}

// find returns the version that an id and a stage name, either of which may be
// empty; nil if there is none.
func (s *secret) find(id, stage string) *version {
	if id == "" && stage == "" {
		stage = "AWSCURRENT"
	}
	for i := range s.versions {
		v := &s.versions[i]
		if (id == "" || v.id == id) && (stage == "" || slices.Contains(v.stages, stage)) {
			return v
		}
	}
	return nil
}

type secretsManager struct {
	of       map[string]*secret
	declared []Secret
	ids      int
}

// id is a version's.
func (p *secretsManager) id() string {
	p.ids++
	return fmt.Sprintf("00000000-0000-4000-8000-%012d", p.ids)
}

// start dates what is there, and lets rotations fall due.
func (p *secretsManager) start(b *Backend) {
	epoch, _ := b.kernel.Span()
	for _, s := range p.of { //wtsim:order each on its own
		s.made, s.versions[0].made = seconds(epoch), seconds(epoch)
	}
	for _, s := range p.declared {
		for i, r := range s.Rotations {
			b.kernel.At(epoch.Add(r.After), fmt.Sprintf("rotation %d of secret %s", i+1, s.Name), func() {
				b.mu.Lock()
				defer b.mu.Unlock()
				if of := p.of[s.Name]; of != nil {
					of.put(version{id: p.id(), text: &r.Value, made: b.seconds()})
				}
			})
		}
	}
}

func (p *secretsManager) contents() (out []cloud.Content) {
	for _, name := range sorted(p.of) {
		v := p.of[name].find("", "")
		switch {
		case p.of[name].deleted || v == nil:
		case v.text != nil:
			out = append(out, cloud.Content{Key: name, Value: *v.text})
		default:
			out = append(out, cloud.Content{Key: name, Value: base64.StdEncoding.EncodeToString(v.binary)})
		}
	}
	return out
}

var secretsOperations = map[string]operation[*secretsManager]{
	"GetSecretValue": as((*secretsManager).get), "BatchGetSecretValue": as((*secretsManager).batch),
	"CreateSecret": as((*secretsManager).create), "PutSecretValue": as((*secretsManager).putValue), "UpdateSecret": as((*secretsManager).update),
	"DescribeSecret": as((*secretsManager).describe), "ListSecrets": as((*secretsManager).list),
	"DeleteSecret": as((*secretsManager).remove), "RestoreSecret": as((*secretsManager).restore),
}

func (p *secretsManager) handle(b *Backend, r *awswire.Request) (any, error) {
	return do(secretsOperations, p, "Secrets Manager", b, r)
}

// secretRequest is what requests say.
type secretRequest struct {
	SecretID           string `json:"SecretId"`
	Name               string
	VersionID          string `json:"VersionId"`
	VersionStage       string
	VersionStages      []string
	SecretString       *string
	SecretBinary       []byte
	Description        string
	ClientRequestToken string
	SecretIDList       []string `json:"SecretIdList"`
	Filters            []any
	ForceDelete        bool `json:"ForceDeleteWithoutRecovery"`
	RecoveryDays       *int `json:"RecoveryWindowInDays"`
}

// unwilling is a refusal; Secrets Manager writes the member's name with a capital.
func unwilling(code, message string) error {
	return &awswire.Error{Code: code, Message: message, Fields: map[string]any{"Message": message}}
}

// errors of https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
var (
	errNoSecret = unwilling("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
	errMarked   = unwilling("InvalidRequestException", "You can't perform this operation on the secret because it was marked for deletion.")
)

func (p *secretsManager) find(id string) (*secret, error) {
	s := p.of[awsprobe.SecretName(id)]
	switch {
	case s == nil:
		return nil, errNoSecret
	case s.deleted:
		return nil, errMarked
	}
	return s, nil
}

// secretARN ends in six characters of the service's.
func secretARN(b *Backend, name string) string { return b.arn("secret:" + name + "-wtsim0") }

func (p *secretsManager) get(b *Backend, q *secretRequest) (any, error) {
	s, err := p.find(q.SecretID)
	if err != nil {
		return nil, err
	}
	v := s.find(q.VersionID, q.VersionStage)
	if v == nil {
		stage := q.VersionStage
		if stage == "" {
			stage = "AWSCURRENT"
		}
		return nil, unwilling("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for staging label: "+stage)
	}
	return shown(b, s, v), nil
}

func shown(b *Backend, s *secret, v *version) map[string]any {
	out := map[string]any{"ARN": secretARN(b, s.name), "Name": s.name, "VersionId": v.id, "VersionStages": v.stages, "CreatedDate": v.made}
	if v.text != nil {
		out["SecretString"] = *v.text
	} else {
		out["SecretBinary"] = v.binary
	}
	return out
}

func (p *secretsManager) batch(b *Backend, q *secretRequest) (any, error) {
	if q.Filters != nil {
		return nil, &awswire.Lack{What: "Secrets Manager's BatchGetSecretValue by filters", Advice: "ask by SecretIdList"}
	}
	values, failed := []any{}, []any{}
	for _, id := range q.SecretIDList {
		if s, err := p.find(id); err == nil {
			values = append(values, shown(b, s, s.find("", "")))
		} else {
			failed = append(failed, map[string]any{"SecretId": id, "ErrorCode": err.(*awswire.Error).Code, "Message": err.(*awswire.Error).Message})
		}
	}
	return map[string]any{"SecretValues": values, "Errors": failed}, nil
}

func (p *secretsManager) create(b *Backend, q *secretRequest) (any, error) {
	if s := p.of[q.Name]; s != nil {
		v := s.find(q.ClientRequestToken, "")
		switch {
		case s.deleted:
			return nil, unwilling("InvalidRequestException", "You can't create this secret because a secret with this name is already scheduled for deletion.")
		case q.ClientRequestToken == "" || v == nil || !v.is(q):
			return nil, unwilling("ResourceExistsException", "The operation failed because the secret "+q.Name+" already exists.")
		}
		return map[string]any{"ARN": secretARN(b, s.name), "Name": s.name, "VersionId": v.id}, nil
	}
	s := &secret{name: q.Name, description: q.Description, made: b.seconds()}
	p.of[q.Name] = s
	out := map[string]any{"ARN": secretARN(b, s.name), "Name": s.name}
	if q.SecretString != nil || q.SecretBinary != nil {
		out["VersionId"] = p.store(b, s, q)
	}
	return out, nil
}

func (v *version) is(q *secretRequest) bool {
	return (v.text == nil) == (q.SecretString == nil) && (v.text == nil || *v.text == *q.SecretString) && string(v.binary) == string(q.SecretBinary)
}

// store makes what a request brings the current version, and returns its id.
func (p *secretsManager) store(b *Backend, s *secret, q *secretRequest) string {
	id := q.ClientRequestToken
	if id == "" {
		id = p.id()
	}
	s.put(version{id: id, text: q.SecretString, binary: q.SecretBinary, made: b.seconds()})
	return id
}

// putValue makes a version the current one. A token that is known does so once.
func (p *secretsManager) putValue(b *Backend, q *secretRequest) (any, error) {
	s, err := p.find(q.SecretID)
	switch {
	case err != nil:
		return nil, err
	case len(q.VersionStages) > 0 && !slices.Equal(q.VersionStages, []string{"AWSCURRENT"}):
		return nil, &awswire.Lack{What: "Secrets Manager's PutSecretValue with stages of its own", Advice: "leave VersionStages out"}
	}
	id := q.ClientRequestToken
	if v := s.find(id, ""); id == "" || v == nil {
		id = p.store(b, s, q)
	} else if !v.is(q) {
		return nil, unwilling("ResourceExistsException", "A version with this token already exists, and has another value.")
	}
	return map[string]any{"ARN": secretARN(b, s.name), "Name": s.name, "VersionId": id, "VersionStages": []string{"AWSCURRENT"}}, nil
}

func (p *secretsManager) update(b *Backend, q *secretRequest) (any, error) {
	s, err := p.find(q.SecretID)
	if err != nil {
		return nil, err
	}
	if q.Description != "" {
		s.description = q.Description
	}
	if q.SecretString == nil && q.SecretBinary == nil {
		return map[string]any{"ARN": secretARN(b, s.name), "Name": s.name}, nil
	}
	return p.putValue(b, q)
}

func (p *secretsManager) describe(b *Backend, q *secretRequest) (any, error) {
	s := p.of[awsprobe.SecretName(q.SecretID)]
	if s == nil {
		return nil, errNoSecret
	}
	stages := map[string][]string{}
	for _, v := range s.versions {
		if len(v.stages) > 0 {
			stages[v.id] = v.stages
		}
	}
	out := map[string]any{"ARN": secretARN(b, s.name), "Name": s.name, "Description": s.description, "VersionIdsToStages": stages, "CreatedDate": s.made}
	if s.deleted {
		out["DeletedDate"] = s.goes
	}
	return out, nil
}

func (p *secretsManager) list(b *Backend, q *secretRequest) (any, error) {
	if q.Filters != nil {
		return nil, &awswire.Lack{What: "Secrets Manager's ListSecrets by filters", Advice: "list all"}
	}
	list := []any{}
	for _, name := range sorted(p.of) {
		if !p.of[name].deleted {
			list = append(list, map[string]any{"ARN": secretARN(b, name), "Name": name, "Description": p.of[name].description})
		}
	}
	return map[string]any{"SecretList": list}, nil
}

// remove marks a secret for deletion, or deletes it for good. (That it goes by itself
// when its window is over, in a week at least, is not simulated.)
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html
func (p *secretsManager) remove(b *Backend, q *secretRequest) (any, error) {
	s, err := p.find(q.SecretID)
	if err != nil {
		return nil, err
	}
	days := 30
	if q.RecoveryDays != nil {
		days = *q.RecoveryDays
	}
	switch {
	case q.RecoveryDays != nil && q.ForceDelete:
		return nil, unwilling("InvalidParameterException", "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")
	case days < 7 || days > 30:
		return nil, unwilling("InvalidParameterException", "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).")
	case q.ForceDelete:
		days = 0
		delete(p.of, s.name)
	}
	s.deleted, s.goes = true, seconds(b.kernel.Now().AddDate(0, 0, days))
	return map[string]any{"ARN": secretARN(b, s.name), "Name": s.name, "DeletionDate": s.goes}, nil
}

func (p *secretsManager) restore(b *Backend, q *secretRequest) (any, error) {
	s := p.of[awsprobe.SecretName(q.SecretID)]
	if s == nil {
		return nil, errNoSecret
	}
	s.deleted = false
	return map[string]any{"ARN": secretARN(b, s.name), "Name": s.name}, nil
}
