package scaffold

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
)

func notYAML(err error) error {
	return fmt.Errorf("it is no YAML: %s", strings.Join(strings.Fields(yaml.FormatError(err, false, false)), " "))
}

// serverless reads what the Serverless Framework deploys.
// https://www.serverless.com/framework/docs-providers-google-guide-serverless.yml
func (d *deployment) serverless(text []byte) error {
	t, err := tagged(text)
	if err != nil {
		return err
	}
	provider := t.at("provider", "name").text()
	if provider == "" {
		provider = t.at("provider").text()
	}
	functions := t.at("functions")
	if provider == "" || functions.v == nil {
		return errors.New("it has no \"provider\" or no \"functions\", wanted both")
	}
	if provider == "aws" {
		d.serverlessOnAWS(t)
		return nil
	}
	for _, name := range functions.names() {
		if provider != "google" {
			d.leave("functions."+name, fmt.Sprintf("provider %s: %s", provider, notTheCloud))
			continue
		}
		d.serverlessFunction(name, functions.at(name), t.at("provider"))
	}
	for _, name := range t.at("resources", "resources").names() {
		d.leave("resources."+name, notHere)
	}
	return nil
}

func (d *deployment) serverlessFunction(name string, f, provider tree) {
	x := deployed{name: name, target: f.at("handler").text(), env: map[string]string{}}
	if own := f.at("name").text(); own != "" && !strings.Contains(own, "${") {
		x.name = own
	}
	x.Timeout = f.at("timeout").text()
	if x.Timeout == "" {
		x.Timeout = provider.at("timeout").text()
	}
	for _, of := range []tree{provider, f} {
		env := of.at("environment")
		for _, variable := range env.names() {
			value := env.at(variable).text()
			if strings.Contains(value, "${") {
				d.leave("functions."+name, "the variable "+variable+" of its environment is "+value)
				continue
			}
			x.env[variable] = value
		}
	}
	for _, e := range f.at("events").list() {
		d.serverlessEvent(name, &x, e)
	}
	d.services = append(d.services, x)
}

func (d *deployment) serverlessEvent(name string, x *deployed, e tree) {
	event, what := e.at("event", "eventType").text(), e.at("event", "resource").text()
	on := firstGeneration(event, what)
	switch {
	case e.at("http").v != nil:
		return // requests invoke it
	case on == nil:
		d.leave("functions."+name, fmt.Sprintf("its event %v", e.v))
		return
	case on[0].Topic != "":
		d.topics = append(d.topics, on[0].Topic)
	default:
		d.buckets = append(d.buckets, on[0].Match["bucket"])
	}
	x.on = append(x.on, on...)
}
