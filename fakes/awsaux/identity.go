package awsaux

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/internal/awswire"
)

// Identity declares AWS STS under a name, usually "sts". There are
// GetCallerIdentity, AssumeRole and AssumeRoleWithWebIdentity: every role may be
// assumed, and credentials let nobody in or keep nobody out.
func Identity(name string) *Service {
	return &Service{
		name: name, detail: "STS",
		api:  awswire.API{Service: "sts", XMLNS: "https://sts.amazonaws.com/doc/2011-06-15/", Faults: failures("InternalFailure", "ThrottlingException")},
		open: func() part { return &sts{} },
	}
}

type sts struct{ sessions int }

func (p *sts) contents() []cloud.Content { return nil }

func (p *sts) handle(b *Backend, r *awswire.Request) (any, error) {
	return do(map[string]operation[*sts]{
		"GetCallerIdentity": (*sts).caller, "AssumeRole": (*sts).assume, "AssumeRoleWithWebIdentity": (*sts).assume,
	}, p, "STS", b, r)
}

// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
func (p *sts) caller(*Backend, *awswire.Request) (any, error) {
	return struct {
		ARN     string `xml:"Arn"`
		User    string `xml:"UserId"`
		Account string
	}{ARN: "arn:aws:sts::" + awswire.Account + ":assumed-role/wtsim/wtsim", User: "AROAWTSIMWTSIMWTSIMWT:wtsim", Account: awswire.Account}, nil
}

// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
func (p *sts) assume(b *Backend, r *awswire.Request) (any, error) {
	role, session := r.Form.Get("RoleArn"), r.Form.Get("RoleSessionName")
	_, name, ok := strings.Cut(role, ":role/")
	if !ok || session == "" {
		return nil, &awswire.Error{Code: "ValidationError", Message: "1 validation error detected: Value '" + role + "' at 'roleArn' is invalid"}
	}
	lasts := time.Hour
	if n, err := strconv.Atoi(r.Form.Get("DurationSeconds")); err == nil && n >= 900 {
		lasts = time.Duration(n) * time.Second
	}
	p.sessions++
	type credentials struct {
		AccessKeyID     string `xml:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string
		Expiration      string
	}
	type user struct {
		Arn           string
		AssumedRoleID string `xml:"AssumedRoleId"`
	}
	return struct {
		Credentials     credentials
		AssumedRoleUser user
	}{
		credentials{fmt.Sprintf("ASIAWTSIM%011d", p.sessions), fmt.Sprintf("secret-%d", p.sessions), fmt.Sprintf("token-%d", p.sessions), b.kernel.Now().Add(lasts).UTC().Format(time.RFC3339)},
		user{"arn:aws:sts::" + awswire.Account + ":assumed-role/" + name + "/" + session, "AROAWTSIMWTSIMWTSIMWT:" + session},
	}, nil
}
