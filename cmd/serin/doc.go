// Serin is the program: the server, and the commands that talk to it.
//
// Each command is one file and only wires parts together. What they share:
//
//   - root.go: the tree of commands, exit codes, messages
//   - client.go, events.go: the HTTP API from the other side
//   - output.go, table.go: the forms of -o
//   - view.go, step.go, evidence.go: one Rollout as text
//   - serve.go: the server, also for use within another command
//   - series.go, plan.go, simulation*.go: one Rollout in virtual time
//   - moment.go: where Rollouts stand in a translation; goal.go: in a wait
//
// Data goes to stdout and messages to stderr. The program exits with 0 when it
// did what was asked, 1 on bad usage and failed I/O, 2 when an action does not
// apply, objects have errors or a rollout ended otherwise than was asked, 3 when
// the time was over, and 4 when a rollout waits for a person.
package main
