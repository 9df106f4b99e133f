package store

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"runtime/debug"

	"go.etcd.io/bbolt"
)

// A data file is read again after a crash, and by then a disk may have torn or
// changed it. bbolt has a sum over its two first pages only, and takes the rest
// as it is. So each value has a sum of its own, which covers its key too; the
// number of the Rollouts and of the objects is kept beside them; and the lines
// of a journal are numbered. A Rollout that went missing would otherwise be a
// new one, whose version is stable at once.

// sumSize is how many bytes of a value are its sum: CRC-32C, big endian, in
// front.
const sumSize = 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sealed gives a value with its sum.
func sealed(key, data []byte) []byte {
	sum := crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, data)
	return append(binary.BigEndian.AppendUint32(make([]byte, 0, sumSize+len(data)), sum), data...)
}

// unsealed gives a value without its sum, where that is right.
func unsealed(key, value []byte) ([]byte, error) {
	if len(value) < sumSize || string(sealed(key, value[sumSize:])[:sumSize]) != string(value[:sumSize]) {
		return nil, fmt.Errorf("%w: the value of %q is not what was written", ErrDamaged, key)
	}
	return value[sumSize:], nil
}

func putJSON(b *bbolt.Bucket, key []byte, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return b.Put(key, sealed(key, data))
}

// readJSON reads a value of putJSON.
func readJSON(key, value []byte, into any) error {
	data, err := unsealed(key, value)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%w: the value of %q: %w", ErrDamaged, key, err)
	}
	return nil
}

// counted is how many entries a bucket must have; in meta.
type counted struct {
	Rollouts int `json:"rollouts"`
	Objects  int `json:"objects"`
}

// counts reads it.
func counts(tx *bbolt.Tx) (c counted, err error) {
	if raw := tx.Bucket(bucketMeta).Get(keyCounts); raw != nil {
		err = readJSON(keyCounts, raw, &c)
	}
	return c, err
}

// seal gives the values of a file without sums theirs.
func seal(tx *bbolt.Tx) error {
	var c counted
	var err error
	if c.Rollouts, err = sealAll(tx.Bucket(bucketRollouts)); err != nil {
		return err
	}
	if objects := tx.Bucket(bucketObjects); objects != nil {
		if c.Objects, err = sealAll(objects); err != nil {
			return err
		}
	}
	journals := tx.Bucket(bucketJournal)
	err = journals.ForEachBucket(func(name []byte) error {
		_, err := sealAll(journals.Bucket(name))
		return err
	})
	if err != nil {
		return err
	}
	meta := tx.Bucket(bucketMeta)
	if _, err := sealAll(meta); err != nil {
		return err
	}
	if err := putJSON(meta, keyCounts, c); err != nil {
		return err
	}
	return meta.Put(keyFormat, []byte(format)) // the one value without a sum
}

// sealAll does it in one bucket, and counts.
func sealAll(b *bbolt.Bucket) (int, error) {
	all := map[string][]byte{} // a bucket must not be changed while it is walked
	err := b.ForEach(func(k, v []byte) error {
		all[string(k)] = sealed(k, v)
		return nil
	})
	for k, v := range all {
		if err == nil {
			err = b.Put([]byte(k), v)
		}
	}
	return len(all), err
}

// guarded calls what touches the file, and makes an error of a panic or a fault
// in it: bbolt trusts the pages that it maps, and one that was changed, or has
// gone from under it, leads anywhere.
func guarded(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrDamaged, p)
		}
	}()
	return f()
}
