--- A folder with a pipeline in it, and orch run in there: for the tests of runs.
---
---     local project = pipelines.new [[ orch.job "a" { run = "echo hi" } ]]
---     local result = project:run("-k")           -- orch run --ui plain deploy.lua -k
---     expect(project:last "job_end".status):equals "ok"

local events = require "orch.pipeline.events"
local test = require "orch.test"

local pipelines = {}

local Project = {}
Project.__index = Project

---@param script string of deploy.lua
---@param folder string? default: a new one
function pipelines.new(script, folder)
  local project = setmetatable({ folder = folder or test.temp_dir() }, Project)
  project:write("deploy.lua", script)
  return project
end

function Project:write(path, text)
  orch.fs.write(self.folder .. "/" .. path, text, { sync = false })
end

function Project:read(path)
  return orch.fs.read(self.folder .. "/" .. path)
end

function Project:exists(path)
  return orch.fs.exists(self.folder .. "/" .. path)
end

function Project:remove(path)
  orch.fs.remove(self.folder .. "/" .. path, { recursive = true })
end

--- `env` in a table with names among the words.
function Project:orch(words, env)
  local all = { NO_COLOR = "1", GITHUB_ACTIONS = false, TERM = false }
  for name, value in pairs(env or {}) do all[name] = value end
  return test.run(words, { cwd = self.folder, timeout = "60s", env = all })
end

function Project:run(...)
  return self:orch { "run", "--ui", "plain", "deploy.lua", ... }
end

function Project:runs()
  local p = { folder = self.folder, orch = self.folder .. "/.orch" }
  return require("orch.pipeline.project").runs(p)
end

---@return string path of the latest run's folder
function Project:latest()
  local ids = self:runs()
  return self.folder .. "/.orch/runs/" .. ids[#ids]
end

---@return table[] records of the latest run, those of one event only where it is named
function Project:events(name)
  local list = {}
  for record in events.read(self:latest() .. "/events.jsonl") do
    if not name or record.event == name then list[#list + 1] = record end
  end
  return list
end

---@param job string?
---@return table? record the latest of that event
function Project:last(name, job)
  local found
  for _, record in ipairs(self:events(name)) do
    if not job or record.job == job then found = record end
  end
  return found
end

--- "a:start a:end(ok) b:skip ...", of those events.
function Project:story()
  local words = { job_start = "start", job_retry = "retry", job_skip = "skip" }
  local out = {}
  for _, record in ipairs(self:events()) do
    if words[record.event] then
      out[#out + 1] = record.job .. ":" .. words[record.event]
    elseif record.event == "job_end" then
      out[#out + 1] = record.job .. ":" .. record.status
    elseif record.event == "job" and record.skip then
      out[#out + 1] = record.job .. ":fresh"
    elseif record.event == "up_to_date" then
      for _, name in ipairs(record.jobs) do out[#out + 1] = name .. ":fresh" end
    end
  end
  return table.concat(out, " ")
end

--- The process in the background, once the log of its run has what is waited for.
---@param ready string a plain text in the events
function Project:start(words, ready)
  local command = { require("orch.core.runtime").executable(), table.unpack(words) }
  command.cwd, command.check = self.folder, false
  command.env = { NO_COLOR = "1", GITHUB_ACTIONS = false, TERM = false }
  local process = orch.process.spawn(command)
  self:wait_for(ready)
  return process
end

function Project:wait_for(ready)
  for _ = 1, 2000 do
    if #self:runs() > 0 then
      local path = self:latest() .. "/events.jsonl"
      if orch.fs.exists(path) and orch.fs.read(path):find(ready, 1, true) then return end
    end
    orch.sleep(0.01)
  end
  error("it never came: " .. ready)
end

return pipelines
