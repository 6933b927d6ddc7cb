// Package ctxio ends a read when a context is done.
package ctxio

import (
	"context"
	"io"
)

// Reader returns r's bytes until ctx is done, from then on ctx's error. It
// looks at ctx between reads; a Read of r that blocks is not interrupted.
// It hides r's other methods, so that io.Copy cannot go round it.
func Reader(ctx context.Context, r io.Reader) io.Reader {
	return reader{ctx, r}
}

type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

// ReadCloser is Reader with c's Close.
func ReadCloser(ctx context.Context, c io.ReadCloser) io.ReadCloser {
	return readCloser{Reader(ctx, c), c}
}

type readCloser struct {
	io.Reader
	io.Closer
}
