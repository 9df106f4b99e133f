// Package api holds the objects that Serin reads and the states that it shows:
// their Go types, their decoding with line numbers, and what is wrong with
// them.
//
// Decode reads a file. It gives each object with the defaults that the
// Kubernetes API would fill in, and what is wrong with each by itself. Validate
// and Compare then look at all objects together, and Collect makes a set of
// them:
//
//	docs, findings := api.Decode("shop.yaml", data)
//	findings = append(findings, api.Validate(docs)...)
//	if !api.HasErrors(findings) {
//		objects := api.Collect(docs, before)
//	}
//
// Every function here is pure and may be called from any goroutine. What always
// holds:
//
//  1. An object that Decode gives, and a set that Collect gives, are immutable.
//  2. Everything wrong is found at once, each at the line and column, counted
//     from 1 in characters, of the key or value that is to blame.
//  3. No field is left out in silence: it is acted on, kept with a warning, or
//     refused.
//  4. No finding shows a value of a Secret, and File.WithoutSecrets leaves none.
//  5. Finding codes keep their meaning; Codes lists them.
package api
