package api

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDecimal(t *testing.T) {
	tests := []struct {
		text string
		want Decimal
		err  string
	}{
		{"20", 200_000, ""}, {"12.5", 125_000, ""}, {"0.0001", 1, ""}, {"0", 0, ""}, {"1e1", 100_000, ""},
		{"-1", -10_000, ""}, {"33.3333", 333_333, ""},
		{"0.00001", 0, "more than four decimal places"}, {"1e12", 0, "out of range"}, {`"20"`, 0, "wants a number"},
		{"true", 0, "wants a number"},
	}
	for _, test := range tests {
		var d Decimal
		err := json.Unmarshal([]byte(test.text), &d)
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%s: error %v, want %q", test.text, err, test.err)
			}
			continue
		}
		if err != nil || d != test.want {
			t.Errorf("%s: got %d, %v, want %d", test.text, d, err, test.want)
		}
	}
}

func TestDecimalKeepsItsText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Decimal(rapid.Int64Range(-1e9, 1e9).Draw(t, "d"))
		data, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		var back Decimal
		if err := json.Unmarshal(data, &back); err != nil || back != d {
			t.Fatalf("%d became %s became %d, %v", d, data, back, err)
		}
	})
}

func TestDecimalOf(t *testing.T) {
	tests := []struct {
		d     Decimal
		whole int32
		want  Weight
	}{
		{200_000, 100, 200_000}, {125_000, 100, 125_000}, {0, 100, 0}, {1_000_000, 100, FullWeight},
		{-1, 100, 0}, {2_000_000, 100, FullWeight}, {1_000_000, 300, 333_333}, {10_000, 1_000_000, 1},
		{1, 1_000_000_000, 1},                        // never nothing
		{9_999_999_999, 1_000_000, 999_999},          // never all
		{2_000_000, 300, 666_667},                    // to the nearest
		{1<<62 - 1, 1, FullWeight},                   // no overflow
		{10_000_000_000_000, 2_000_000_000, 500_000}, // no overflow either
	}
	for _, test := range tests {
		if got := test.d.Of(test.whole); got != test.want {
			t.Errorf("%s of %d is %d, want %d", test.d, test.whole, got, test.want)
		}
	}
}

func TestDecimalOfRises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := rapid.Int32Range(1, 1<<31-1).Draw(t, "whole")
		most := int64(whole) * decimalScale
		a := Decimal(rapid.Int64Range(0, most).Draw(t, "a"))
		b := Decimal(rapid.Int64Range(int64(a), most).Draw(t, "b"))
		wa, wb := a.Of(whole), b.Of(whole)
		if wa > wb || wb > FullWeight {
			t.Fatalf("%s gives %d, %s gives %d", a, wa, b, wb)
		}
		if (wa == 0) != (a == 0) || (wa == FullWeight) != (int64(a) == most) {
			t.Fatalf("%s of %d is %d: only nothing is 0 and only all is everything", a, whole, wa)
		}
	})
}

func TestDuration(t *testing.T) {
	tests := []struct {
		text string
		want time.Duration
	}{
		{"10", 10 * time.Second}, {`"10"`, 10 * time.Second}, {`"10s"`, 10 * time.Second}, {`"10m"`, 10 * time.Minute},
		{`"1h"`, time.Hour}, {`"1m30s"`, 90 * time.Second}, {`"100ms"`, 100 * time.Millisecond}, {"0", 0}, {`"-1s"`, -time.Second},
	}
	for _, test := range tests {
		var d Duration
		if err := json.Unmarshal([]byte(test.text), &d); err != nil || d.Duration != test.want {
			t.Errorf("%s: got %s, %v, want %s", test.text, d.Duration, err, test.want)
		}
		if data, err := json.Marshal(d); err != nil || string(data) != test.text {
			t.Errorf("%s came back as %s, %v", test.text, data, err)
		}
	}
	for _, text := range []string{`"1d"`, `""`, "1.5", "true", "{}", `"soon"`} {
		var d Duration
		if err := json.Unmarshal([]byte(text), &d); err == nil {
			t.Errorf("%s was taken for %s", text, d.Duration)
		}
	}
	if data, _ := json.Marshal(NewDuration(time.Minute)); string(data) != `"1m0s"` {
		t.Errorf("a new duration is written %s", data)
	}
}
