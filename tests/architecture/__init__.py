"""The rules of the house, held by tests: each rule is a function that lists violations, and is seen to find one."""
