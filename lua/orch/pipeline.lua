--- Where a script becomes a pipeline: after its body, when it has declared jobs.
---
---     local code = pipeline.finish_body(declare.registry, found, words)

local pipeline = {}

local EXIT_USAGE = 2

---A script without jobs has no use for the options of a pipeline.
---@param found {file: string?, pipeline: string[]}
---@return integer exit_code
function pipeline.without_jobs(found)
  return require("orch.cli.help").fail(("%s declares no jobs, so it has no use for %s"):format(
    found.file or "the script", found.pipeline[1]), nil, nil, "run") or EXIT_USAGE
end

local of_any_run = { "seed", "grace", "slow", "timeout" }

--- What was typed in front of the script and is for any run, as words that may follow it.
local function settings_of(found)
  local words = {}
  for _, key in ipairs(of_any_run) do
    if found[key] then words[#words + 1] = ("--%s=%s"):format(key, found[key]) end
  end
  return words
end

---Runs the jobs that the body has declared.
---@async
---@param registry orch.Registry
---@param found table what was typed in front of the script
---@param words string[] what followed it
---@return integer? exit_code nil where it is just a script
function pipeline.finish_body(registry, found, words)
  if registry.count == 0 then
    if found.pipeline then return pipeline.without_jobs(found) end
    if registry.hooks then
      require("orch.log").warn("notify.at_end and notify.follow tell of the jobs of a script, and "
        .. "this one declares none")
    end
    return nil
  end
  local usage = require "orch.pipeline.usage"
  if usage.asked(words) then
    io.stdout:write(usage.text(registry, found.file or "FILE"))
    return 0
  end
  local all = table.move(found.pipeline or {}, 1, #(found.pipeline or {}), 1, {})
  table.move(words, 1, #words, #all + 1, all)
  if found.describe then -- for orch watch
    return require("orch.pipeline.watch_plan").write(registry, found, all)
  end
  return require("orch.pipeline.run").execute(registry, all, {
    script = found.file or "(command line)", resume = found.resume,
    before = settings_of(found),
  })
end

return pipeline
