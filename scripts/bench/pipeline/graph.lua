-- Jobs in chains of ten with a job across ten chains: about as many needs as a build has.
local params = orch.params { n = 100000 }
for i = 1, params.n do
  local needs
  if i % 10 ~= 1 then needs = { ("job:%06d"):format(i - 1) } end
  if i % 100 == 0 then
    for k = 1, 9 do needs[k + 1] = ("job:%06d"):format(i - 10 * k) end
  end
  orch.job(("job:%06d"):format(i), { needs = needs, run = ":" })
end
