package filestore

import "context"

func (s *Store) Scrub(ctx context.Context) error {
	return s.session(ctx, true, func(h *session) error { return nil })
}
