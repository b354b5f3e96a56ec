package gcp

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// account is who programs are.
const account = "wtsim@" + Project + ".iam.gserviceaccount.com"

// told is what the metadata server tells, by path.
// https://docs.cloud.google.com/run/docs/container-contract#metadata-server
var told = map[string]string{
	"":                           "computeMetadata/\n",
	"project/project-id":         Project,
	"project/numeric-project-id": "123456789012",
	"instance/id":                "1234567890123456789",
	"instance/region":            "projects/123456789012/regions/europe-west1",
	"instance/zone":              "projects/123456789012/zones/europe-west1-b",
	"instance/service-accounts/": "default/\n" + account + "/\n",
	"instance/service-accounts/default/email":  account,
	"instance/service-accounts/default/scopes": "https://www.googleapis.com/auth/cloud-platform\n",
	"universe/universe-domain":                 "googleapis.com",
}

// metadata is the metadata server of a Cloud Run instance. Its tokens are good for
// nothing, and nobody asks.
func metadata(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Metadata-Flavor", "Google")
	w.Header().Set("Server", "Metadata Server for Cloud Run")
	path := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/"), "computeMetadata/v1/")
	text, ok := told[path]
	switch rest, mine := strings.CutPrefix(path, "instance/service-accounts/default/"); {
	case ok:
	case mine && rest == "token":
		w.Header().Set("Content-Type", "application/json")
		text = `{"access_token":"wtsim","expires_in":3599,"token_type":"Bearer"}`
	case mine && rest == "identity":
		text = identity(r.URL.Query().Get("audience"))
	case path == "instance/service-accounts/default/" && r.URL.Query().Get("recursive") == "true":
		text = fmt.Sprintf(`{"aliases":["default"],"email":%q,"scopes":["https://www.googleapis.com/auth/cloud-platform"]}`, account)
	default:
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	_, _ = w.Write([]byte(text)) // it is a recorder's
}

// identity is a token that says who the program is, which nobody has signed.
func identity(audience string) string {
	now := time.Now().Unix() //wtsim:clock the bubble's clock
	claims, err := json.Marshal(map[string]any{"aud": audience, "email": account, "email_verified": true, "iss": "https://accounts.google.com", "sub": "1", "iat": now, "exp": now + 3600})
	if err != nil {
		panic(err) // texts and numbers
	}
	part := base64.RawURLEncoding.EncodeToString
	return part([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + part(claims) + "."
}
