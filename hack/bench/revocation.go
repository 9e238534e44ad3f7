package main

import "context"

func (b *bench) revocation(ctx context.Context) error { return nil }
