package relay

import (
	"testing"

	"google.golang.org/protobuf/types/known/anypb"

	"github.com/serin-mesh/serin/api"
	"github.com/serin-mesh/serin/snapshot"
	"github.com/serin-mesh/serin/xds"
)

// alone gives a node without peers.
func alone() *Node {
	n := New(Options{})
	n.Serve(xds.New(xds.Options{}))
	return n
}

// TestTakeInTerm: what is on its way from an older leader when the lease is read is
// not applied, whether the stream has been cut yet or not.
func TestTakeInTerm(t *testing.T) {
	n, old := alone(), Term{Holder: "a@a", Number: 1}
	n.Heed(old)
	s := &session{node: n, term: old}
	edge := api.Key{Namespace: "default", Name: "edge"}
	say := func(name string) error {
		return s.take(down{Change: &change{Gateway: edge, Set: []resource{
			encode(&snapshot.Resource{Type: snapshot.Cluster, Name: name, Version: "1", Body: &anypb.Any{TypeUrl: "t"}}, false)}}})
	}
	if err := say("in time"); err != nil {
		t.Fatal(err)
	}
	n.Heed(Term{Holder: "b@b", Number: 2})
	if err := say("too late"); err == nil {
		t.Error("it was taken")
	}
	if got := n.target[edge]; len(got) != 1 || got[snapshot.Ref{Type: snapshot.Cluster, Name: "in time"}] == nil {
		t.Errorf("the target is %v", got)
	}
}

// TestAdmitInTerm: nobody follows a leader that it takes for another one's, or one
// that has read that the lease is not its own any more.
func TestAdmitInTerm(t *testing.T) {
	n, own := alone(), Term{Holder: "a@a", Number: 2}
	cut := func() {}
	if n.admit(own, cut) != nil {
		t.Error("it does not lead")
	}
	n.Heed(own)
	f := n.Lead(t.Context(), nil, &Sink{})
	if n.admit(Term{Holder: "a@a", Number: 1}, cut) != nil {
		t.Error("it leads in a later term")
	}
	if p := n.admit(own, cut); p == nil || len(f.peers) != 1 {
		t.Error("it leads")
	}
	n.Heed(Term{Holder: "b@b", Number: 3})
	if n.admit(own, cut) != nil {
		t.Error("another one leads")
	}
}
