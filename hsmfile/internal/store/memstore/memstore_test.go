package memstore_test

import (
	"testing"

	"filehsm/hsmfile/internal/store"
	"filehsm/hsmfile/internal/store/memstore"
	"filehsm/hsmfile/internal/store/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return memstore.New() })
}
