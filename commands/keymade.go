package commands

import (
	"strings"

	"filehsm/hsmfile"
	"filehsm/hsmfile/attr"
)

// keyMade is the result of a command that made one key.
func (c *call) keyMade(im *hsmfile.Image, k *hsmfile.Key) *Result {
	c.warnUseless(k)
	return &Result{
		Data: object{{"key", newKeyObject(k)}, {"image", im.Path()}},
		View: append(facts{
			{"key-reference", attr.FormatReference(k.Reference)},
			{"label", k.Attributes.Label},
			{"key", keySort(k.Attributes)},
			{"can", can(k.Attributes)},
		}, sharedAt(k, im)...),
		Next: c.nextAfterKeys(im),
	}
}

// pairMade is the result of a command that made a key pair.
func (c *call) pairMade(im *hsmfile.Image, public, private *hsmfile.Key) *Result {
	c.warnUseless(private)
	all := facts{{"label", private.Attributes.Label}}
	if public.Attributes.Label != private.Attributes.Label {
		all = facts{{"private label", private.Attributes.Label}, {"public label", public.Attributes.Label}}
	}
	return &Result{
		Data: object{{"public_key", newKeyObject(public)}, {"private_key", newKeyObject(private)}, {"image", im.Path()}},
		View: append(all,
			append(facts{
				{"key pair", keySort(private.Attributes)},
				{"private key", halfOf(private)},
				{"public key", halfOf(public)},
			}, sharedAt(private, im)...)...),
		Next: c.nextAfterKeys(im),
	}
}

// sharedAt ends the facts of a new key: with whom it is shared, if it is, and
// where it lies.
func sharedAt(k *hsmfile.Key, im *hsmfile.Image) facts {
	image := fact{"image", im.Path()}
	if len(k.Shared) == 0 {
		return facts{image}
	}
	return facts{{"shared with", strings.Join(k.Shared, ", ")}, image}
}

func halfOf(k *hsmfile.Key) string {
	return attr.FormatReference(k.Reference) + ", " + k.Attributes.Can()
}

// warnUseless: CloudHSM's defaults allow a new pair nothing, which is found
// out at the first use otherwise.
func (c *call) warnUseless(k *hsmfile.Key) {
	if can(k.Attributes) == "nothing" {
		c.Warn("key %s can do nothing: say what it is for when it is made, for example --usage sign", attr.FormatReference(k.Reference))
	}
}

// nextAfterKeys: a key that is in no backup is lost with the image. Only a
// person at a terminal sees this, so only for him the image is asked.
func (c *call) nextAfterKeys(im *hsmfile.Image) string {
	if !isTerminal(c.world.err) {
		return ""
	}
	vaults, err := im.Vaults(c.ctx)
	if err != nil {
		return ""
	}
	if len(vaults) == 0 {
		return c.line("vault keygen --identity key.txt") + ", then " +
			c.line("vault add NAME DIR --recipient age1... --as %s", c.firstUser(im, hsmfile.CO)) + ", for a backup to go to"
	}
	return c.line("backup create --as %s", c.firstUser(im, hsmfile.AU, hsmfile.CO))
}

// firstUser is the first user of the first role that has one.
func (c *call) firstUser(im *hsmfile.Image, roles ...hsmfile.Role) string {
	users, err := im.Users(c.ctx)
	if err != nil {
		return "NAME"
	}
	for _, role := range roles {
		for _, u := range users {
			if u.Role == role {
				return u.Username
			}
		}
	}
	return "NAME"
}
