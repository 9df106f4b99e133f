//go:build kube

package workload

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"

	rbac "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"
)

// used are the rights that requests of these tests took: group, resource, verb.
var used sync.Map

// note notes the right that a request takes, and gives its verb.
func note(r *http.Request) (verb string) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/") // api/v1/… or apis/GROUP/v1/…
	group := ""
	if parts[0] == "apis" {
		group, parts = parts[1], parts[1:]
	}
	parts = parts[2:]
	if parts[0] == "namespaces" {
		parts = parts[2:]
	}
	verb = map[string]string{http.MethodPost: "create", http.MethodPatch: "patch", http.MethodDelete: "delete", http.MethodGet: "get"}[r.Method]
	switch {
	case verb == "get" && r.URL.Query().Get("watch") != "":
		verb = "watch"
	case verb == "get" && len(parts) == 1:
		verb = "list"
	}
	resource := parts[0]
	if len(parts) == 3 {
		resource += "/" + parts[2]
	}
	used.Store(strings.Join([]string{group, resource, verb}, " "), true)
	return verb
}

// unused says which rights of testdata/rights.yaml no test took, when all ran.
func unused() error {
	if f := flag.Lookup("test.run"); f.Value.String() != "" {
		return nil
	}
	text, err := os.ReadFile("testdata/rights.yaml")
	if err != nil {
		return err
	}
	var role rbac.ClusterRole
	first, _, _ := strings.Cut(string(text), "---")
	if err := yaml.Unmarshal([]byte(first), &role); err != nil {
		return err
	}
	for _, rule := range role.Rules {
		for _, resource := range rule.Resources {
			for _, verb := range rule.Verbs {
				if _, ok := used.Load(strings.Join([]string{rule.APIGroups[0], resource, verb}, " ")); !ok {
					return fmt.Errorf("nobody needs the right to %s %s", verb, resource)
				}
			}
		}
	}
	return nil
}
