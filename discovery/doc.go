// Package discovery says where objects come from. A Folder reads YAML and JSON
// files, watches them, and gives each consistent set of objects; the package kube
// below does the same for a cluster.
//
// Load reads the folder once. Run then watches it and calls out with a Result
// for each change, from the goroutine of Run, one at a time; what changed
// between Load and Run is found as well. Load and Run of one Folder must not
// run at the same time.
//
// What always holds:
//
//  1. A Result has either objects or an error among its findings. A set with
//     errors is never given out in part: what ran before goes on.
//  2. An object that did not change is the same pointer as in the set before,
//     and a set that did not change is the same set.
//  3. A folder that disappears, or from which the last file does, is an error
//     and no empty set, so that an unmounted disk does not take traffic down.
//
// Files are *.yaml, *.yml and *.json, in subfolders too. Names that begin with
// a dot are left out. Symbolic links are followed, so that a mounted ConfigMap
// works; links in a circle are followed once.
package discovery
