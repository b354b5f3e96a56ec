package gcpaux

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/internal/rpc"
	"github.com/wtsim/wtsim/probe/gcpprobe"
)

// Secret is one of Secret Manager's that exists when a run starts.
type Secret struct {
	Name   string
	Values []string // of its versions, the oldest first; there may be none
	// Rotations add versions, so long after the run begins.
	Rotations []Rotation
}

// Rotation adds a version to a secret, as whoever rotates it does.
// https://docs.cloud.google.com/secret-manager/docs/rotation-recommendations
type Rotation struct {
	After time.Duration
	Value string
}

// Secrets declares a Secret Manager under a name, usually "secretmanager", with secrets
// that exist. There are secrets and their versions, AccessSecretVersion (by number, by
// "latest", which is the newest version whatever its state, and by alias), checksums, ETags, and that a version is
// disabled, enabled and destroyed.
//
// Refused by name: expiry (expire_time, ttl), rotation and topics, delayed
// destruction, filters of lists, IAM, regional secrets' own hosts, tags and keys of the
// customer's. A secret is read as it is at once: that all but a version by its number is
// eventually consistent (https://docs.cloud.google.com/secret-manager/docs/consistency)
// is not simulated.
func Secrets(name string, secrets ...Secret) *Service {
	detail := "Secret Manager"
	for i, s := range secrets {
		between := ", "
		if i == 0 {
			between = ": "
		}
		detail += between + s.Name
	}
	return &Service{
		name: name, host: "secretmanager.googleapis.com", detail: detail, methods: secretMethods, describe: gcpprobe.DescribeSecrets,
		open: func(b *Backend) part {
			p := &secretServer{b: b, of: map[string]*secret{}, declared: secrets}
			for _, s := range secrets {
				of := &secret{pb: &pb.Secret{Name: "projects/wtsim/secrets/" + s.Name, Replication: automatic, Etag: p.etag()}}
				for _, v := range s.Values {
					of.add(p, []byte(v), false)
				}
				p.of[s.Name] = of
			}
			return p
		},
		check: func() error { return checkSecrets(secrets) },
	}
}

var automatic = &pb.Replication{Replication: &pb.Replication_Automatic_{Automatic: &pb.Replication_Automatic{}}}

var secretMethods = rpc.NewMethods("see the comment of gcpaux.Secrets for what there is", &pb.SecretManagerService_ServiceDesc)

// secretID is what an id of a secret is made of.
// https://docs.cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets/create
var secretID = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,255}$`)

func checkSecrets(secrets []Secret) error {
	for i, s := range secrets {
		if !secretID.MatchString(s.Name) {
			return fmt.Errorf("secret %q, wanted a name of at most 255 letters, digits, - and _", s.Name)
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

// secretServer answers the client's calls.
type secretServer struct {
	pb.UnimplementedSecretManagerServiceServer
	b        *Backend
	of       map[string]*secret // by id
	declared []Secret
	tags     int // ETags that were given
}

// secret is one with its versions, the oldest first.
type secret struct {
	pb       *pb.Secret
	versions []*version
}

type version struct {
	pb   *pb.SecretVersion
	data []byte
}

// etag is one that nothing has had before.
func (p *secretServer) etag() string {
	p.tags++
	return `"` + strconv.FormatInt(int64(p.tags), 16) + `"`
}

func (p *secretServer) start() {
	epoch, _ := p.b.kernel.Span()
	for _, s := range p.declared {
		for i, r := range s.Rotations {
			p.b.kernel.At(epoch.Add(r.After), fmt.Sprintf("rotation %d of secret %s", i+1, s.Name), func() {
				p.b.mu.Lock()
				defer p.b.mu.Unlock()
				if of := p.of[s.Name]; of != nil {
					of.add(p, []byte(r.Value), false)
				}
			})
		}
	}
}

// contents are the versions that can be accessed.
func (p *secretServer) contents() (out []cloud.Content) {
	for _, name := range sorted(p.of) {
		for i, v := range p.of[name].versions {
			if v.pb.State == pb.SecretVersion_ENABLED {
				out = append(out, cloud.Content{Key: name + "/" + strconv.Itoa(i+1), Value: string(v.data)})
			}
		}
	}
	return out
}
