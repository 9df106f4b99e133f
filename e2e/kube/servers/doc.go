// Package servers holds the end-to-end tests of servers in a cluster: several at
// once, and what the API server asks them. They have the build tag kube, and
// `make test-kube` runs them: a missing part fails them.
package servers
