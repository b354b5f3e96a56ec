package awsaux

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	netmail "net/mail"
	"net/url"
	"slices"
	"strconv"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/internal/awswire"
)

// Mail declares Amazon SES under a name, usually "ses": a sink that properties
// see. There are SendEmail, SendRawEmail, SendTemplatedEmail and GetSendQuota of its
// first API, and SendEmail of its second. The resource of a mail's operation is who
// it is for; its contents are the mails of each recipient. A mail that is sent again
// is another mail. https://docs.aws.amazon.com/ses/latest/APIReference/API_SendEmail.html
func Mail(name string) *Service {
	faults := failures("InternalFailure", "Throttling")
	faults["Throttling"] = awswire.Code{Status: 400, Message: "Maximum sending rate exceeded."}
	return &Service{
		name: name, detail: "SES",
		api:  awswire.API{Service: "ses", XMLNS: "http://ses.amazonaws.com/doc/2010-12-01/", Faults: faults},
		open: func() part { return &ses{sent: map[string][]string{}} },
	}
}

type ses struct {
	sent map[string][]string // what of each mail there is to tell, by recipient
	ids  int
}

func (p *ses) contents() (out []cloud.Content) {
	for _, to := range sorted(p.sent) {
		for i, mail := range p.sent[to] {
			out = append(out, cloud.Content{Key: to + "/" + strconv.Itoa(i+1), Value: mail})
		}
	}
	return out
}

func (p *ses) handle(b *Backend, r *awswire.Request) (any, error) {
	if r.Operation == "" && r.Method == "POST" && r.URL.Path == "/v2/email/outbound-emails" {
		return p.second(r)
	}
	return do(map[string]operation[*ses]{
		"SendEmail": (*ses).send, "SendRawEmail": (*ses).sendRaw, "SendTemplatedEmail": (*ses).sendTemplated, "GetSendQuota": (*ses).quota,
	}, p, "SES", b, r)
}

// accept takes a mail in, and returns its id.
func (p *ses) accept(to []string, what string) (string, error) {
	if len(to) == 0 {
		return "", &awswire.Error{Code: "InvalidParameterValue", Message: "Missing final '@domain'"}
	}
	for _, t := range to {
		if _, err := netmail.ParseAddress(t); err != nil {
			return "", &awswire.Error{Code: "InvalidParameterValue", Message: "Missing final '@domain'"}
		}
	}
	p.ids++
	for _, t := range to {
		p.sent[t] = append(p.sent[t], what)
	}
	return fmt.Sprintf("0100000000000000-00000000-0000-4000-8000-%012d-000000", p.ids), nil
}

// identified is the answer of the first API.
type identified struct {
	MessageID string `xml:"MessageId"`
}

func (p *ses) answer(to []string, what string) (any, error) {
	id, err := p.accept(to, what)
	if err != nil {
		return nil, err
	}
	return identified{id}, nil
}

// members is a list of a form, under a prefix.
func members(form url.Values, prefix string) (out []string) {
	for i := 1; ; i++ {
		v := form.Get(prefix + ".member." + strconv.Itoa(i))
		if v == "" {
			return out
		}
		out = append(out, v)
	}
}

func recipients(form url.Values) []string {
	return slices.Concat(members(form, "Destination.ToAddresses"), members(form, "Destination.CcAddresses"), members(form, "Destination.BccAddresses"))
}

func (p *ses) send(_ *Backend, r *awswire.Request) (any, error) {
	return p.answer(recipients(r.Form), r.Form.Get("Message.Subject.Data"))
}

func (p *ses) sendTemplated(_ *Backend, r *awswire.Request) (any, error) {
	return p.answer(recipients(r.Form), r.Form.Get("Template")+" "+r.Form.Get("TemplateData"))
}

func (p *ses) sendRaw(_ *Backend, r *awswire.Request) (any, error) {
	raw, err := base64.StdEncoding.DecodeString(r.Form.Get("RawMessage.Data"))
	if err != nil {
		return nil, &awswire.Error{Code: "InvalidParameterValue", Message: "RawMessage is not base64"}
	}
	to, subject, err := envelope(raw)
	if err != nil {
		return nil, &awswire.Error{Code: "InvalidParameterValue", Message: err.Error()}
	}
	if named := members(r.Form, "Destinations"); named != nil {
		to = named
	}
	return p.answer(to, subject)
}

// envelope is what a raw message says of itself.
func envelope(raw []byte) (to []string, subject string, err error) {
	m, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return nil, "", err
	}
	for _, field := range []string{"To", "Cc", "Bcc"} {
		list, err := m.Header.AddressList(field)
		if err != nil {
			continue // there is none
		}
		for _, a := range list {
			to = append(to, a.Address)
		}
	}
	return to, m.Header.Get("Subject"), nil
}

func (p *ses) quota(*Backend, *awswire.Request) (any, error) {
	return struct{ Max24HourSend, MaxSendRate, SentLast24Hours float64 }{50000, 14, float64(p.ids)}, nil
}

// second is SendEmail of the second API.
// https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
func (p *ses) second(r *awswire.Request) (any, error) {
	var q struct {
		Destination struct{ ToAddresses, CcAddresses, BccAddresses []string }
		Content     struct {
			Simple   *struct{ Subject struct{ Data string } }
			Raw      *struct{ Data []byte }
			Template *struct{ TemplateName, TemplateData string }
		}
	}
	if err := r.Decode(&q); err != nil {
		return nil, err
	}
	to := slices.Concat(q.Destination.ToAddresses, q.Destination.CcAddresses, q.Destination.BccAddresses)
	what := ""
	switch c := q.Content; {
	case c.Simple != nil:
		what = c.Simple.Subject.Data
	case c.Template != nil:
		what = c.Template.TemplateName + " " + c.Template.TemplateData
	case c.Raw != nil:
		all, subject, err := envelope(c.Raw.Data)
		if err != nil {
			return nil, &awswire.Error{Code: "BadRequestException", Message: err.Error()}
		}
		if what = subject; len(to) == 0 {
			to = all
		}
	default:
		return nil, &awswire.Error{Code: "BadRequestException", Message: "Missing required content"}
	}
	id, err := p.accept(to, what)
	if err != nil {
		return nil, &awswire.Error{Code: "BadRequestException", Message: "Missing final '@domain'"}
	}
	return json.RawMessage(fmt.Sprintf(`{"MessageId":%q}`, id)), nil
}
