-- 50 jobs at once, for ten seconds, each with a line every two seconds and quiet in
-- between. What orch has used by then, from its first instruction on and in all its
-- threads, goes into the file `used`, as seconds per second.
local JOBS, LINES, PAUSE = 50, 5, 2
local started, names = orch.time(), {}

for i = 1, JOBS do
  names[i] = ("shaders:%02d"):format(i)
  orch.job(names[i], {
    run = ([[
      sleep %.2f
      for i in 1 2 3 4 5; do echo "[$i/%d] compiling variants of pass %d"; sleep %d; done]])
      :format(PAUSE * i / JOBS, LINES, i, PAUSE),
  })
end

orch.job "used" {
  after = names,
  run = function()
    local used = os.clock() / (orch.time() - started)
    orch.fs.write("used", ("seconds %.6f\n"):format(used))
  end,
}
