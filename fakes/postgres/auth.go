package postgres

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/wtsim/wtsim/internal/pgserver"
)

// authenticate answers what a server asks to let us in: with nothing, a password, its
// MD5, or SCRAM-SHA-256.
// https://www.postgresql.org/docs/current/sasl-authentication.html
func (s *session) authenticate(m message, server *pgserver.Server) error {
	kind, body := uint32(0), m.body()
	if len(body) >= 4 {
		kind, body = uint32(body[0])<<24|uint32(body[1])<<16|uint32(body[2])<<8|uint32(body[3]), body[4:]
	}
	password := server.Password()
	switch kind {
	case pgproto3.AuthTypeOk, pgproto3.AuthTypeSASLFinal:
		return nil
	case pgproto3.AuthTypeCleartextPassword:
		return s.send(appendAll(nil, &pgproto3.PasswordMessage{Password: password}))
	case pgproto3.AuthTypeMD5Password:
		return s.send(appendAll(nil, &pgproto3.PasswordMessage{Password: "md5" + digest(digest(password+server.User)+string(body))}))
	case pgproto3.AuthTypeSASL:
		if !strings.Contains(string(body), "SCRAM-SHA-256\x00") {
			break
		}
		return s.send(appendAll(nil, &pgproto3.SASLInitialResponse{AuthMechanism: "SCRAM-SHA-256", Data: []byte("n,," + scramFirst)}))
	case pgproto3.AuthTypeSASLContinue:
		final, err := scram(password, string(body))
		if err != nil {
			return err
		}
		return s.send(appendAll(nil, &pgproto3.SASLResponse{Data: []byte(final)}))
	}
	return fmt.Errorf("it asks for authentication of kind %d, wanted trust, password, md5 or scram-sha-256", kind)
}

func digest(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

// scramFirst is what we say first. It is over loopback, so nobody replays it; a random
// text would be drawn from the run's.
const scramFirst = "n=,r=wtsim-over-loopback-alone"

// scram is the last that we say, after what the server has said first.
// https://www.rfc-editor.org/rfc/rfc5802
func scram(password, first string) (string, error) {
	var nonce, salt string
	iterations := 0
	for part := range strings.SplitSeq(first, ",") {
		switch key, value, _ := strings.Cut(part, "="); key {
		case "r":
			nonce = value
		case "s":
			salt = value
		case "i":
			_, _ = fmt.Sscan(value, &iterations) // zero is refused below
		}
	}
	salted, err := base64.StdEncoding.DecodeString(salt)
	if err != nil || iterations < 1 {
		return "", fmt.Errorf("the server's SCRAM cannot be read: %q", first)
	}
	key, err := pbkdf2.Key(sha256.New, password, salted, iterations, sha256.Size)
	if err != nil {
		return "", err
	}
	client := sign(key, "Client Key")
	stored := sha256.Sum256(client)
	last := "c=biws,r=" + nonce
	proof := make([]byte, sha256.Size)
	subtle.XORBytes(proof, client, sign(stored[:], scramFirst+","+first+","+last))
	return last + ",p=" + base64.StdEncoding.EncodeToString(proof), nil
}

func sign(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write([]byte(text)) // it never fails
	return h.Sum(nil)
}
