package api

import (
	"encoding/json"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// Weight is a share of the traffic in millionths: FullWeight is all of it.
type Weight = uint32

// FullWeight is the whole traffic.
const FullWeight Weight = 1_000_000

// decimalScale is the resolution of a Decimal: four places after the point.
const decimalScale = 10_000

// Decimal is a number with up to four decimal places, kept exactly, in
// ten-thousandths: 12.5 is Decimal(125000).
type Decimal int64

// Float gives the number as a float64.
func (d Decimal) Float() float64 { return float64(d) / decimalScale }

// String gives the shortest decimal form, such as 12.5.
func (d Decimal) String() string { return strconv.FormatFloat(d.Float(), 'f', -1, 64) }

// MarshalJSON gives a JSON number.
func (d Decimal) MarshalJSON() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalJSON takes a JSON number with at most four decimal places. null
// changes nothing.
func (d *Decimal) UnmarshalJSON(data []byte) error {
	text := string(data)
	if text == "null" {
		return nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return fmt.Errorf("wants a number, such as 20 or 12.5, not %s", text)
	}
	if f > 1e9 || f < -1e9 {
		return fmt.Errorf("the number %s is out of range", text)
	}
	scaled := strconv.FormatFloat(f*decimalScale, 'f', 3, 64)
	whole, ok := strings.CutSuffix(scaled, ".000")
	if !ok {
		return fmt.Errorf("the number %s has more than four decimal places", text)
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return fmt.Errorf("reading the number %s: %w", text, err)
	}
	*d = Decimal(n)
	return nil
}

// Of gives d as a share of whole, in millionths, rounded to the nearest; it is
// 0 or FullWeight only when d is nothing or all of whole.
func (d Decimal) Of(whole int32) Weight {
	all := int64(whole) * decimalScale
	switch {
	case d <= 0:
		return 0
	case int64(d) >= all:
		return FullWeight
	}
	high, low := bits.Mul64(uint64(d), uint64(FullWeight)) // more than 64 bits where whole is large
	low, carry := bits.Add64(low, uint64(all)/2, 0)
	w, _ := bits.Div64(high+carry, low, uint64(all))
	return Weight(min(max(w, 1), uint64(FullWeight)-1))
}

// Duration is a length of time as Argo writes it: 10, "10", "10s", "10m" or
// "1h"; a bare number means seconds.
type Duration struct {
	time.Duration
	text string // as it was written, a JSON value
}

// NewDuration gives d in the form that it takes in a file.
func NewDuration(d time.Duration) Duration {
	text, _ := json.Marshal(d.String())
	return Duration{Duration: d, text: string(text)}
}

// MarshalJSON gives the duration as it was written.
func (d Duration) MarshalJSON() ([]byte, error) {
	if d.text == "" {
		return json.Marshal(d.Duration.String())
	}
	return []byte(d.text), nil
}

// UnmarshalJSON takes a number or a string. null changes nothing.
func (d *Duration) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	text := string(data)
	if data[0] == '"' {
		if err := json.Unmarshal(data, &text); err != nil {
			return fmt.Errorf("reading a duration: %w", err)
		}
	}
	length, err := parseDuration(text)
	if err != nil {
		return err
	}
	*d = Duration{Duration: length, text: string(data)}
	return nil
}

// parseDuration reads seconds or Go's form of a duration.
func parseDuration(text string) (time.Duration, error) {
	if n, err := strconv.ParseInt(text, 10, 32); err == nil {
		return time.Duration(n) * time.Second, nil
	}
	length, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%s is no duration: write seconds, such as 30, or 30s, 10m, 1h", text)
	}
	return length, nil
}
