-- Runs /bin/true 1,000 times, 8 at a time.
local runs = {}
for i = 1, 1000 do runs[i] = i end
orch.each(runs, function()
  orch.process.run { "/bin/true" }
end, { concurrency = 8 })
