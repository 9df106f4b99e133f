package api

import "fmt"

// AnalysisTemplateSpec gives what an AnalysisTemplate says, or, where the key has no
// namespace, a ClusterAnalysisTemplate; false: there is none.
func (s *Objects) AnalysisTemplateSpec(key Key) (*AnalysisTemplateSpec, bool) {
	if key.Namespace == "" {
		if t := s.ClusterAnalysisTemplates[key]; t != nil {
			return &t.Spec, true
		}
		return nil, false
	}
	if t := s.AnalysisTemplates[key]; t != nil {
		return &t.Spec, true
	}
	return nil, false
}

// SecretsIn gives the values of the Secrets of a namespace, by the name of one and a
// key in it; the error says which is not there.
func (s *Objects) SecretsIn(namespace string) func(name, key string) (string, error) {
	secrets := s.Secrets
	return func(name, key string) (string, error) {
		secret := secrets[Key{Namespace: namespace, Name: name}]
		if secret == nil {
			return "", fmt.Errorf("there is no Secret %s/%s", namespace, name)
		}
		value, ok := secret.Data[key]
		if !ok {
			return "", fmt.Errorf("the Secret %s/%s has no key %s", namespace, name, key)
		}
		return string(value), nil
	}
}
