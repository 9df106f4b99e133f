package sim

import (
	"encoding/json"
	"fmt"

	"github.com/serin-mesh/serin/rollout"
)

// disk is the store: it commits what is queued in order, and forgets in a crash
// what it has not committed.
type disk struct {
	queue []write
	told  []uint64 // generations that are durable, and not told yet

	state   []byte          // as it was committed last; nil: nothing was
	journal [][]byte        // all lines committed
	splits  []rollout.Split // the divisions of all states committed
}

// write is a state and the journal lines that led to it.
type write struct {
	state rollout.State
	lines [][]byte
}

// commit makes the first n queued writes durable.
func (d *disk) commit(n int) error {
	for ; n > 0 && len(d.queue) > 0; n-- {
		w := d.queue[0]
		d.queue = d.queue[1:]
		data, err := json.Marshal(w.state)
		if err != nil {
			return fmt.Errorf("encoding the state: %w", err)
		}
		d.state, d.journal = data, append(d.journal, w.lines...)
		d.splits = append(d.splits, w.state.Split())
		d.told = append(d.told, w.state.Generation)
	}
	return nil
}

// crash keeps what is durable.
func (d *disk) crash() { d.queue, d.told = nil, nil }

// load reads the state back; the zero state where there is none.
func (d *disk) load() (rollout.State, error) {
	var s rollout.State
	if d.state == nil {
		return s, nil
	}
	if err := json.Unmarshal(d.state, &s); err != nil {
		return s, fmt.Errorf("decoding the state: %w", err)
	}
	return s, nil
}

// durable is the division of the stored state; the zero division before any.
func (d *disk) durable() rollout.Split {
	if len(d.splits) == 0 {
		return rollout.Split{}
	}
	return d.splits[len(d.splits)-1]
}

func encodeAll(records []rollout.Record) ([][]byte, error) {
	var lines [][]byte
	for _, r := range records {
		line, err := json.Marshal(r)
		if err != nil {
			return nil, fmt.Errorf("encoding the record %q: %w", r.Kind, err)
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// replay folds encoded records over a state.
func replay(s rollout.State, lines [][]byte) (rollout.State, error) {
	for _, line := range lines {
		var r rollout.Record
		if err := json.Unmarshal(line, &r); err != nil {
			return s, fmt.Errorf("decoding a record: %w", err)
		}
		s = s.Apply(r)
	}
	return s, nil
}
