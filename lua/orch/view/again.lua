--- The commands that a person types after a failure.
---
---     again.job(run, "build:ios")      -- "orch run deploy.lua --only build:ios --channel=beta"

local text = require "orch.view.text"

local again = {}

local function word(value)
  value = text.clean(value)
  if value:find "^[%w_./:=@%%+,-]+$" then return value end
  return require("orch.quote").word(value)
end

--- The params as they were given; those that were not have the same defaults again.
local function given_params(run)
  local words, args, i = {}, run.args or {}, 1
  while i <= #args do
    local name, value = tostring(args[i]):match "^%-%-([%w_-]+)(=?)"
    local known = name and (run.params or {})[name]
    if known == nil and name then known = (run.params or {})[name:gsub("%-", "_")] end
    if known ~= nil then
      words[#words + 1] = tostring(args[i])
      local next_word = args[i + 1]
      if value == "" and type(known) ~= "boolean" and next_word ~= nil then
        i = i + 1
        words[#words + 1] = tostring(next_word)
      end
    end
    i = i + 1
  end
  return words
end

---@param run orch.RunModel
---@param name string of a job
---@return string command that runs this job and none that it needs
function again.job(run, name)
  local words = { "orch", "run", run.script or "FILE", "--only", name }
  local params = given_params(run)
  table.move(params, 1, #params, #words + 1, words)
  for i, value in ipairs(words) do words[i] = word(value) end
  return table.concat(words, " ")
end

---@param run orch.RunModel
---@return boolean whether going on spares anything of this run
function again.resume_helps(run)
  if run.counts.ok + run.counts.skipped > 0 then return true end
  for _, job in ipairs(run.order) do
    for _, step in ipairs(job.steps) do
      if step.state == "done" or step.state == "reused" then return true end
    end
  end
  return false
end

return again
