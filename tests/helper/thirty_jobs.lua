--- A pipeline of thirty jobs that write down what they do: for tests that kill it.
---
---     EFFECTS=effects SESSION=1 KILL_AT=57 KILL_WHEN=before orch run thirty_jobs.lua
---
--- Each line of the effects is "SESSION NAME". With KILL_AT the process kills itself before
--- or after it appends so often to its event log; KILL_AT=end is the end of the run.

--- Asks for both each time: what a job captures is part of its definition.
local function effect(name)
  local file <close> = assert(io.open(os.getenv "EFFECTS", "a"))
  file:write(os.getenv "SESSION", " ", name, "\n")
end

--- In the place of the journal's own `append`, so that the product needs no hook.
local function kill_at(count, when)
  local journals = require "orch.core.journal"
  local probe <close> = journals.open "/dev/null"
  local methods, appended = getmetatable(probe), 0
  local append = methods.append
  local function die()
    os.execute "kill -KILL $PPID"
  end
  function methods.append(journal, text)
    if not text:find '^{"t":' then return append(journal, text) end
    appended = appended + 1
    if count == "end" and text:find '"event":"run_end"' then count = appended end
    if appended == count and when == "before" then die() end
    append(journal, text)
    if appended == count and when == "after" then die() end
  end
end

if os.getenv "KILL_AT" then kill_at(tonumber(os.getenv "KILL_AT") or "end", os.getenv "KILL_WHEN") end

local function write(path, text)
  local file <close> = assert(io.open(path, "w"))
  file:write(text)
end

local mark = orch.params { mark = "plain" }
orch.pools { gate = 2 }

for i = 1, 6 do
  orch.job("fetch:" .. i) {
    run = function(job)
      print("fetching " .. i)
      effect(job.name)
      return { number = i, mark = mark.mark }
    end,
  }
  orch.job("gen:" .. i) {
    needs = { "fetch:" .. i }, inputs = { "source.txt" }, outputs = { "gen/" .. i .. ".txt" },
    run = ("mkdir -p gen && echo $SESSION gen:%d >> $EFFECTS && cat source.txt > gen/%d.txt")
      :format(i, i),
  }
  orch.job("build:" .. i) {
    needs = { "gen:" .. i }, pools = { gate = 1 },
    run = function(job)
      local compiled = orch.step("compile", function()
        effect(job.name .. " compile")
        return { object = "o" .. i }
      end)
      local linked = orch.step("link", function()
        effect(job.name .. " link")
        return compiled.object .. ".exe"
      end)
      orch.step("nothing", function() effect(job.name .. " nothing") end)
      effect(job.name)
      return { exe = linked, from = orch.result("fetch:" .. i).number }
    end,
  }
end

orch.job "upload" {
  needs = { "build:*" },
  run = function(job)
    local done = orch.map({ "a", "b", "c", "d", "e", "f" }, function(item)
      return orch.step("item " .. item, function()
        orch.sleep(0.001)
        effect(job.name .. " " .. item)
        return item:upper()
      end)
    end, { concurrency = 3 })
    effect(job.name)
    return done
  end,
}

for i = 1, 3 do
  orch.job("flaky:" .. i) {
    needs = { "fetch:" .. i }, retry = { attempts = 3, base = 0 }, priority = i,
    run = function(job)
      orch.step("first", function() effect(job.name .. " first") end)
      if not io.open("tried-" .. i) then
        write("tried-" .. i, "")
        orch.error { kind = "network", message = "not yet" }
      end
      effect(job.name)
    end,
  }
end

for i = 1, 4 do
  orch.job("pack:" .. i) {
    needs = { "upload" }, inputs = { "gen/*.txt" }, outputs = { "pack/" .. i .. ".zip" },
    run = function(job)
      orch.fs.mkdir "pack"
      local parts = {}
      for n = 1, 6 do parts[n] = orch.result("build:" .. n).exe end
      write("pack/" .. i .. ".zip", table.concat(parts, " "))
      effect(job.name)
      return { pack = i }
    end,
  }
end

orch.job "all" { needs = { "pack:*", "flaky:*" } }
orch.job "sign" {
  needs = { "all" }, outputs = { "signed" },
  run = { { "sh", "-c", "echo $SESSION sign >> $EFFECTS" }, "cat pack/*.zip > signed" },
}
orch.job "publish" {
  needs = { "sign" },
  run = function(job)
    local sum = 0
    for _, pack in pairs(orch.results "pack:*") do sum = sum + pack.pack end
    effect(job.name)
    return sum
  end,
}
orch.job "notify" { when = "always", run = function(job) effect(job.name) end }
