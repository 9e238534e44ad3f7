package authserver

import (
	"context"
	"log/slog"
	"time"

	"clientele.dev/clientele/authserver/oauth"
)

// keepStorage examines the storage until ctx ends.
func (s *Server) keepStorage(ctx context.Context) {
	ticker := time.NewTicker(s.options.LeaseEvery)
	defer ticker.Stop()
	for {
		s.ExamineStorage(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// ExamineStorage looks how it goes with the storage, as the server does by itself every
// few seconds, and tells the log and registrars.
func (s *Server) ExamineStorage(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, s.options.LeaseEvery)
	defer cancel()
	last, _ := s.health.storage.get()
	next := s.options.Store.Examine(ctx)
	s.health.storage.set(&next, sameStorage)
	if last == nil && next.State == oauth.StorageAvailable || last != nil && sameStorage(last, &next) {
		return
	}
	s.log.Log(ctx, storageLevel(next.State), "storage", "state", next.State, "reason", next.Message)
}

// sameStorage: another message alone is no news.
func sameStorage(last, next *oauth.StorageReport) bool { return last.State == next.State }

func storageLevel(state oauth.StorageState) slog.Level {
	switch state {
	case oauth.StorageAvailable:
		return slog.LevelInfo
	case oauth.StorageAlmostFull, oauth.StorageRestartNeeded:
		return slog.LevelWarn
	}
	return slog.LevelError
}
