-- As many jobs of `:` as the param says.
orch.params { n = 10000 }
for i = 1, orch.params.n do orch.job(("job:%05d"):format(i), { run = ":" }) end
