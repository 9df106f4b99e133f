package admission_test

import (
	"context"
	"crypto/tls"
	"net"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/serin-mesh/serin/admission"
	"github.com/serin-mesh/serin/internal/lab"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestRotation: a certificate that is renewed is the next connection's.
func TestRotation(t *testing.T) {
	authority, err := lab.NewAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var own atomic.Pointer[tls.Certificate]
	certify := func() *tls.Certificate {
		files, err := authority.Sign("webhook", "127.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
		if err != nil {
			t.Fatal(err)
		}
		own.Store(&pair)
		return &pair
	}
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- admission.Serve(ctx, lis, own.Load, nil) }()
	for range 2 {
		want := certify()
		conn, err := tls.Dial("tcp", lis.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		if got := conn.ConnectionState().PeerCertificates[0]; !got.Equal(want.Leaf) {
			t.Errorf("certificate %s, want %s", got.SerialNumber, want.Leaf.SerialNumber)
		}
		_ = conn.Close()
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestListenerEnds: a listener that ends is an error.
func TestListenerEnds(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := lis.Close(); err != nil {
		t.Fatal(err)
	}
	if err := admission.Serve(t.Context(), lis, nil, nil); err == nil {
		t.Error("no error")
	}
}
