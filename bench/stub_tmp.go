package main

import "context"

func swap(ctx context.Context, m *machine) (*record, error)    { return newRecord("", nil), nil }
func streams(ctx context.Context, m *machine) (*record, error) { return newRecord("", nil), nil }
func growth(ctx context.Context, m *machine) (*record, error)  { return newRecord("", nil), nil }
