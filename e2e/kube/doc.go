// Package kube holds the end-to-end tests beside a real Kubernetes API server. They
// have the build tag kube, and `make test-kube` runs them: a missing part fails
// them.
package kube
