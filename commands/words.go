package commands

import (
	"crypto/rand"
	_ "embed"
	"fmt"
	"math/big"
	"strings"

	"filehsm/hsmfile/secret"
)

// wordList has at least 2,048 words, so that each adds eleven bits or more.
//
//go:embed words.txt
var wordList string

// passwordLength in words is 66 bits: out of reach for guessing at the price
// of the key derivation, and still typed without a slip.
const passwordLength = 6

// sixWords makes a password. rand.Int draws without bias.
func sixWords() (*secret.Bytes, error) {
	words := strings.Fields(wordList)
	size := big.NewInt(int64(len(words)))
	var made []byte
	for i := range passwordLength {
		n, err := rand.Int(rand.Reader, size)
		if err != nil {
			return nil, fmt.Errorf("failed to generate a password: %w", err)
		}
		if i > 0 {
			made = append(made, '-')
		}
		made = append(made, words[n.Int64()]...)
	}
	return secret.New(made), nil
}
