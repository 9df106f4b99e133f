package kubelab

import "slices"

// Admin is the user who may do everything: its group is system:masters.
const Admin = "admin"

// Options say what a cluster is to be. The zero value is one with Admin alone.
type Options struct {
	// Dir is where the cluster keeps its data, logs and credentials; it stays
	// when the cluster is closed. Empty: a temporary folder, which does not.
	Dir string
	// Users are those besides Admin. They may do what everybody may, which is
	// next to nothing, and what RBAC objects grant to their name and groups.
	Users []User
	// NoControllers leaves the controller manager out until
	// StartControllerManager.
	NoControllers bool
	// Controllers are those that the manager runs, by the names that
	// kube-controller-manager --help lists; empty means DefaultControllers.
	Controllers []string
	// APIServerFlags are added to those of kube-apiserver, and win over them.
	APIServerFlags []string
}

// User is somebody whom the API server knows by a token.
type User struct {
	// Name is as RBAC subjects have it; a ServiceAccount's is
	// system:serviceaccount:NAMESPACE:NAME.
	Name string
	// Groups are besides system:authenticated, which everybody is in.
	Groups []string
}

// DefaultControllers are what Deployments, Jobs and Services need, and what
// removes what they leave behind.
func DefaultControllers() []string {
	return []string{
		"deployment-controller", "replicaset-controller", "job-controller",
		"endpointslice-controller", "garbage-collector-controller", "namespace-controller",
		"serviceaccount-controller", "serviceaccount-token-controller",
	}
}

// withDefaults gives the options with what is empty filled in.
func (o Options) withDefaults() Options {
	if len(o.Controllers) == 0 {
		o.Controllers = DefaultControllers()
	}
	admin := User{Name: Admin, Groups: []string{"system:masters"}}
	o.Users = append([]User{admin}, slices.Clone(o.Users)...)
	return o
}
