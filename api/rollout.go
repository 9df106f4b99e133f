package api

// Rollout is a canary of one Service.
type Rollout struct{}
