package awsaux

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"strings"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/internal/awswire"
	"github.com/wtsim/wtsim/probe/awsprobe"
)

// Keys declares AWS KMS under a name, usually "kms", with symmetric keys by their
// ids or aliases ("alias/shop"). There are Encrypt, Decrypt, GenerateDataKey,
// GenerateDataKeyWithoutPlaintext and DescribeKey; signing, and changes of keys,
// are not. What is encrypted under one key or context is not decrypted under
// another. Ciphertexts are the same in each run, and secret from nobody.
func Keys(name string, ids ...string) *Service {
	return &Service{
		name: name, detail: listed("KMS", ids),
		api:  awswire.API{Service: "kms", Faults: failures("KMSInternalException", "ThrottlingException")},
		open: func() part { return &kms{ids: ids} },
	}
}

type kms struct {
	ids   []string
	draws uint64 // ciphertexts and data keys made
}

func (p *kms) contents() []cloud.Content { return nil }

var kmsOperations = map[string]operation[*kms]{
	"Encrypt": as((*kms).encrypt), "Decrypt": as((*kms).decrypt), "DescribeKey": as((*kms).describe),
	"GenerateDataKey": as((*kms).dataKey), "GenerateDataKeyWithoutPlaintext": as((*kms).hiddenDataKey),
}

func (p *kms) handle(b *Backend, r *awswire.Request) (any, error) {
	return do(kmsOperations, p, "KMS", b, r)
}

// kmsRequest is what requests say.
type kmsRequest struct {
	KeyID             string `json:"KeyId"`
	Plaintext         []byte
	CiphertextBlob    []byte
	EncryptionContext map[string]string
	KeySpec           string
	NumberOfBytes     int
}

// kmsARN is a key's ARN; false if there is no such key.
func (p *kms) kmsARN(b *Backend, id string) (string, bool) {
	id = awsprobe.KeyName(id)
	for _, known := range p.ids {
		if awsprobe.KeyName(known) != id {
			continue
		}
		if alias, ok := strings.CutPrefix(id, "alias/"); ok { // its key has no id of its own here
			return b.arn("key/" + alias), true
		}
		return b.arn("key/" + id), true
	}
	// A key is also known by the ARN that answers tell, whatever it was declared by.
	for _, known := range p.ids {
		if strings.TrimPrefix(awsprobe.KeyName(known), "alias/") == id {
			return b.arn("key/" + id), true
		}
	}
	return "", false
}

// errors of https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html
var errCiphertext = refused("InvalidCiphertextException", "")

func noKey(b *Backend, id string) error {
	return refused("NotFoundException", "Key '"+b.arn("key/"+awsprobe.KeyName(id))+"' does not exist")
}

// sealer is the cipher of a key.
func sealer(arn string) cipher.AEAD {
	sum := sha256.Sum256([]byte("wtsim kms " + arn))
	block, err := aes.NewCipher(sum[:])
	if err != nil {
		panic(err) // the length is right
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // so is the block's
	}
	return gcm
}

// seal makes a ciphertext: the key's ARN, its length before it, a nonce, and what is
// sealed with the context.
func (p *kms) seal(arn string, context map[string]string, plain []byte) []byte {
	p.draws++
	out := append([]byte{byte(len(arn))}, arn...)
	nonce := binary.BigEndian.AppendUint64(make([]byte, 4, 12), p.draws)
	return sealer(arn).Seal(append(out, nonce...), nonce, plain, additional(context))
}

// additional is a context, its members in order.
func additional(context map[string]string) []byte {
	if len(context) == 0 {
		return nil
	}
	text, err := json.Marshal(context)
	if err != nil {
		panic(err) // texts can be told
	}
	return text
}

func (p *kms) encrypt(b *Backend, q *kmsRequest) (any, error) {
	arn, ok := p.kmsARN(b, q.KeyID)
	switch {
	case !ok:
		return nil, noKey(b, q.KeyID)
	case len(q.Plaintext) == 0 || len(q.Plaintext) > 4096:
		return nil, refused("ValidationException", "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length between 1 and 4096")
	}
	return map[string]any{"CiphertextBlob": p.seal(arn, q.EncryptionContext, q.Plaintext), "KeyId": arn, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}, nil
}

func (p *kms) decrypt(b *Backend, q *kmsRequest) (any, error) {
	blob := q.CiphertextBlob
	if len(blob) == 0 || len(blob) < 1+int(blob[0])+12 {
		return nil, errCiphertext
	}
	arn, rest := string(blob[1:1+blob[0]]), blob[1+blob[0]:]
	if q.KeyID != "" {
		wanted, ok := p.kmsARN(b, q.KeyID)
		switch {
		case !ok:
			return nil, noKey(b, q.KeyID)
		case wanted != arn:
			return nil, refused("IncorrectKeyException", "The key ID in the request does not identify a CMK that can perform this operation.")
		}
	}
	if _, ok := p.kmsARN(b, arn); !ok {
		return nil, errCiphertext
	}
	plain, err := sealer(arn).Open(nil, rest[:12], rest[12:], additional(q.EncryptionContext))
	if err != nil {
		return nil, errCiphertext
	}
	return map[string]any{"Plaintext": plain, "KeyId": arn, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}, nil
}

func (p *kms) dataKey(b *Backend, q *kmsRequest) (any, error) {
	arn, ok := p.kmsARN(b, q.KeyID)
	if !ok {
		return nil, noKey(b, q.KeyID)
	}
	n := q.NumberOfBytes
	switch {
	case q.KeySpec == "AES_256" && n == 0:
		n = 32
	case q.KeySpec == "AES_128" && n == 0:
		n = 16
	case n < 1 || n > 1024 || q.KeySpec != "":
		return nil, refused("ValidationException", "Please specify either number of bytes or key spec.")
	}
	p.draws++
	var plain []byte
	for i := uint64(0); len(plain) < n; i++ {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64([]byte("wtsim data key "+arn), p.draws), i))
		plain = append(plain, sum[:]...)
	}
	plain = bytes.Clone(plain[:n])
	return map[string]any{"CiphertextBlob": p.seal(arn, q.EncryptionContext, plain), "Plaintext": plain, "KeyId": arn}, nil
}

func (p *kms) hiddenDataKey(b *Backend, q *kmsRequest) (any, error) {
	out, err := p.dataKey(b, q)
	if err != nil {
		return nil, err
	}
	delete(out.(map[string]any), "Plaintext")
	return out, nil
}

func (p *kms) describe(b *Backend, q *kmsRequest) (any, error) {
	arn, ok := p.kmsARN(b, q.KeyID)
	if !ok {
		return nil, noKey(b, q.KeyID)
	}
	return map[string]any{"KeyMetadata": map[string]any{
		"Arn": arn, "KeyId": awsprobe.KeyName(arn), "AWSAccountId": awswire.Account, "Enabled": true, "KeyState": "Enabled",
		"KeyUsage": "ENCRYPT_DECRYPT", "KeySpec": "SYMMETRIC_DEFAULT", "EncryptionAlgorithms": []string{"SYMMETRIC_DEFAULT"},
	}}, nil
}
