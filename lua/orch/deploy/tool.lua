--- A service's own program, which is run and whose words count, not its exit code.
---
---     local ended = tool.run { service = "itch", argv = { "butler", "push", ... },
---       on_line = function(line) end, stall = 600 }
---
--- What it prints is read as it comes, also a question without a line end: such programs ask
--- for passwords, and wait for ever.

local errors = require "orch.core.error"
local failure = require "orch.deploy.failure"
local place = require "orch.place"

local tool = {}

local TAIL = 10 -- lines that an Error keeps
local LONGEST = 1 << 16 -- bytes of a line that is worth reading to its end

---The program, or an Error that says where it comes from.
---@param service string
---@param program string
---@param hint string
---@return string path
function tool.find(service, program, hint)
  if program:find("/", 1, true) then
    local path = place.resolve(program)
    if require("orch.fs").exists(path) then return path end
  else
    local path = require("orch.process").which(program)
    if path then return path end
  end
  errors.throw(errors.make { kind = "os", code = "ENOENT", path = program, service = service,
    retryable = false, message = ("%s: there is no program '%s'; %s"):format(service, program,
      hint) })
end

--- Colours, and titles of windows, are for terminals; secrets are for nobody.
local function plain(text)
  text = text:gsub("\27%[[%d;?]*[@-~]", ""):gsub("\27%][^\7\27]*\7", "")
  return require("orch.secrets").redact(text)
end

--- Takes pieces, gives lines; what a program overwrites on its line with \r counts as one.
local function splitter(on_line, on_rest)
  local rest = ""
  local function finish()
    local line = plain(rest)
    rest = ""
    if line ~= "" then on_line(line) end
  end
  return function(piece)
    local from = 1
    for at in piece:gmatch "()[\r\n]" do
      rest = rest .. piece:sub(from, at - 1)
      finish()
      from = at + 1
    end
    if from > #piece or #rest > LONGEST then return end
    rest = rest .. piece:sub(from)
    if on_rest then on_rest(plain(rest)) end
  end, finish
end

local function stalled(o, tail)
  failure.throw(o.service, { kind = "timeout", stalled = true, what = o.what, output = tail,
    words = ("the program printed nothing for %g s"):format(o.stall),
    hint = tail[1] and ("its last line was '%s'"):format(tail[#tail]) or nil })
end

---@class orch.deploy.ToolRun
---@field service string
---@field what string the end of "cannot ..."
---@field argv string[]
---@field env table<string, string>? where secrets go
---@field cwd string?
---@field stall number? seconds
---@field on_line fun(line: string)
---@field on_rest (fun(text: string))? a beginning of a line, which may be a question; raising
---  here, or in `on_line`, ends the program

---Runs it to its end.
---@async
---@param o orch.deploy.ToolRun
---@return orch.ProcessResult result
---@return string[] tail its last lines
function tool.run(o)
  local move_on_after = require("orch.scope").move_on_after
  local tail = {}
  local feed, finish = splitter(function(line)
    if #tail == TAIL then table.remove(tail, 1) end
    tail[#tail + 1] = line
    o.on_line(line)
  end, o.on_rest)
  local spec = { env = o.env, cwd = o.cwd, stdin = "", stderr = "stdout", check = false }
  table.move(o.argv, 1, #o.argv, 1, spec)
  local process <close> = require("orch.process").spawn(spec)
  while true do
    local in_time, piece = move_on_after(o.stall or math.huge, function()
      return process:read()
    end)
    if not in_time then
      finish()
      stalled(o, tail)
    end
    if not piece then break end
    feed(piece)
  end
  finish()
  return process:wait(), tail
end

---How it ended, in words.
---@param result orch.ProcessResult
---@return string
function tool.ending(result)
  if result.signal then return "was ended by " .. result.signal end
  return ("ended with exit code %d"):format(result.exit_code)
end

---Raises that it never said what would count as success.
---@param o {service: string, program: string, what: string, result: table, tail: string[],
---  lacking: string} `lacking`: "that the build is processing"
function tool.unconfirmed(o)
  failure.throw(o.service, { kind = "process", what = o.what, exit_code = o.result.exit_code,
    output = o.tail, retryable = false,
    words = ("%s %s, but never said %s"):format(o.program, tool.ending(o.result), o.lacking),
    hint = o.tail[1] and ("its last line was '%s'"):format(o.tail[#o.tail]) or nil })
end

---Of what kind a problem is, by words that its text has in it; where there is no status.
---@param kinds string[][] { kind, word, ... }, in lower case; the first that fits
---@param problem string
---@return string kind "process" where none fits
function tool.kind_of(kinds, problem)
  local text = problem:lower()
  for _, kind in ipairs(kinds) do
    for i = 2, #kind do
      if text:find(kind[i], 1, true) then return kind[1] end
    end
  end
  return "process"
end

---The options of orch.retry for a program: what another run may mend is a fault of the network.
---@param value boolean|table|nil
---@return table
function tool.policy(value)
  if value == false then return { attempts = 1 } end
  local policy = { attempts = 3, base = 2, retry_on = function(err)
    return err.retryable ~= false and (err.kind == "network" or err.kind == "timeout")
  end }
  for name, item in next, type(value) == "table" and value or {} do policy[name] = item end
  return policy
end

return tool
