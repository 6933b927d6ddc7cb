package commands

import (
	"context"
	"fmt"
	"strings"

	"filehsm/hsmfile"
	"filehsm/hsmfile/attr"
)

func keyShareLeaf() leaf {
	return leaf{
		name:    "share",
		usage:   "let another CU use one of your keys, and nothing else",
		example: "filehsm key share --filter tls --username bob --role crypto-user",
		flags:   sharingFlags("the key to share", "who may use it"),
		run: func(c *call) (*Result, error) {
			return keySharing(c, "shared", "with", (*hsmfile.Session).Share)
		},
	}
}

func keyUnshareLeaf() leaf {
	return leaf{
		name:    "unshare",
		usage:   "take a key back; it is sealed anew, under a key that the other never had",
		example: "filehsm key unshare --filter tls --username bob --role crypto-user",
		flags:   sharingFlags("the key to take back", "who may not use it any more"),
		run: func(c *call) (*Result, error) {
			return keySharing(c, "unshared", "from", (*hsmfile.Session).Unshare)
		},
	}
}

func sharingFlags(key, user string) []flag {
	return []flag{
		filterFlag("filter", key),
		textFlag("username", "NAME", user),
		textFlag("role", "ROLE", "his role, which is CU"),
	}
}

// sharing is one of the two ways to change with whom a key is shared.
type sharing func(*hsmfile.Session, context.Context, attr.Filter, string) (*hsmfile.Key, error)

func keySharing(c *call, did, toWhom string, change sharing) (*Result, error) {
	f, err := c.oneKey("filter")
	if err != nil {
		return nil, err
	}
	im, err := c.openImage()
	if err != nil {
		return nil, err
	}
	u, err := c.keyUser(im)
	if err != nil {
		return nil, err
	}
	s, err := c.actOn(im, "")
	if err != nil {
		return nil, err
	}
	k, err := change(s, c.ctx, f, u.Username)
	if err != nil {
		return nil, err
	}
	ref := attr.FormatReference(k.Reference)
	return &Result{
		Data: object{
			{"message", "Key " + did + " successfully"}, {"key-reference", ref},
			{"shared-users", keyUsers(k.Shared...)}, {"image", im.Path()},
		},
		View: facts{
			{did, fmt.Sprintf("key %s, %q, %s, %s %s", ref, k.Attributes.Label, k.Attributes.Describe(), toWhom, u.Username)},
			{"now shared with", orNobody(k.Shared)},
			{"image", im.Path()},
		},
		Next: c.nextAfterKeys(im),
	}, nil
}

// keyUser is the CU that --username names.
func (c *call) keyUser(im *hsmfile.Image) (*hsmfile.UserInfo, error) {
	role, err := c.roleFlag()
	if err == nil && role != 0 && role != hsmfile.CU {
		err = usageError("leave it out, or --role crypto-user", "a key is shared with a CU, not with the role %s", role)
	}
	if err != nil {
		return nil, err
	}
	u, err := c.actedOn(im)
	if err == nil && u.Role != hsmfile.CU {
		err = notShared(im, u)
	}
	return u, err
}

func notShared(im *hsmfile.Image, u *hsmfile.UserInfo) error {
	return usageError(program+" user list shows the users and their roles", "%s: a key is shared with another CU, not with %q (%s)", im.Path(), u.Username, u.Role)
}

func orNobody(names []string) string {
	if len(names) == 0 {
		return "nobody"
	}
	return strings.Join(names, ", ")
}
