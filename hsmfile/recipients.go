package hsmfile

import (
	"slices"
	"strings"

	"filippo.io/age"
)

// CheckRecipients parses age recipients (age1…, age1pq1…) and refuses what age
// would refuse at three in the morning: none, too many, one twice, or classic
// and post-quantum ones together.
func CheckRecipients(all []string) error {
	if len(all) == 0 || len(all) > maxRecipients {
		return refuse(ErrUsage, "make an identity with filehsm vault keygen --identity FILE, and name its recipient", "a vault has 1 to %d recipients", maxRecipients)
	}
	families := map[string]string{}
	for i, text := range all {
		if slices.Contains(all[:i], text) {
			return refuse(ErrUsage, "name it once", "recipient %s is named twice", shorten(text))
		}
		_, family, err := parseRecipient(text)
		if err != nil {
			return err
		}
		families[family] = text
	}
	if len(families) > 1 {
		return refuse(ErrUsage, "use recipients of one family in a vault; a second vault can have the other", "classic and post-quantum recipients cannot be mixed: an age file of both would be as weak as the weaker one")
	}
	return nil
}

// parseRecipient reads one recipient and says which family it is of.
func parseRecipient(text string) (age.Recipient, string, error) {
	if r, err := age.ParseX25519Recipient(text); err == nil {
		return r, "classic", nil
	}
	if r, err := age.ParseHybridRecipient(text); err == nil {
		return r, "post-quantum", nil
	}
	if strings.HasPrefix(strings.ToUpper(text), "AGE-SECRET-KEY-") {
		return nil, "", refuse(ErrUsage, "a recipient begins with age1; age-keygen -y FILE prints it", "a secret identity was given where a recipient belongs")
	}
	return nil, "", refuse(ErrUsage, "a recipient begins with age1; filehsm vault keygen prints one", "invalid recipient %q", shorten(text))
}

// shorten keeps a post-quantum recipient of 1,959 characters off the screen.
func shorten(text string) string {
	if len(text) <= 70 {
		return text
	}
	return text[:40] + "…" + text[len(text)-8:]
}

func parseRecipients(all []string) ([]age.Recipient, error) {
	var out []age.Recipient
	for _, text := range all {
		r, _, err := parseRecipient(text)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}
