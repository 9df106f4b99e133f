package api

import (
	"fmt"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// certificates asks for the Secrets that the listeners of a Gateway name.
func (v *validator) certificates(g *Gateway) {
	for i := range g.Spec.Listeners {
		tls := g.Spec.Listeners[i].TLS
		if tls == nil {
			continue
		}
		for _, ref := range tls.CertificateRefs {
			if key, ok := secretOf(&ref, g.Namespace); ok {
				v.get(kindSecret, key)
			}
		}
	}
}

// secretOf names the Secret that a reference means; false for another kind.
func secretOf(ref *gatewayv1.SecretObjectReference, namespace string) (Key, bool) {
	if ref.Group != nil && *ref.Group != groupCore || ref.Kind != nil && *ref.Kind != kindSecret {
		return Key{}, false
	}
	if ref.Namespace != nil {
		namespace = string(*ref.Namespace)
	}
	return keyIn(namespace, string(ref.Name)), true
}

// where names the place of a document in messages.
func (d *Document) where() string {
	if d.Line == 0 {
		return d.File
	}
	return fmt.Sprintf("%s:%d:%d", d.File, d.Line, d.Column)
}
