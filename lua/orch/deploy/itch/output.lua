--- What butler prints: a JSON object on each line, beside plain words and tables.

local errors = require "orch.core.error"
local failure = require "orch.deploy.failure"
local json = require "orch.json"
local tool = require "orch.deploy.tool"

local output = {}

---@class orch.deploy.itch.Output
---@field processing boolean? the build has arrived
---@field unchanged boolean? nothing was sent
---@field build_id integer?
---@field parent_id integer?
---@field patch string?
---@field problem string? butler's reason to give up
---@field channels table[] of `butler status`
local Output = {}
Output.__index = Output

--- The sign before a build says how it is, in three alphabets.
local signs = {
  ["✓"] = "completed", ["√"] = "completed", ["<"] = "completed",
  ["•"] = "processing", ["∙"] = "processing", [">"] = "processing",
}

--- "√ #40017 (from #39264)", "  #40021 (started)", "No builds yet".
local function build_of(cell)
  local sign, id, rest = cell:match "^(%S*)%s*#(%d+)(.*)$"
  if not id then return {} end
  return { build_id = math.tointeger(id), parent_id = math.tointeger(rest:match "from #(%d+)"),
    state = signs[sign] or rest:match "^%s*%((%l+)%)" or "unknown" }
end

--- | channel | #upload | sign #build | version |; a row without a name is about the build that
--- is to follow.
local function table_row(self, line)
  local cells = {}
  for cell in line:gmatch "%s*([^|]-)%s*|" do cells[#cells + 1] = cell end
  table.remove(cells, 1) -- before the first line
  if not cells[3] or cells[1] == "CHANNEL" then return end
  local build = build_of(cells[3])
  if cells[1] == "" then
    local last = self.channels[#self.channels]
    if last then last.pending = build end
    return
  end
  build.channel, build.upload_id = cells[1], math.tointeger(cells[2]:match "%d+")
  if cells[4] and cells[4] ~= "" then build.version = cells[4] end
  self.channels[#self.channels + 1] = build
end

local function words(self, text)
  if text:find("Build is now processing", 1, true) then self.processing = true end
  if text:find("No changes and --if-changed used", 1, true) then self.unchanged = true end
  if text:find " patch %(" then self.patch = text:match "([%d.]+ %a+ patch %b())" end
  self.parent_id = math.tointeger(text:match "last build is (%d+)") or self.parent_id
end

local function ask_for_login(self)
  failure.throw(self.service, { kind = "auth", what = self.what, reason = "login",
    words = "butler is not logged in on this machine",
    hint = "give the option `key` (https://itch.io/user/settings/api-keys), or run "
      .. "`butler login`" })
end

local taken = {}

function taken.log(self, line) words(self, tostring(line.message or "")) end

function taken.progress(self, line)
  if self.on_progress and math.type(line.progress) then
    self.on_progress(math.max(0, math.min(1, line.progress)))
  end
end

function taken.error(self, line) self.problem = tostring(line.message or "") end

function taken.result(self, line)
  local value = type(line.value) == "table" and line.value or {}
  self.build_id = math.tointeger(value.buildId or value.build_id) or self.build_id
end

taken.login = ask_for_login

--- Words that say of what kind a problem is, where there is no status.
local kinds = {
  { "auth", "invalid api key", "invalid key", "missing authorization", "authenticat" },
  { "network", "dial tcp", "no such host", "connection re", "i/o timeout", "timed out",
    "unexpected eof", "network is unreachable", "tls handshake" },
  { "rejected", "invalid game", "invalid target", "not found", "no such", "doesn't exist",
    "invalid channel" },
}

---Raises what butler gave as its reason to fail.
---@param result orch.ProcessResult
---@param tail string[]
function Output:check(result, tail)
  local problem = self.problem
  if not problem and not result.ok and not (self.processing or self.unchanged) then
    problem = tail[#tail] or ("butler %s and said nothing"):format(tool.ending(result))
  end
  if not problem then return end
  local status = math.tointeger(problem:match "API error %((%d+)%)")
  local fields = { what = self.what, words = problem, status = status, output = tail,
    exit_code = result.exit_code }
  if not status or status >= 500 then fields.kind = status and "network" or tool.kind_of(kinds, problem) end
  if fields.kind == "process" then fields.retryable = false end
  failure.throw(self.service, fields)
end

---@param service string
---@param what string the end of "cannot ..."
---@param on_progress (fun(part: number))? from 0 to 1
---@return orch.deploy.itch.Output
function output.new(service, what, on_progress)
  local self = setmetatable({ service = service, what = what, on_progress = on_progress,
    channels = {} }, Output)
  self.on_line = function(line)
    if line:sub(1, 1) == "{" then
      local ok, value = pcall(json.decode, line)
      if ok and type(value) == "table" then
        local take = taken[value.type]
        return take and take(self, value)
      elseif not ok and errors.is_cancelled(value) then
        error(value, 0)
      end
    end
    if line:sub(1, 1) == "|" then return table_row(self, line) end
    words(self, line)
  end
  return self
end

return output
