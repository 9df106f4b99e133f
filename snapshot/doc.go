// Package snapshot turns objects and rollout weights into Envoy resources.
package snapshot
