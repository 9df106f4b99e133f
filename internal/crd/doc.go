// Package crd makes the CustomResourceDefinitions of serin.dev/v1alpha1 from the
// Go types of package api: the API server then knows every field that Serin
// knows, and no other.
//
// [Kinds] are the kinds. [Definition] makes one of them; [YAML] puts it into a
// file. What the types cannot say stands in tables here: the rules of rules.go
// (bounds, required fields, expressions that the API server evaluates), and the
// columns and names of kinds.go.
//
// What always holds:
//
//  1. A schema is structural, and describes the comments of the Go types.
//  2. What package api accepts, a schema accepts: the API server refuses early
//     what would be refused anyway, and never more. The rest of the findings is
//     the webhook's and the controller's.
//  3. Of a status nothing is pruned, also where the controller is newer than the
//     definition.
package crd
