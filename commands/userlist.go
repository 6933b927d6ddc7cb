package commands

import (
	"fmt"
	"strconv"

	"filehsm/hsmfile"
)

func userListLeaf() leaf {
	return leaf{
		name:    "list",
		usage:   "list the users; needs no login",
		example: "filehsm user list",
		run:     userList,
	}
}

// userEntry is a user in JSON.
type userEntry struct {
	Username       string `json:"username"`
	Role           string `json:"role"`
	Locked         bool   `json:"locked"`
	FailedAttempts int    `json:"failed-attempts"`
	AttemptsLeft   int    `json:"attempts-left"`
	PasswordSetBy  string `json:"password-set-by"`
}

func userList(c *call) (*Result, error) {
	im, err := c.openImage()
	if err != nil {
		return nil, err
	}
	users, err := im.Users(c.ctx)
	if err != nil {
		return nil, err
	}
	all := []userEntry{}
	for _, u := range users {
		all = append(all, userEntry{u.Username, u.Role.String(), u.Locked, u.FailedAttempts, u.AttemptsLeft, u.PasswordSetBy})
	}
	return &Result{Data: object{{"users", all}}, View: userGrid(users)}, nil
}

func userGrid(users []hsmfile.UserInfo) grid {
	table := grid{columns: []string{"user", "role", "locked", "failed", "attempts left", "password set by"}}
	for _, u := range users {
		table.rows = append(table.rows, []string{
			u.Username, u.Role.String(), yesNo(u.Locked), strconv.Itoa(u.FailedAttempts), attemptsLeft(u), setBy(u),
		})
	}
	return table
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// attemptsLeft says what the last one does: the number alone would look as
// harmless for an officer as for anybody. A zeroized or new image counts none.
func attemptsLeft(u hsmfile.UserInfo) string {
	switch {
	case u.OnLimit == "":
		return "-"
	case u.Locked:
		return "0"
	case u.OnLimit == "lock":
		return fmt.Sprintf("%d, then locked", u.AttemptsLeft)
	}
	return fmt.Sprintf("%d, then the image is wiped", u.AttemptsLeft)
}

// setBy marks a password that somebody else knows.
func setBy(u hsmfile.UserInfo) string {
	switch u.PasswordSetBy {
	case "":
		return "-"
	case u.Username:
		return "the user"
	}
	return u.PasswordSetBy + ", who knows it"
}
