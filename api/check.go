package api

import (
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// checker notes what is wrong with one object, by the path of the field.
type checker struct {
	*notes
	root *node
}

// at notes an issue at a field, or at the deepest object on the way to it when
// the field is not written.
func (c *checker) at(code Code, p path, format string, args ...any) {
	n := c.root.find(p)
	c.add(code, n.line, n.column, p, format, args...)
}

// checkObject notes what is wrong with an object by itself.
func checkObject(root *node, o object, r *notes) {
	c := &checker{notes: r, root: root}
	c.metadata(o)
	switch o := o.(type) {
	case *Gateway:
		c.gateway(o)
	case *HTTPRoute:
		c.route(o)
	case *Service:
		c.service(o)
	case *EndpointSlice:
		c.slice(o)
	case *Rollout:
		c.rollout(o)
	case *AnalysisTemplate:
		c.templateSpec(&o.Spec)
	case *ClusterAnalysisTemplate:
		c.templateSpec(&o.Spec)
	case *AnalysisRun:
		c.noRunner()
		c.analysisRun(&o.Spec)
	case *Experiment:
		c.noRunner()
		c.experiment(&o.Spec)
	case *Release:
		c.release(o)
	}
}

// metadata checks the names, which become part of Envoy's: a stray slash in
// one would make two clusters look like one.
func (c *checker) metadata(o object) {
	name := path{"metadata", "name"}
	if o.GetName() == "" && o.GetGenerateName() != "" && madeAnew(o) {
		return // Kubernetes gives each one a name
	}
	if o.GetName() == "" {
		c.at(CodeMissing, name, "the object has no name; add metadata.name")
	} else if errs := validation.IsDNS1123Subdomain(o.GetName()); len(errs) > 0 {
		c.at(CodeBadName, name, "%q is no name: use lower-case letters, digits, '-' and '.'", shorten(o.GetName()))
	}
	if ns := o.GetNamespace(); ns != "" && len(validation.IsDNS1123Label(ns)) > 0 {
		c.at(CodeBadName, path{"metadata", "namespace"},
			"%q is no namespace: use lower-case letters, digits and '-'", shorten(ns))
	}
}

// version checks a version label, which becomes part of a cluster's name.
func (c *checker) version(version string, p path) {
	if !isVersion(version) {
		c.at(CodeVersionLabel, p, badVersion, shorten(version))
	}
}

// badVersion is what is said of a version that is none.
const badVersion = "%q is no version: use at most 63 letters, digits, '-', '_' and '.', a letter or digit at both ends"

// isVersion reports whether a text can be the value of a label.
func isVersion(text string) bool { return len(validation.IsValidLabelValue(text)) == 0 }

// port checks a port number.
func (c *checker) port(port int32, p path) {
	if port < 1 || port > 65535 {
		c.at(CodePort, p, "the port must be 1 to 65535, not %d", port)
	}
}

// regex checks that a regular expression compiles as RE2, which Go and Envoy
// share.
func (c *checker) regex(expr string, p path) {
	if _, err := regexp.Compile(expr); err != nil {
		c.at(CodeRegex, p, "the regular expression does not compile: %s",
			strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
}

// hostname checks a name of a host; wildcard allows a first label of *.
func (c *checker) hostname(host string, wildcard bool, p path) {
	name := host
	if rest, ok := strings.CutPrefix(host, "*."); ok && wildcard {
		name = rest
	}
	if len(validation.IsDNS1123Subdomain(name)) > 0 {
		c.at(CodeHostname, p, "%q is no hostname: write a name such as shop.example or *.example, without port",
			shorten(host))
	}
}

// madeAnew reports whether an object is of a kind that people create again for
// each use, and let Kubernetes name.
func madeAnew(o object) bool {
	switch o.(type) {
	case *AnalysisRun, *Experiment:
		return true
	}
	return false
}
