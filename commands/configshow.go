package commands

func configNoun() noun {
	return noun{
		name:  "config",
		usage: "the configuration, which is read and never written",
		leaves: []leaf{{
			name:    "show",
			usage:   "show every setting and where its value comes from",
			example: "filehsm config show",
			run:     configShow,
		}},
	}
}

// configShow needs neither image nor login.
func configShow(c *call) (*Result, error) {
	type entry struct {
		Key    string `json:"key"`
		Value  string `json:"value"`
		Origin string `json:"origin"`
	}
	entries := []entry{}
	table := grid{columns: []string{"key", "value", "origin"}}
	for _, s := range c.settings {
		entries = append(entries, entry{s.key, s.value, s.origin})
		table.rows = append(table.rows, []string{s.key, s.value, s.origin})
	}
	return &Result{Data: object{{"settings", entries}}, View: table}, nil
}
