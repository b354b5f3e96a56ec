package gcpaux

import (
	"context"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"

	pb "cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wtsim/wtsim/fakes/internal/rpc"
)

// mostSecret is how long a secret's value may be.
// https://docs.cloud.google.com/secret-manager/quotas
const mostSecret = 64 << 10

// castagnoli is the table of checksums.
// https://docs.cloud.google.com/secret-manager/docs/data-integrity
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(data []byte) int64 { return int64(crc32.Checksum(data, castagnoli)) }

// add makes a version the newest one.
func (s *secret) add(p *secretServer, data []byte, summed bool) *version {
	v := &version{data: data, pb: &pb.SecretVersion{
		Name: s.pb.Name + "/versions/" + strconv.Itoa(len(s.versions)+1), CreateTime: timestamppb.New(p.b.kernel.Now()), State: pb.SecretVersion_ENABLED,
		Etag: p.etag(), ClientSpecifiedPayloadChecksum: summed,
		ReplicationStatus: &pb.ReplicationStatus{ReplicationStatus: &pb.ReplicationStatus_Automatic{Automatic: &pb.ReplicationStatus_AutomaticStatus{}}}}}
	s.versions = append(s.versions, v)
	return v
}

func lack(what string) error {
	return &rpc.Lack{What: "Secret Manager's " + what, Advice: "see the comment of gcpaux.Secrets for what there is"}
}

// lacking tells what of a secret is not simulated.
func lacking(s *pb.Secret) error {
	switch {
	case s.GetExpiration() != nil:
		return lack("expiry of secrets")
	case s.GetRotation() != nil:
		return lack("rotation")
	case len(s.GetTopics()) > 0:
		return lack("topics")
	case s.GetVersionDestroyTtl() != nil:
		return lack("delayed destruction")
	case s.GetSecretType() != 0:
		return lack("types of secrets")
	case len(s.GetTags()) > 0:
		return lack("tags")
	case s.GetCustomerManagedEncryption() != nil, s.GetReplication().GetAutomatic().GetCustomerManagedEncryption() != nil:
		return lack("keys of the customer's")
	}
	return nil
}

// idOf is the id of a secret in a resource's name, and what stands behind it.
func idOf(name string) (id, rest string, err error) {
	parts := strings.Split(name, "/")
	switch {
	case len(parts) >= 4 && parts[0] == "projects" && parts[2] == "secrets":
		return parts[3], strings.Join(parts[4:], "/"), nil
	case len(parts) >= 4 && parts[2] == "locations":
		return "", "", lack("regional secrets")
	}
	return "", "", refused(codes.InvalidArgument, "Invalid resource field value in the request: %s", name)
}

func (p *secretServer) find(name string) (*secret, string, error) {
	id, rest, err := idOf(name)
	if err != nil {
		return nil, "", err
	}
	if s := p.of[id]; s != nil {
		return s, rest, nil
	}
	return nil, "", refused(codes.NotFound, "Secret [%s] not found or has no versions.", strings.TrimSuffix(name, "/"+rest))
}

// findVersion is a version by its number, "latest", or an alias.
func (p *secretServer) findVersion(name string) (*version, error) {
	s, rest, err := p.find(name)
	if err != nil {
		return nil, err
	}
	which, ok := strings.CutPrefix(rest, "versions/")
	if !ok {
		return nil, refused(codes.InvalidArgument, "Invalid resource field value in the request: %s", name)
	}
	n, err := strconv.Atoi(which)
	switch alias, named := s.pb.VersionAliases[which]; {
	case which == "latest":
		n = len(s.versions)
	case named:
		n = int(alias)
	case err != nil:
		return nil, refused(codes.NotFound, "Secret Version [%s] not found.", name)
	}
	if n < 1 || n > len(s.versions) {
		return nil, refused(codes.NotFound, "Secret Version [%s] not found.", name)
	}
	return s.versions[n-1], nil
}

// CreateSecret creates a secret without versions.
func (p *secretServer) CreateSecret(_ context.Context, r *pb.CreateSecretRequest) (*pb.Secret, error) {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	if err := lacking(r.Secret); err != nil {
		return nil, err
	}
	switch {
	case strings.Contains(r.Parent, "/locations/"):
		return nil, lack("regional secrets")
	case !secretID.MatchString(r.SecretId):
		return nil, refused(codes.InvalidArgument, "The provided Secret ID [%s] does not match the expected format [[a-zA-Z_0-9]+]", r.SecretId)
	case r.Secret.GetReplication() == nil:
		return nil, refused(codes.InvalidArgument, "Secret.replication cannot be empty.")
	case p.of[r.SecretId] != nil:
		return nil, refused(codes.AlreadyExists, "Secret [%s/secrets/%s] already exists.", r.Parent, r.SecretId)
	}
	s := &secret{pb: proto.CloneOf(r.Secret)}
	s.pb.Name, s.pb.CreateTime, s.pb.Etag = r.Parent+"/secrets/"+r.SecretId, timestamppb.New(p.b.kernel.Now()), p.etag()
	p.of[r.SecretId] = s
	return proto.CloneOf(s.pb), nil
}

// AddSecretVersion adds a version, if the checksum of the client's, where there is one,
// is that of what came.
func (p *secretServer) AddSecretVersion(_ context.Context, r *pb.AddSecretVersionRequest) (*pb.SecretVersion, error) {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	s, _, err := p.find(r.Parent)
	data := r.Payload.GetData()
	switch {
	case err != nil:
		return nil, err
	case len(data) == 0:
		return nil, refused(codes.InvalidArgument, "Secret Payload cannot be empty.")
	case len(data) > mostSecret:
		return nil, refused(codes.InvalidArgument, "Secret Payload is too large: it is limited to %d bytes.", mostSecret)
	case r.Payload.DataCrc32C != nil && *r.Payload.DataCrc32C != checksum(data):
		return nil, refused(codes.InvalidArgument, "The provided checksum does not match that of the data.")
	}
	return proto.CloneOf(s.add(p, slices.Clone(data), r.Payload.DataCrc32C != nil).pb), nil
}

// AccessSecretVersion returns a version's value, with its checksum.
func (p *secretServer) AccessSecretVersion(_ context.Context, r *pb.AccessSecretVersionRequest) (*pb.AccessSecretVersionResponse, error) {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	v, err := p.findVersion(r.Name)
	if err != nil {
		return nil, err
	}
	if v.pb.State != pb.SecretVersion_ENABLED {
		return nil, refused(codes.FailedPrecondition, "Secret Version [%s] is in %s state.", v.pb.Name, v.pb.State)
	}
	sum := checksum(v.data)
	return &pb.AccessSecretVersionResponse{Name: v.pb.Name, Payload: &pb.SecretPayload{Data: slices.Clone(v.data), DataCrc32C: &sum}}, nil
}

// GetSecret returns a secret without its values.
func (p *secretServer) GetSecret(_ context.Context, r *pb.GetSecretRequest) (*pb.Secret, error) {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	s, _, err := p.find(r.Name)
	if err != nil {
		return nil, err
	}
	return proto.CloneOf(s.pb), nil
}

// GetSecretVersion returns what is said of a version.
func (p *secretServer) GetSecretVersion(_ context.Context, r *pb.GetSecretVersionRequest) (*pb.SecretVersion, error) {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	v, err := p.findVersion(r.Name)
	if err != nil {
		return nil, err
	}
	return proto.CloneOf(v.pb), nil
}

// tagged refuses a change whose ETag is not that of what it changes.
// https://docs.cloud.google.com/secret-manager/docs/etags
func tagged(wanted, is string) error {
	if wanted != "" && wanted != is {
		return refused(codes.FailedPrecondition, "The provided ETag %s does not match the resource's.", wanted)
	}
	return nil
}

// DeleteSecret deletes a secret with its versions.
func (p *secretServer) DeleteSecret(_ context.Context, r *pb.DeleteSecretRequest) (*emptypb.Empty, error) {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	s, _, err := p.find(r.Name)
	if err == nil {
		err = tagged(r.Etag, s.pb.Etag)
	}
	if err != nil {
		return nil, err
	}
	delete(p.of, s.pb.Name[strings.LastIndexByte(s.pb.Name, '/')+1:])
	return &emptypb.Empty{}, nil
}

// UpdateSecret changes labels, annotations and aliases.
func (p *secretServer) UpdateSecret(_ context.Context, r *pb.UpdateSecretRequest) (*pb.Secret, error) {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	s, _, err := p.find(r.Secret.GetName())
	if err == nil {
		err = tagged(r.Secret.GetEtag(), s.pb.Etag)
	}
	if err != nil {
		return nil, err
	}
	changed := proto.CloneOf(s.pb)
	for _, path := range r.UpdateMask.GetPaths() {
		switch path {
		case "labels":
			changed.Labels = r.Secret.Labels
		case "annotations":
			changed.Annotations = r.Secret.Annotations
		case "version_aliases":
			changed.VersionAliases = r.Secret.VersionAliases
		default:
			return nil, lack("UpdateSecret of " + path)
		}
	}
	for _, name := range sorted(changed.VersionAliases) {
		if n := changed.VersionAliases[name]; n < 1 || int(n) > len(s.versions) {
			return nil, refused(codes.InvalidArgument, "Alias %q is of version %d, which does not exist.", name, n)
		}
	}
	changed.Etag = p.etag()
	s.pb = proto.CloneOf(changed)
	return changed, nil
}

// become changes a version's state. What is destroyed stays so.
func (p *secretServer) become(name, etag string, state pb.SecretVersion_State) (*pb.SecretVersion, error) {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	v, err := p.findVersion(name)
	if err == nil {
		err = tagged(etag, v.pb.Etag)
	}
	switch {
	case err != nil:
		return nil, err
	case v.pb.State == pb.SecretVersion_DESTROYED:
		return nil, refused(codes.FailedPrecondition, "Secret Version [%s] is in DESTROYED state.", v.pb.Name)
	case state == pb.SecretVersion_DESTROYED:
		v.data, v.pb.DestroyTime = nil, timestamppb.New(p.b.kernel.Now())
	}
	v.pb.State, v.pb.Etag = state, p.etag()
	return proto.CloneOf(v.pb), nil
}

// EnableSecretVersion lets a version be accessed.
func (p *secretServer) EnableSecretVersion(_ context.Context, r *pb.EnableSecretVersionRequest) (*pb.SecretVersion, error) {
	return p.become(r.Name, r.Etag, pb.SecretVersion_ENABLED)
}

// DisableSecretVersion lets it not be.
func (p *secretServer) DisableSecretVersion(_ context.Context, r *pb.DisableSecretVersionRequest) (*pb.SecretVersion, error) {
	return p.become(r.Name, r.Etag, pb.SecretVersion_DISABLED)
}

// DestroySecretVersion destroys its value for good.
func (p *secretServer) DestroySecretVersion(_ context.Context, r *pb.DestroySecretVersionRequest) (*pb.SecretVersion, error) {
	return p.become(r.Name, r.Etag, pb.SecretVersion_DESTROYED)
}

// page is a part of a list: 25 unless a size is asked for.
func page[T any](all []T, size int32, token string) (part []T, next string, err error) {
	from := 0
	if token != "" {
		if from, err = strconv.Atoi(token); err != nil || from < 0 || from > len(all) {
			return nil, "", refused(codes.InvalidArgument, "The page token %q is invalid.", token)
		}
	}
	if size <= 0 {
		size = 25
	}
	to := min(from+int(size), len(all))
	if to < len(all) {
		next = strconv.Itoa(to)
	}
	return all[from:to], next, nil
}

// ListSecrets lists secrets by name.
func (p *secretServer) ListSecrets(_ context.Context, r *pb.ListSecretsRequest) (*pb.ListSecretsResponse, error) {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	if r.Filter != "" {
		return nil, lack("filters")
	}
	names, next, err := page(sorted(p.of), r.PageSize, r.PageToken)
	if err != nil {
		return nil, err
	}
	out := &pb.ListSecretsResponse{NextPageToken: next, TotalSize: int32(len(p.of))}
	for _, name := range names {
		out.Secrets = append(out.Secrets, proto.CloneOf(p.of[name].pb))
	}
	return out, nil
}

// ListSecretVersions lists versions, the newest first.
func (p *secretServer) ListSecretVersions(_ context.Context, r *pb.ListSecretVersionsRequest) (*pb.ListSecretVersionsResponse, error) {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	if r.Filter != "" {
		return nil, lack("filters")
	}
	s, _, err := p.find(r.Parent)
	if err != nil {
		return nil, err
	}
	newest := slices.Clone(s.versions)
	slices.Reverse(newest)
	some, next, err := page(newest, r.PageSize, r.PageToken)
	if err != nil {
		return nil, err
	}
	out := &pb.ListSecretVersionsResponse{NextPageToken: next, TotalSize: int32(len(newest))}
	for _, v := range some {
		out.Versions = append(out.Versions, proto.CloneOf(v.pb))
	}
	return out, nil
}
