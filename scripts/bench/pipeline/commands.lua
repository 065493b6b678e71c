-- As many jobs of `:` as the param says.
local params = orch.params { n = 10000 }
for i = 1, params.n do orch.job(("job:%05d"):format(i), { run = ":" }) end
