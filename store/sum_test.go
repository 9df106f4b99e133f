package store

import (
	"bytes"
	"errors"
	"testing"
)

// FuzzUnsealed: a value is read as it was written, and not when its key, its sum
// or a byte of it is another one; whatever else lies there is refused.
func FuzzUnsealed(f *testing.F) {
	f.Add([]byte("default/shop"), []byte(`{"state":{"stage":"Aborted"}}`), uint(3))
	f.Add([]byte{}, []byte{}, uint(0))
	f.Add([]byte("freeze"), []byte("null"), uint(1<<20))
	f.Fuzz(func(t *testing.T, key, data []byte, at uint) {
		value := sealed(key, data)
		if got, err := unsealed(key, value); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%q was written, and %q, %v read", data, got, err)
		}
		bit := at % uint(8*len(value))
		value[bit/8] ^= 1 << (bit % 8)
		if _, err := unsealed(key, value); !errors.Is(err, ErrDamaged) {
			t.Fatalf("bit %d is another one: %v", bit, err)
		}
		if _, err := unsealed(append([]byte("x"), key...), sealed(key, data)); !errors.Is(err, ErrDamaged) {
			t.Fatalf("the key is another one: %v", err)
		}
		var into any
		_ = readJSON(key, data, &into) // no panic
	})
}
