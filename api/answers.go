package api

import (
	"slices"
	"strconv"
	"strings"
)

// The answers that count where a guard does not say which.
var (
	errorStatuses  = []string{"5xx"}
	errorCodes     = []string{"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"}
	clientStatuses = []string{"4xx"}
	clientCodes    = []string{"INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED",
		"FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNAUTHENTICATED"}
)

// grpcCodes are the codes of gRPC by number.
// Source: the gRPC specification, "Status codes and their use in gRPC".
var grpcCodes = []string{"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
	"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL",
	"UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"}

// ParseStatus reads an HTTP status of a guard: 429, or 4xx for all of a class.
// It gives the class alone as 4, and false for anything but a client's or a
// server's error.
func ParseStatus(text string) (status int, ok bool) {
	if class, found := strings.CutSuffix(strings.ToLower(text), "xx"); found {
		n, err := strconv.Atoi(class)
		return n, err == nil && (n == 4 || n == 5)
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 400 && n <= 599 && len(text) == 3
}

// ParseGRPCCode reads a code of gRPC by its name; false for OK, which is no
// failure, and for what is none.
func ParseGRPCCode(name string) (code int, ok bool) {
	code = slices.Index(grpcCodes, name)
	return code, code > 0
}

// answers checks which answers a guard counts.
func (c *checker) answers(statuses, codes []string, p path) {
	if statuses != nil && len(statuses) == 0 {
		c.at(CodeGuard, p.with("statuses"), "the list is empty; leave it out for the default")
	}
	for i, s := range statuses {
		if _, ok := ParseStatus(s); !ok {
			c.at(CodeGuard, p.with("statuses", i), "%q is no status of an error; write one from \"400\" to \"599\", \"4xx\" or \"5xx\"", shorten(s))
		}
	}
	if codes != nil && len(codes) == 0 {
		c.at(CodeGuard, p.with("grpcCodes"), "the list is empty; leave it out for the default")
	}
	for i, s := range codes {
		if _, ok := ParseGRPCCode(s); !ok {
			c.at(CodeGuard, p.with("grpcCodes", i), "%q is no gRPC code of a failure; write one such as UNAVAILABLE or NOT_FOUND", shorten(s))
		}
	}
}
