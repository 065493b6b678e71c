-- The script's arguments come as `...` and as orch.args.
print(...)
print(#orch.args, orch.args[1], orch.args[0])

-- args: one two --three
-- out: one	two	--three
-- out: 3	one	arguments.lua
