--- The records of the event log as they happen, one JSON object per line on standard
--- output, those with the jobs' output too.
---
---     orch run --ui json deploy.lua | jq -r 'select(.event == "output") | .text'

local json = require "orch.json"
local valid = require("orch.pipeline.text").valid

local Json = {}
Json.__index = Json

--- What is not UTF-8 would be no JSON.
local function clean(value)
  if type(value) == "string" then return valid(value) end
  if type(value) ~= "table" or getmetatable(value) ~= nil then return value end
  local copy = {}
  for key, item in next, value do copy[clean(key)] = clean(item) end
  return copy
end

local function encode(fields)
  local ok, body = pcall(json.encode, fields, { sorted = true })
  return ok and body or json.encode(clean(fields), { sorted = true })
end

---@param record table
function Json:event(record)
  local fields = {}
  for key, value in next, record do
    if key ~= "t" and key ~= "event" then fields[key] = value end
  end
  local rest = next(fields) ~= nil and "," .. encode(fields):sub(2) or "}"
  self.out:write(('{"t":%.6f,"event":"%s"%s\n'):format(record.t, record.event, rest))
end

---What the script prints outside of its jobs is a record without a job.
---@param words string
function Json:print(words)
  self:event { event = "output", t = self.run_model.now, text = words }
end

---@async
function Json:run() end

function Json:pause() end

function Json:resume() end

function Json:close() end

Json.__close = Json.close

--- What this session has written already, before it was watched.
local function earlier(folder)
  local file = folder and io.open(folder .. "/events.jsonl", "rb")
  if not file then return "" end
  local _ <close> = file
  local kept = {}
  for line in file:lines "L" do
    local event = line:match '^{"t":[%d.]+,"event":"(run_%a+)"'
    if event == "run_start" or event == "run_resume" then kept = {} end
    kept[#kept + 1] = line
  end
  return table.concat(kept)
end

---@param run orch.RunModel
---@param out orch.ViewOut
---@param opts {folder: string?}
return function(run, out, opts)
  if #run.sessions > 0 then out:write(earlier(opts.folder)) end
  return setmetatable({ run_model = run, out = out }, Json)
end
