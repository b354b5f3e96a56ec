package awsaux

import (
	"slices"
	"strconv"
	"strings"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/internal/awswire"
)

// Parameter is one of Parameter Store's that exists when a run starts.
type Parameter struct {
	Name  string // "/shop/table"
	Value string
	// Secure makes it a SecureString, whose value is told to who asks for
	// decryption.
	Secure bool
}

// Parameters declares the Parameter Store of AWS Systems Manager under a name,
// usually "ssm", with parameters that exist. There are GetParameter, GetParameters,
// GetParametersByPath, PutParameter, DeleteParameter and DeleteParameters.
func Parameters(name string, parameters ...Parameter) *Service {
	var names []string
	for _, p := range parameters {
		names = append(names, p.Name)
	}
	return &Service{
		name: name, detail: listed("Parameter Store", names),
		api: awswire.API{Service: "ssm", Faults: failures("InternalServerError", "ThrottlingException")},
		open: func() part {
			s := &parameterStore{of: map[string]*parameter{}}
			for _, p := range parameters {
				kind := "String"
				if p.Secure {
					kind = "SecureString"
				}
				s.of[p.Name] = &parameter{p.Name, kind, []string{p.Value}, 0}
			}
			return s
		},
	}
}

type parameter struct {
	name, kind string
	values     []string // by version, from 1
	changed    float64
}

type parameterStore struct{ of map[string]*parameter }

// start dates what is there.
func (p *parameterStore) start(b *Backend) {
	epoch, _ := b.kernel.Span()
	for _, of := range p.of { //wtsim:order each on its own
		of.changed = seconds(epoch)
	}
}

func (p *parameterStore) contents() (out []cloud.Content) {
	for _, name := range sorted(p.of) {
		out = append(out, cloud.Content{Key: name, Value: p.of[name].values[len(p.of[name].values)-1]})
	}
	return out
}

var parameterOperations = map[string]operation[*parameterStore]{
	"GetParameter": as((*parameterStore).get), "GetParameters": as((*parameterStore).getAll), "GetParametersByPath": as((*parameterStore).below),
	"PutParameter": as((*parameterStore).put), "DeleteParameter": as((*parameterStore).remove), "DeleteParameters": as((*parameterStore).removeAll),
}

func (p *parameterStore) handle(b *Backend, r *awswire.Request) (any, error) {
	return do(parameterOperations, p, "Systems Manager", b, r)
}

// parameterRequest is what requests say.
type parameterRequest struct {
	Name, Path, Value, Type   string
	Names                     []string
	WithDecryption, Overwrite bool
	Recursive                 bool
	MaxResults                int
	NextToken                 string
	ParameterFilters          []any
}

// errors of https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html
var errNoParameter = refused("ParameterNotFound", "")

// shown is a parameter as answers tell it; nil if there is none of the name, or of
// the version that the name says.
func (p *parameterStore) shown(b *Backend, name string, decrypted bool) map[string]any {
	bare, selector, selects := strings.Cut(name, ":")
	if strings.HasPrefix(name, "arn:") {
		_, bare, _ = strings.Cut(name, ":parameter")
		selects = false
	}
	of := p.of[bare]
	if of == nil && p.of[strings.TrimPrefix(bare, "/")] != nil { // an ARN does not tell whether there is a slash
		of = p.of[strings.TrimPrefix(bare, "/")]
	}
	if of == nil {
		return nil
	}
	version := len(of.values)
	if selects {
		n, err := strconv.Atoi(selector)
		if err != nil || n < 1 || n > version {
			return nil
		}
		version = n
	}
	value := of.values[version-1]
	if of.kind == "SecureString" && !decrypted {
		value = "AQICAH-encrypted"
	}
	slash := ""
	if !strings.HasPrefix(of.name, "/") {
		slash = "/"
	}
	return map[string]any{
		"ARN": b.arn("parameter" + slash + of.name), "Name": of.name, "Type": of.kind, "Value": value, "Version": version,
		"DataType": "text", "LastModifiedDate": of.changed,
	}
}

func (p *parameterStore) get(b *Backend, q *parameterRequest) (any, error) {
	if v := p.shown(b, q.Name, q.WithDecryption); v != nil {
		return map[string]any{"Parameter": v}, nil
	}
	return nil, errNoParameter
}

func (p *parameterStore) getAll(b *Backend, q *parameterRequest) (any, error) {
	if len(q.Names) > 10 {
		return nil, refused("ValidationException", "1 validation error detected: Value at 'names' failed to satisfy constraint: Member must have length less than or equal to 10")
	}
	found, invalid := []any{}, []string{}
	for _, name := range q.Names {
		if v := p.shown(b, name, q.WithDecryption); v != nil {
			found = append(found, v)
		} else {
			invalid = append(invalid, name)
		}
	}
	return map[string]any{"Parameters": found, "InvalidParameters": invalid}, nil
}

// below lists what is under a path, ten at a time unless fewer are asked for.
func (p *parameterStore) below(b *Backend, q *parameterRequest) (any, error) {
	if q.ParameterFilters != nil {
		return nil, &awswire.Lack{What: "Systems Manager's GetParametersByPath with filters", Advice: "leave ParameterFilters out"}
	}
	path := strings.TrimSuffix(q.Path, "/") + "/"
	most := 10
	if q.MaxResults > 0 {
		most = min(q.MaxResults, most)
	}
	found := []any{}
	out := map[string]any{}
	for _, name := range sorted(p.of) {
		rest, under := strings.CutPrefix(name, path)
		if !under || !q.Recursive && strings.Contains(rest, "/") || name <= q.NextToken {
			continue
		}
		if len(found) == most {
			out["NextToken"] = found[most-1].(map[string]any)["Name"]
			break
		}
		found = append(found, p.shown(b, name, q.WithDecryption))
	}
	out["Parameters"] = found
	return out, nil
}

func (p *parameterStore) put(b *Backend, q *parameterRequest) (any, error) {
	of := p.of[q.Name]
	switch {
	case of != nil && !q.Overwrite:
		return nil, refused("ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
	case of == nil && q.Type == "":
		return nil, refused("ValidationException", "A parameter type is required when you create a parameter.")
	case of == nil:
		if !slices.Contains([]string{"String", "StringList", "SecureString"}, q.Type) {
			return nil, refused("UnsupportedParameterType", "The parameter type isn't supported.")
		}
		of = &parameter{name: q.Name, kind: q.Type}
		p.of[q.Name] = of
	case q.Type != "":
		of.kind = q.Type
	}
	of.values, of.changed = append(of.values, q.Value), b.seconds()
	return map[string]any{"Version": len(of.values), "Tier": "Standard"}, nil
}

func (p *parameterStore) remove(_ *Backend, q *parameterRequest) (any, error) {
	if p.of[q.Name] == nil {
		return nil, errNoParameter
	}
	delete(p.of, q.Name)
	return nil, nil
}

func (p *parameterStore) removeAll(_ *Backend, q *parameterRequest) (any, error) {
	deleted, invalid := []string{}, []string{}
	for _, name := range q.Names {
		if p.of[name] == nil {
			invalid = append(invalid, name)
			continue
		}
		delete(p.of, name)
		deleted = append(deleted, name)
	}
	return map[string]any{"DeletedParameters": deleted, "InvalidParameters": invalid}, nil
}
