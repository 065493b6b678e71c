--- What steamcmd prints: words only. Its exit codes are documented nowhere, and 0 is no success.

local failure = require "orch.deploy.failure"
local tool = require "orch.deploy.tool"

local output = {}

---@class orch.deploy.steam.Output
---@field what string
---@field logged_in boolean?
---@field finished boolean?
---@field build_id integer?
---@field problem string?
---@field refusal string? why the login was refused
---@field logging_in boolean? so it has read its commands
---@field lines string[]? all of them, where they are asked for
local Output = {}
Output.__index = Output

local GUARD = "log in once on this machine (`steamcmd +login USER`) and use the same `home`, or "
  .. "give the option `config`, or a fresh code as `guard`"

--- Questions that nobody is there to answer; they have no line end.
local questions = {
  { "Steam Guard code:", "Steam Guard asks for the code that it sent by e-mail", GUARD },
  { "Two%-factor code:", "Steam Guard asks for a code of the mobile authenticator", GUARD },
  { "confirm the login in the Steam Mobile app", "Steam Guard wants the login to be confirmed in "
    .. "the mobile app", GUARD },
  { "^%s*password:%s*$", "steamcmd asks for the password",
    "give the option `password` or `config`" },
}

local function refuse(self, words, hint)
  failure.throw("steam", { kind = "auth", what = self.what, reason = "login", words = words,
    hint = hint })
end

--- A beginning of a line: is it a question that will never be answered?
function Output:rest(text)
  for _, question in ipairs(questions) do
    if text:find(question[1]) then refuse(self, question[2], question[3]) end
  end
end

--- "Logging in user 'ann' to Steam Public...FAILED (Invalid Password)", and older ones.
local function login_of(self, line)
  if line:find("Logging in user", 1, true) then self.logging_in = true end
  local why = line:match "FAILED %((.-)%)" or line:match "FAILED login with result code (.+)$"
    or line:match "Login Failure: (.-)%s*$"
  if why and not self.logged_in then self.refusal = self.refusal or why end
  if line:find("Logged in OK", 1, true) or line:find "user info%.*OK"
    or line:find "to Steam Public%s*%.%.%.%s*OK" then
    self.logged_in, self.refusal = true, nil
  end
end

function Output:line(line)
  if self.lines then self.lines[#self.lines + 1] = line end
  for _, question in ipairs(questions) do
    if line:find(question[1]) then self.asked = question end
  end
  login_of(self, line)
  local app, rest = line:match "[Ss]uccessfully finished [Aa]pp[Ii][Dd] (%d+) build(.*)"
  if app and app == self.app then
    self.finished, self.build_id = true, math.tointeger(rest:match "BuildID (%d+)")
  end
  local problem = line:match "ERROR!%s*(.-)%s*$"
  if problem and problem ~= "" and not self.problem then self.problem = problem end
end

--- Words of a problem -> the kind of Error.
local kinds = {
  { "network", "timeout", "timed out", "no connection", "service unavailable", "try another cm",
    "failed to connect" },
  { "auth", "access denied", "no subscription", "insufficient privilege", "not logged" },
  { "rejected", "failed", "invalid", "missing", "not found" },
}

local function refused_login(self, tail, result)
  local asked = self.asked or {}
  local limited = self.refusal:find "Rate Limit"
  local fault = tool.kind_of(kinds, self.refusal) == "network"
  failure.throw("steam", { kind = fault and "network" or "auth", what = self.what, output = tail,
    reason = "login", exit_code = result.exit_code, words = (asked[2] and asked[2] .. ": " or "")
      .. ("the login was refused: %s"):format(self.refusal),
    hint = limited and "Steam refuses further logins for some time; wait half an hour"
      or asked[3] or self.refusal:find "[Dd]enied" and GUARD or nil })
end

---Raises what went wrong.
---@param result orch.ProcessResult
---@param tail string[]
function Output:check(result, tail)
  if self.refusal then refused_login(self, tail, result) end
  if not self.problem then return end
  local kind = tool.kind_of(kinds, self.problem)
  local unknown = self.problem:lower():find("commit", 1, true) -- the build may be there
  failure.throw("steam", { kind = kind, what = self.what, words = self.problem, output = tail,
    exit_code = result.exit_code, retryable = kind == "network" and not unknown,
    hint = self.problem:find "Build for depot" and "the log in the option `output` says why"
      or unknown and "the build may be there all the same: look before it is sent again" or nil })
end

---@param what string the end of "cannot ..."
---@param app string?
---@param keep boolean? all lines
---@return orch.deploy.steam.Output
function output.new(what, app, keep)
  return setmetatable({ what = what, app = app, lines = keep and {} or nil }, Output)
end

return output
