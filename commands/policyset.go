package commands

func policySetLeaf() leaf {
	return leaf{
		name:    "set",
		usage:   "change the rules; what is not named stays as it is",
		example: "filehsm policy set --lockout cloudhsm --as admin\nfilehsm policy set --audit-level all",
		flags: []flag{
			textFlag("lockout", "PRESET", "after wrong passwords: three-strikes, strict or cloudhsm"),
			textFlag("audit-level", "LEVEL", "state enters every change, all every use of a key as well"),
		},
		run: policySet,
	}
}

func policySet(c *call) (*Result, error) {
	if !c.Given("lockout") && !c.Given("audit-level") {
		return nil, usageError("--lockout three-strikes|strict|cloudhsm, --audit-level state|all", "nothing to set")
	}
	s, err := c.act()
	if err != nil {
		return nil, err
	}
	if err := s.SetPolicy(c.ctx, c.Text("lockout"), c.Text("audit-level")); err != nil {
		return nil, err
	}
	data, page, err := c.policyOf(s.Image())
	if err != nil {
		return nil, err
	}
	return &Result{
		Data: append(object{{"message", "Policy set successfully"}}, append(data, member{"image", s.Image().Path()})...),
		View: append(views{note("the policy of " + s.Image().Path() + " is now")}, page...),
	}, nil
}
