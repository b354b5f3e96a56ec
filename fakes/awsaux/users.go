package awsaux

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"strings"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/internal/awswire"
)

// Users declares Amazon Cognito's user pools under a name, usually "cognito-idp",
// as far as tokens are checked: the keys at /POOL/.well-known/jwks.json, the
// configuration beside them, and GetUser. Signing up and in is not simulated:
// clients bring tokens that [Token] makes.
func Users(name string, pools ...string) *Service {
	return &Service{
		name: name, detail: listed("Cognito", pools),
		api:  awswire.API{Service: "cognito-idp", Faults: failures("InternalErrorException", "TooManyRequestsException")},
		open: func() part { return &cognito{pools} },
		check: func() error {
			for _, p := range pools {
				if region, _, ok := strings.Cut(p, "_"); !ok || region == "" {
					return fmt.Errorf("user pool %q has no region, wanted one such as us-east-1_shop", p)
				}
			}
			return nil
		},
	}
}

//go:embed testkey.pem
var testKey []byte

// signer signs every pool's tokens. It is public: it guards nothing.
func signer() *rsa.PrivateKey {
	block, _ := pem.Decode(testKey)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		panic("awsaux: the key of tokens: " + err.Error())
	}
	return key.(*rsa.PrivateKey)
}

const keyID = "wtsim"

// issuer is who a pool's tokens are of.
// https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html
func issuer(pool string) string {
	region, _, _ := strings.Cut(pool, "_")
	return "https://cognito-idp." + region + ".amazonaws.com/" + pool
}

// Token makes a token of a user pool, signed by RS256. The claims are the caller's
// ("sub", "token_use", "client_id" or "aud", "exp", as seconds since 1970), and "iss"
// the pool's unless they have it.
func Token(pool string, claims map[string]any) string {
	all := map[string]any{"iss": issuer(pool)}
	for k, v := range claims { //wtsim:order a map to a map
		all[k] = v
	}
	part := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			panic("awsaux: claims are what JSON can tell: " + err.Error())
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	signed := part(map[string]string{"alg": "RS256", "kid": keyID}) + "." + part(all)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(nil, signer(), crypto.SHA256, sum[:])
	if err != nil {
		panic("awsaux: " + err.Error())
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

type cognito struct{ pools []string }

func (p *cognito) contents() []cloud.Content { return nil }

func (p *cognito) handle(b *Backend, r *awswire.Request) (any, error) {
	if r.Operation == "" && r.Method == http.MethodGet {
		for _, pool := range p.pools {
			switch r.URL.Path {
			case "/" + pool + "/.well-known/jwks.json":
				return keySet(), nil
			case "/" + pool + "/.well-known/openid-configuration":
				return map[string]any{"issuer": issuer(pool), "jwks_uri": issuer(pool) + "/.well-known/jwks.json", "id_token_signing_alg_values_supported": []string{"RS256"}}, nil
			}
		}
		return nil, &awswire.Error{Code: "ResourceNotFoundException", Status: http.StatusNotFound, Message: "User pool does not exist."}
	}
	return do(map[string]operation[*cognito]{"GetUser": as((*cognito).user)}, p, "Cognito", b, r)
}

// keySet is the public half of the key, as JWKS.
func keySet() any {
	of := signer().PublicKey
	e := big.NewInt(int64(of.E)).Bytes()
	return map[string]any{"keys": []any{map[string]string{
		"kid": keyID, "kty": "RSA", "alg": "RS256", "use": "sig",
		"n": base64.RawURLEncoding.EncodeToString(of.N.Bytes()), "e": base64.RawURLEncoding.EncodeToString(e),
	}}}
}

var errToken = refused("NotAuthorizedException", "Invalid Access Token")

// user tells whose an access token is.
// https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_GetUser.html
func (p *cognito) user(b *Backend, q *struct{ AccessToken string }) (any, error) {
	claims, ok := verified(q.AccessToken)
	if !ok {
		return nil, errToken
	}
	if exp, ok := claims["exp"].(float64); ok && float64(b.kernel.Now().Unix()) >= exp {
		return nil, refused("NotAuthorizedException", "Access Token has expired")
	}
	attributes := []any{}
	for _, name := range sorted(claims) {
		if text, ok := claims[name].(string); ok && (name == "sub" || strings.HasPrefix(name, "custom:") || name == "email") {
			attributes = append(attributes, map[string]string{"Name": name, "Value": text})
		}
	}
	name := claims["username"]
	if name == nil {
		name = claims["sub"]
	}
	return map[string]any{"Username": name, "UserAttributes": attributes}, nil
}

// verified are the claims of a token that we have signed.
func verified(token string) (claims map[string]any, ok bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, false
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || rsa.VerifyPKCS1v15(&signer().PublicKey, crypto.SHA256, sum[:], signature) != nil {
		return nil, false
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	return claims, err == nil && json.Unmarshal(text, &claims) == nil
}
