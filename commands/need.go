package commands

import (
	"fmt"
	"slices"
	"strings"
)

// Need is the value of a flag without which its command cannot do anything.
// The library's own required flags print its help to standard output.
func (c *call) Need(name string) (string, error) {
	if value := c.Text(name); value != "" {
		return value, nil
	}
	return "", usageError(c.name()+" --help", "%q needs --%s", c.name(), name)
}

// name is the command as the user types it.
func (c *call) name() string {
	var words []string
	for _, at := range c.cli.Lineage() {
		if at.Command != nil && at.Command.Name != "" {
			words = append(words, at.Command.Name)
		}
	}
	slices.Reverse(words)
	return strings.Join(words, " ")
}

// line is a command to type next. It names the image where this line did, so
// that it does the right thing as it stands.
func (c *call) line(format string, args ...any) string {
	text := program + " " + fmt.Sprintf(format, args...)
	if image := c.settings.get("image"); image.origin == "--image" {
		text += " --image " + shellQuoted(image.value)
	}
	return text
}

// shellQuoted is a word as a shell reads it.
func shellQuoted(word string) string {
	const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,@+="
	if word != "" && strings.Trim(word, safe) == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
