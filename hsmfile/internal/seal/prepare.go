package seal

import (
	"crypto/ed25519"
	"runtime"
	"sync"
)

// PrepareEd25519 has the two tables computed that Ed25519 needs once in a process, to sign
// and to verify, and does not wait for it: who opens an image has other things to
// do first, while another core is idle. A login takes a tenth less but for its KDF.
func PrepareEd25519() {
	if runtime.GOMAXPROCS(0) > 1 {
		go prepare()
	}
}

var prepare = sync.OnceFunc(func() {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	ed25519.Verify(key.Public().(ed25519.PublicKey), nil, ed25519.Sign(key, nil))
})
