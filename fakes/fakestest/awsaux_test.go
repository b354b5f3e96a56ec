//lint:file-ignore SA1019 applications use the old clients, and so must we be tried by them

package fakestest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	awsv2 "github.com/aws/aws-sdk-go-v2/aws"
	secretsv2 "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	sesv2 "github.com/aws/aws-sdk-go-v2/service/sesv2"
	sestypes "github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	ssmv2 "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/awserr"
	"github.com/aws/aws-sdk-go/aws/credentials"
	"github.com/aws/aws-sdk-go/aws/session"
	"github.com/aws/aws-sdk-go/service/bedrockruntime"
	"github.com/aws/aws-sdk-go/service/cloudwatch"
	"github.com/aws/aws-sdk-go/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go/service/kms"
	"github.com/aws/aws-sdk-go/service/secretsmanager"
	"github.com/aws/aws-sdk-go/service/ses"
	"github.com/aws/aws-sdk-go/service/ssm"
	"github.com/aws/aws-sdk-go/service/sts"

	"github.com/wtsim/wtsim/fakes/awsaux"
)

// inAux opens one of the smaller services in a bubble, for a client of SDK v1.
func inAux(t *testing.T, s *awsaux.Service, f func(e *Env, v1 *session.Session)) {
	t.Helper()
	t.Setenv("AWS_CA_BUNDLE", "") // which a session would look for in its client
	synctest.Test(t, func(t *testing.T) {
		e, err := Open(context.Background(), s)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		e.Backend("").(interface{ Start() }).Start()
		f(e, session.Must(session.NewSession(&aws.Config{
			Region: aws.String("us-east-1"), HTTPClient: awsaux.Client(e, s.Name()), MaxRetries: aws.Int(0), Credentials: credentials.NewStaticCredentials("a", "b", ""),
		})))
	})
}

func configV2(e *Env, name string) awsv2.Config {
	return awsv2.Config{Region: "us-east-1", HTTPClient: awsaux.Client(e, name), RetryMaxAttempts: 1, Credentials: awsv2.CredentialsProviderFunc(AWSCredentials)}
}

// awsCode is an error's.
func awsCode(err error) string {
	if e, ok := err.(awserr.Error); ok {
		return e.Code()
	}
	return fmt.Sprint(err)
}

// lastCall is how the newest operation is told.
func lastCall(e *Env) string {
	ops := e.Operations()
	op := ops[len(ops)-1]
	return op.Service + " " + op.Method + " " + op.Resource
}

// A secret is rotated, and who asks by its stage gets what it was before.
func TestSecrets(t *testing.T) {
	declared := awsaux.Secrets("secretsmanager", awsaux.Secret{Name: "db/password", Value: "one", Rotations: []awsaux.Rotation{{After: time.Hour, Value: "two"}}})
	inAux(t, declared, func(e *Env, v1 *session.Session) {
		ctx, began := context.Background(), time.Now()
		c, old := secretsv2.NewFromConfig(configV2(e, "secretsmanager")), secretsmanager.New(v1)
		get := func(id string, stage *string) string {
			out, err := c.GetSecretValue(ctx, &secretsv2.GetSecretValueInput{SecretId: &id, VersionStage: stage})
			if err != nil {
				return err.Error()
			}
			return *out.SecretString
		}
		if got := get("db/password", nil); got != "one" || lastCall(e) != "secretsmanager GetSecretValue db%2Fpassword" {
			t.Errorf("got %q by %s", got, lastCall(e))
		}
		time.Sleep(2 * time.Hour)
		if now, before := get("db/password", nil), get("db/password", aws.String("AWSPREVIOUS")); now != "two" || before != "one" {
			t.Errorf("after the rotation it is %q, and was %q", now, before)
		}
		made, err := old.CreateSecret(&secretsmanager.CreateSecretInput{Name: aws.String("api"), SecretString: aws.String("x")})
		if err != nil || get(*made.ARN, nil) != "x" {
			t.Errorf("created %v %v, got %q by its ARN", made, err, get(*made.ARN, nil))
		}
		if _, err := old.CreateSecret(&secretsmanager.CreateSecretInput{Name: aws.String("api"), SecretString: aws.String("y")}); awsCode(err) != "ResourceExistsException" {
			t.Errorf("created twice: %v", err)
		}
		if _, err := old.PutSecretValue(&secretsmanager.PutSecretValueInput{SecretId: aws.String("api"), SecretString: aws.String("y")}); err != nil || get("api", nil) != "y" {
			t.Errorf("put: %v, then %q", err, get("api", nil))
		}
		if got := get("none", nil); !strings.Contains(got, "ResourceNotFoundException: Secrets Manager can't find the specified secret.") {
			t.Errorf("of none: %s", got)
		}
		told, err := old.GetSecretValue(&secretsmanager.GetSecretValueInput{SecretId: aws.String("db/password"), VersionStage: aws.String("AWSPREVIOUS")})
		if err != nil || !told.CreatedDate.Equal(began) {
			t.Errorf("the first version is of %v, wanted %v: %v", told.CreatedDate, began, err)
		}
		if _, err := old.DeleteSecret(&secretsmanager.DeleteSecretInput{SecretId: aws.String("api"), RecoveryWindowInDays: aws.Int64(3)}); awsCode(err) != "InvalidParameterException" {
			t.Errorf("deleted in three days: %v", err)
		}
		gone, err := old.DeleteSecret(&secretsmanager.DeleteSecretInput{SecretId: aws.String("api"), RecoveryWindowInDays: aws.Int64(7)})
		if err != nil || time.Until(*gone.DeletionDate).Round(time.Hour) != 7*24*time.Hour || !strings.Contains(get("api", nil), "marked for deletion") {
			t.Errorf("deleted: %v %v, then %q", gone, err, get("api", nil))
		}
		if _, err := old.RotateSecret(&secretsmanager.RotateSecretInput{SecretId: aws.String("api")}); err == nil || len(e.Kernel.Lacking()) != 1 {
			t.Errorf("rotated by a function: %v, lacking %q", err, e.Kernel.Lacking())
		}
	})
}

// Parameters have versions, paths and secrets.
func TestParameters(t *testing.T) {
	declared := awsaux.Parameters("ssm", awsaux.Parameter{Name: "/shop/table", Value: "orders"}, awsaux.Parameter{Name: "/shop/mail/key", Value: "k", Secure: true})
	inAux(t, declared, func(e *Env, v1 *session.Session) {
		c, old := ssmv2.NewFromConfig(configV2(e, "ssm")), ssm.New(v1)
		get := func(name string, decrypt bool) string {
			out, err := c.GetParameter(context.Background(), &ssmv2.GetParameterInput{Name: &name, WithDecryption: &decrypt})
			if err != nil {
				return err.Error()
			}
			return fmt.Sprint(*out.Parameter.Value, " ", out.Parameter.Version)
		}
		if got := get("/shop/table", false); got != "orders 1" || lastCall(e) != "ssm GetParameter %2Fshop%2Ftable" {
			t.Errorf("got %q by %s", got, lastCall(e))
		}
		if hidden, shown := get("/shop/mail/key", false), get("/shop/mail/key", true); hidden == shown || shown != "k 1" {
			t.Errorf("a secure one is %q, and %q decrypted", hidden, shown)
		}
		if _, err := old.PutParameter(&ssm.PutParameterInput{Name: aws.String("/shop/table"), Value: aws.String("o2")}); awsCode(err) != "ParameterAlreadyExists" {
			t.Errorf("put over another: %v", err)
		}
		if _, err := old.PutParameter(&ssm.PutParameterInput{Name: aws.String("/shop/table"), Value: aws.String("o2"), Overwrite: aws.Bool(true)}); err != nil || get("/shop/table", false) != "o2 2" || get("/shop/table:1", false) != "orders 1" {
			t.Errorf("put: %v, then %q and %q", err, get("/shop/table", false), get("/shop/table:1", false))
		}
		all, err := old.GetParametersByPath(&ssm.GetParametersByPathInput{Path: aws.String("/shop"), Recursive: aws.Bool(true)})
		if err != nil || len(all.Parameters) != 2 {
			t.Errorf("below /shop are %v, %v", all, err)
		}
		if direct, err := old.GetParametersByPath(&ssm.GetParametersByPathInput{Path: aws.String("/shop")}); err != nil || len(direct.Parameters) != 1 {
			t.Errorf("directly below are %v, %v", direct, err)
		}
		some, err := old.GetParameters(&ssm.GetParametersInput{Names: aws.StringSlice([]string{"/shop/table", "/none"})})
		if err != nil || len(some.Parameters) != 1 || len(some.InvalidParameters) != 1 {
			t.Errorf("two by name: %v, %v", some, err)
		}
		if got := get("/none", false); !strings.Contains(got, "ParameterNotFound") {
			t.Errorf("of none: %s", got)
		}
	})
}

// What is encrypted under one key and context is decrypted under these alone.
func TestKeys(t *testing.T) {
	inAux(t, awsaux.Keys("kms", "alias/shop", "0d2e"), func(e *Env, v1 *session.Session) {
		c := kms.New(v1)
		in := map[string]*string{"order": aws.String("7")}
		sealed, err := c.Encrypt(&kms.EncryptInput{KeyId: aws.String("alias/shop"), Plaintext: []byte("card"), EncryptionContext: in})
		if err != nil || lastCall(e) != "kms Encrypt alias%2Fshop" {
			t.Fatalf("%v by %s", err, lastCall(e))
		}
		opened, err := c.Decrypt(&kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: in, KeyId: sealed.KeyId})
		if err != nil || string(opened.Plaintext) != "card" {
			t.Errorf("decrypted %v, %v", opened, err)
		}
		if _, err := c.Decrypt(&kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob}); awsCode(err) != "InvalidCiphertextException" {
			t.Errorf("without its context: %v", err)
		}
		if _, err := c.Decrypt(&kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: in, KeyId: aws.String("0d2e")}); awsCode(err) != "IncorrectKeyException" {
			t.Errorf("by another key: %v", err)
		}
		one, err := c.GenerateDataKey(&kms.GenerateDataKeyInput{KeyId: aws.String("0d2e"), KeySpec: aws.String("AES_256")})
		if err != nil {
			t.Fatal(err)
		}
		two, err := c.GenerateDataKey(&kms.GenerateDataKeyInput{KeyId: aws.String("0d2e"), KeySpec: aws.String("AES_256")})
		if err != nil || len(one.Plaintext) != 32 || bytes.Equal(one.Plaintext, two.Plaintext) {
			t.Errorf("data keys %v and %v, %v", one, two, err)
		}
		if _, err := c.Encrypt(&kms.EncryptInput{KeyId: aws.String("none"), Plaintext: []byte("x")}); awsCode(err) != "NotFoundException" {
			t.Errorf("by no key: %v", err)
		}
	})
}

// Mails of either API are seen, once for each time that they are sent.
func TestMail(t *testing.T) {
	inAux(t, awsaux.Mail("ses"), func(e *Env, v1 *session.Session) {
		old, c := ses.New(v1), sesv2.NewFromConfig(configV2(e, "ses"))
		if _, err := old.SendEmail(&ses.SendEmailInput{
			Source: aws.String("shop@example.com"), Destination: &ses.Destination{ToAddresses: aws.StringSlice([]string{"ann@example.com"})},
			Message: &ses.Message{Subject: &ses.Content{Data: aws.String("Welcome")}, Body: &ses.Body{Text: &ses.Content{Data: aws.String("Hello")}}},
		}); err != nil || lastCall(e) != "ses SendEmail ann@example.com" {
			t.Errorf("%v by %s", err, lastCall(e))
		}
		if _, err := c.SendEmail(context.Background(), &sesv2.SendEmailInput{
			FromEmailAddress: aws.String("shop@example.com"), Destination: &sestypes.Destination{ToAddresses: []string{"ann@example.com"}},
			Content: &sestypes.EmailContent{Simple: &sestypes.Message{Subject: &sestypes.Content{Data: aws.String("Again")}, Body: &sestypes.Body{Text: &sestypes.Content{Data: aws.String("Hello")}}}},
		}); err != nil || lastCall(e) != "ses SendEmail ann@example.com" {
			t.Errorf("%v by %s", err, lastCall(e))
		}
		if _, err := old.SendRawEmail(&ses.SendRawEmailInput{RawMessage: &ses.RawMessage{Data: []byte("To: Bob <bob@example.com>\r\nSubject: Raw\r\n\r\nHello")}}); err != nil {
			t.Error(err)
		}
		if _, err := old.SendEmail(&ses.SendEmailInput{Source: aws.String("x"), Destination: &ses.Destination{ToAddresses: aws.StringSlice([]string{"nobody"})}, Message: &ses.Message{Subject: &ses.Content{Data: aws.String("x")}, Body: &ses.Body{}}}); awsCode(err) != "InvalidParameterValue" {
			t.Errorf("to no address: %v", err)
		}
		if got := fmt.Sprint(e.Backend("").Contents()); got != "[{ann@example.com/1 Welcome} {ann@example.com/2 Again} {bob@example.com/1 Raw}]" {
			t.Errorf("sent %s", got)
		}
	})
}

// Who calls is told, and a role is assumed.
func TestIdentity(t *testing.T) {
	inAux(t, awsaux.Identity("sts"), func(e *Env, v1 *session.Session) {
		c := sts.New(v1)
		who, err := c.GetCallerIdentity(&sts.GetCallerIdentityInput{})
		if err != nil || *who.Account != "123456789012" {
			t.Errorf("%v %v", who, err)
		}
		role := "arn:aws:iam::123456789012:role/reader"
		as, err := c.AssumeRole(&sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("se")})
		if err != nil || !as.Credentials.Expiration.Equal(time.Now().Add(time.Hour).Truncate(time.Second)) || *as.AssumedRoleUser.Arn != "arn:aws:sts::123456789012:assumed-role/reader/se" {
			t.Errorf("%v %v", as, err)
		}
	})
}

// Logs are kept, metrics taken.
func TestWatch(t *testing.T) {
	inAux(t, awsaux.Logs("logs"), func(e *Env, v1 *session.Session) {
		c := cloudwatchlogs.New(v1)
		put := &cloudwatchlogs.PutLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s"), LogEvents: []*cloudwatchlogs.InputLogEvent{{Message: aws.String("hello"), Timestamp: aws.Int64(1)}}}
		if _, err := c.PutLogEvents(put); awsCode(err) != "ResourceNotFoundException" {
			t.Errorf("put into nothing: %v", err)
		}
		_, err1 := c.CreateLogGroup(&cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("g")})
		_, err2 := c.CreateLogStream(&cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s")})
		_, err3 := c.PutLogEvents(put)
		if got := fmt.Sprint(e.Backend("").Contents(), err1, err2, err3); got != "[{g/s/1 hello}] <nil> <nil> <nil>" {
			t.Error(got)
		}
	})
	inAux(t, awsaux.Metrics("monitoring"), func(e *Env, v1 *session.Session) {
		_, err := cloudwatch.New(v1).PutMetricData(&cloudwatch.PutMetricDataInput{Namespace: aws.String("shop"), MetricData: []*cloudwatch.MetricDatum{{MetricName: aws.String("n"), Value: aws.Float64(1)}}})
		if err != nil || lastCall(e) != "monitoring PutMetricData shop" {
			t.Errorf("%v by %s", err, lastCall(e))
		}
	})
}

// A token is checked by the pool's keys, and by GetUser.
func TestUsers(t *testing.T) {
	inAux(t, awsaux.Users("cognito-idp", "us-east-1_shop"), func(e *Env, v1 *session.Session) {
		token := awsaux.Token("us-east-1_shop", map[string]any{"sub": "u1", "exp": time.Now().Add(time.Hour).Unix()})
		c := cognitoidentityprovider.New(v1)
		who, err := c.GetUser(&cognitoidentityprovider.GetUserInput{AccessToken: &token})
		if err != nil || *who.Username != "u1" {
			t.Errorf("%v %v", who, err)
		}
		if _, err := c.GetUser(&cognitoidentityprovider.GetUserInput{AccessToken: aws.String(token + "x")}); awsCode(err) != "NotAuthorizedException" {
			t.Errorf("another token: %v", err)
		}
		resp, err := awsaux.Client(e, "cognito-idp").Get("https://cognito-idp.us-east-1.amazonaws.com/us-east-1_shop/.well-known/jwks.json")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		var keys struct {
			Keys []struct{ Kid, Kty, N, E string }
		}
		if err != nil || json.Unmarshal(body, &keys) != nil || len(keys.Keys) != 1 || keys.Keys[0].E != "AQAB" {
			t.Errorf("keys %s, %v", body, err)
		}
		time.Sleep(2 * time.Hour)
		if _, err := c.GetUser(&cognitoidentityprovider.GetUserInput{AccessToken: &token}); awsCode(err) != "NotAuthorizedException" {
			t.Errorf("an old token: %v", err)
		}
	})
}

// A model answers what the scenario says.
func TestModels(t *testing.T) {
	echo := func(model, operation string, body []byte) ([]byte, error) {
		return []byte(fmt.Sprintf(`{"said":%q}`, model+" "+operation+" "+string(body))), nil
	}
	inAux(t, awsaux.Models("bedrock", echo), func(e *Env, v1 *session.Session) {
		out, err := bedrockruntime.New(v1).InvokeModel(&bedrockruntime.InvokeModelInput{ModelId: aws.String("small:0"), Body: []byte("hi")})
		if err != nil || string(out.Body) != `{"said":"small:0 InvokeModel hi"}` || lastCall(e) != "bedrock InvokeModel small:0" {
			t.Errorf("%s, %v by %s", out.Body, err, lastCall(e))
		}
	})
}
