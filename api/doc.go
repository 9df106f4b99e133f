// Package api holds the objects that Serin reads and the states that it shows:
// their Go types, their decoding with line numbers, and what is wrong with
// them.
package api
