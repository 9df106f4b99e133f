package lab

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"text/template"
)

// App is an application behind Gateways: a Service, its EndpointSlices by
// version, an HTTPRoute for a host, and a Rollout. All in namespace default.
type App struct {
	Name string
	// Host is what the route matches; empty: every host.
	Host string
	// Gateways are the names of the Gateways that the route attaches to.
	Gateways []string
	// Versions gives the endpoints of each version, as IPv4 HOST:PORT.
	Versions map[string][]string
	// Version is the one that the Rollout wants; empty: there is no Rollout.
	Version string
	// Steps are the canary's, each a line of YAML such as `setWeight: 20` or
	// `pause: {duration: 10s}`.
	Steps []string
	// Guard is the guard's fields as YAML in flow style, such as
	// `{mode: observe}`; empty: the default guard.
	Guard string
}

// Slice is one EndpointSlice with one endpoint: a slice's ports hold for all
// its addresses, and here each endpoint has a port of its own.
type Slice struct {
	Name, Version, IP string
	Port              int
}

// Slices gives the slices of one version, for the template. It is an error when
// an endpoint is no HOST:PORT.
func (a App) Slices(version string) ([]Slice, error) {
	var out []Slice
	for i, address := range a.Versions[version] {
		ip, text, err := net.SplitHostPort(address)
		if err != nil {
			return nil, fmt.Errorf("reading the endpoint %q of %q: %w", address, a.Name, err)
		}
		port, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("reading the endpoint %q of %q: %w", address, a.Name, err)
		}
		name := strings.ToLower(fmt.Sprintf("%s-%s-%d", a.Name, version, i))
		out = append(out, Slice{name, version, ip, port})
	}
	return out, nil
}

// YAML gives the objects as one file of documents, sorted by version. It is an
// error when an endpoint is no HOST:PORT.
func (a App) YAML() (string, error) {
	text, err := execute(appTemplate, a)
	if err != nil {
		return "", fmt.Errorf("writing application %q: %w", a.Name, err)
	}
	return text, nil
}

func execute(t *template.Template, data any) (string, error) {
	var b strings.Builder
	err := t.Execute(&b, data)
	return b.String(), err
}

var gatewayTemplate = template.Must(template.New("gateway").Parse(`apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: {{printf "%q" .Name}}}
spec:
  gatewayClassName: serin
  listeners: [{name: http, protocol: HTTP, port: {{.Port}}}]
`))

var appTemplate = template.Must(template.New("app").Parse(`apiVersion: v1
kind: Service
metadata: {name: {{printf "%q" .Name}}}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: {{printf "%q" .Name}}}
spec:
  parentRefs:
{{- range .Gateways}}
  - {name: {{printf "%q" .}}}
{{- end}}
{{- with .Host}}
  hostnames: [{{printf "%q" .}}]
{{- end}}
  rules: [{backendRefs: [{name: {{printf "%q" .Name}}, port: 80}]}]
{{- $app := .}}
{{- range $version, $_ := .Versions}}
{{- range $app.Slices $version}}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: {{printf "%q" .Name}}
  labels: {kubernetes.io/service-name: {{printf "%q" $app.Name}}, app.kubernetes.io/version: {{printf "%q" .Version}}}
addressType: IPv4
endpoints: [{addresses: [{{printf "%q" .IP}}]}]
ports: [{name: http, port: {{.Port}}}]
{{- end}}
{{- end}}
{{- with .Version}}
---
apiVersion: serin.dev/v1alpha1
kind: Rollout
metadata: {name: {{printf "%q" $app.Name}}}
spec:
  template: {metadata: {labels: {app.kubernetes.io/version: {{printf "%q" .}}}}}
  strategy:
    canary:
{{- with $app.Guard}}
      guard: {{.}}
{{- end}}
      steps:
{{- range $app.Steps}}
      - {{.}}
{{- else}} []
{{- end}}
{{- end}}
`))
