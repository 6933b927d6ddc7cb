package mem_test

import (
	"testing"

	"filehsm/vault"
	"filehsm/vault/mem"
	"filehsm/vault/vaulttest"
)

func TestConformance(t *testing.T) {
	vaulttest.Run(t, func(*testing.T) vault.Vault { return mem.New(vault.NewID()) })
}
