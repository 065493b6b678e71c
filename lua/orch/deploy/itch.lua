--- Builds for itch.io, by its program butler.
---
---     orch.deploy.itch.upload { folder = "out/web", target = "ann/cats:html5", version = "1.4.2",
---       key = keys.BUTLER_API_KEY }
---
--- butler sends only what changed since the last build, so there is nothing to resume: a call
--- that is made again compares again (`--if-changed`) and sends nothing twice. Its exit code is
--- not trusted: an upload counts when butler says that the build is processing.
---
--- Read from butler's sources, cmd/push, cmd/status and comm of 2018 to 2026 (v11 to v15; its
--- lines under --json are {"type": "log", "message": ...}, "progress", "error", "login",
--- "result"), and from output that users quote. Tried against a program that prints the same,
--- never against itch.io.

local arg = require "orch.arg"
local clock = require "orch.core.clock"
local common = require "orch.deploy.common"
local failure = require "orch.deploy.failure"
local folders = require "orch.deploy.folder"
local outputs = require "orch.deploy.itch.output"
local retry = require "orch.retry"
local sources = require "orch.deploy.source"
local tool = require "orch.deploy.tool"

local itch = {}

local STALL = 10 * 60
local POLL = 5
local INSTALL = "install butler (https://itch.io/docs/butler) or name it with the option `butler`"

local login = { target = "string", key = "string", butler = "path", stall = "duration" }
local upload_options = common.merged(login, {
  folder = "path", version = "string|number", if_changed = "boolean", exclude = "string|table",
  hidden = "boolean", wait = "duration|boolean", poll = "duration",
})

---@class orch.deploy.itch.Login
---@field target string "user/game:channel"
---@field key string? an API key; without it butler's own login counts
---@field butler orch.Path? the program
---@field stall number|string|nil kind `timeout` when it prints nothing for so long, "10m"

---@class orch.deploy.itch.Options: orch.deploy.itch.Login, orch.deploy.Options
---@field folder orch.Path? what is sent; or `file`, a zip
---@field version string|number|nil shown to players
---@field if_changed boolean? default true: an unchanged build is not sent again
---@field exclude string|string[]|nil butler's patterns of what is left out, "*.pdb"
---@field hidden boolean? the build is not shown to players
---@field wait number|string|boolean|nil how long to wait until itch.io has processed it; by
---  default nobody waits

---@class orch.deploy.itch.Result: orch.deploy.Result
---@field target string
---@field channel string
---@field version string?
---@field build_id integer? where butler tells it
---@field parent_id integer? the build before
---@field state string "processing", "completed"
---@field patch string? in butler's words: "1.53 MiB patch (57.08% savings)"

local function check_target(fname, o, whole)
  local project, channel = o.target:match "^([^:]+):?(.*)$"
  if not project or not (project:find "^[%w_-]+/[%w_-]+$" or project:find "^%d+$")
    or (whole and channel == "") then
    arg.fail('%s: option `target` should be "user/game:channel", such as "ann/cats:html5", not %q',
      fname, o.target)
  end
  o.project, o.channel = project, channel ~= "" and channel or nil
end

local function environment(o)
  if not o.key then return nil end
  require("orch.secrets").cover(o.key)
  return { BUTLER_API_KEY = o.key } -- a command line can be read by everybody
end

--- What is sent: its path, its name for people, its size.
local function content(fname, o)
  if (o.file and 1 or 0) + (o.folder and 1 or 0) ~= 1 then
    arg.fail("%s needs one of the options `folder` and `file`", fname)
  end
  if o.file then
    local source = sources.open(fname, o.file, { "zip" })
    return source.path, source.shown, source.size
  end
  local files = folders.open(fname, o.folder, {})
  return files.path, files.shown, files.total
end

local function push_command(o, path)
  local argv = { o.butler, "push", "--json", "--assume-yes" }
  if o.if_changed ~= false then argv[#argv + 1] = "--if-changed" end
  if o.hidden then argv[#argv + 1] = "--hidden" end
  if o.version then table.move({ "--userversion", tostring(o.version) }, 1, 2, #argv + 1, argv) end
  for _, pattern in ipairs(type(o.exclude) == "table" and o.exclude or { o.exclude }) do
    table.move({ "--ignore", pattern }, 1, 2, #argv + 1, argv)
  end
  table.move({ path, o.target }, 1, 2, #argv + 1, argv)
  return argv
end

local function run(o, what, argv, on_progress)
  local output = outputs.new("itch", what, on_progress)
  local result, tail = tool.run { service = "itch", what = what, argv = argv,
    env = environment(o), stall = o.stall or STALL, on_line = output.on_line }
  return output, result, tail
end

local function push(o, path, size, tell)
  local what = ("push to %s"):format(o.target)
  local output, result, tail = run(o, what, push_command(o, path), function(part)
    tell(math.floor(part * size), size)
  end)
  output:check(result, tail)
  if output.unchanged or output.processing then return output end
  tool.unconfirmed { service = "itch", program = "butler", what = what, result = result,
    tail = tail, lacking = "that the build is processing" }
end

local function list(o)
  local what = ("ask for the state of %s"):format(o.target)
  local output, result, tail = run(o, what, { o.butler, "status", "--json",
    o.project .. (o.channel and ":" .. o.channel or "") })
  output:check(result, tail)
  if not result.ok then
    failure.throw("itch", { kind = "process", what = what, exit_code = result.exit_code,
      output = tail, words = tail[#tail] or "butler " .. tool.ending(result) })
  end
  return output.channels
end

--- What itch.io has of the channel.
local function look(o)
  local about = { exists = false, target = o.target }
  for _, row in ipairs(list(o)) do
    if row.channel == o.channel then
      for name, value in next, row do about[name] = value end
      about.exists = true
    end
  end
  return about
end

local function wait_until_processed(o, result)
  local until_when = clock.now() + (o.wait == true and 15 * 60 or o.wait)
  while true do
    local about = look(o)
    if about.exists and about.state == "completed" and not about.pending then
      result.state, result.build_id = about.state, about.build_id
      return
    end
    if clock.now() + (o.poll or POLL) > until_when then break end
    clock.sleep(o.poll or POLL)
  end
  failure.throw("itch", { kind = "timeout", retryable = false, what = "publish the build",
    words = "the build was sent, but itch.io has not processed it in time" })
end

---Sends a folder or a zip to a channel.
---@async
---@param opts orch.deploy.itch.Options
---@return orch.deploy.itch.Result result raises kind `auth`, `rejected`, `network` with butler's
---  words, `timeout` for a stall, `process` where it says nothing useful, `os` without butler
function itch.upload(opts)
  local fname = "deploy.itch.upload"
  local o = common.options(fname, opts, upload_options, { "target" })
  check_target(fname, o, true)
  local path, shown, size = content(fname, o)
  o.butler = tool.find("itch", o.butler or "butler", INSTALL)
  local started = clock.now()
  local result = { service = "itch", file = shown, size = size, bytes = 0, target = o.target,
    channel = o.channel, version = o.version and tostring(o.version) }
  if o.dry_run then
    look(o) -- whether the login is good
    result.dry_run = true
    result.would = ("would push %s (%s) to %s"):format(shown, common.size(size), o.target)
    result.elapsed = clock.now() - started
    return result
  end
  local output = common.with_progress(fname, o.progress, function(tell)
    local done = retry(function() return push(o, path, size, tell) end, tool.policy(o.retry))
    tell(size, size)
    return done
  end)
  result.skipped, result.state = output.unchanged, output.unchanged and "completed" or "processing"
  result.bytes = output.unchanged and 0 or size
  result.build_id, result.parent_id, result.patch = output.build_id, output.parent_id, output.patch
  if o.wait and not output.unchanged then wait_until_processed(o, result) end
  result.elapsed = clock.now() - started
  return result
end

---@class orch.deploy.itch.Status
---@field exists boolean
---@field target string
---@field channel string?
---@field upload_id integer?
---@field build_id integer?
---@field parent_id integer?
---@field state string? "completed", "processing", or butler's word
---@field version string?
---@field pending {build_id: integer, state: string}? the build that follows

---What a channel has.
---@async
---@param opts orch.deploy.itch.Login
---@return orch.deploy.itch.Status
function itch.status(opts)
  local fname = "deploy.itch.status"
  local o = common.options(fname, opts, login, { "target" })
  check_target(fname, o, true)
  o.butler = tool.find("itch", o.butler or "butler", INSTALL)
  return look(o)
end

---Whether a channel has a build, with `version` that version.
---@async
---@param opts orch.deploy.itch.Login|{version: string?}
---@return boolean
function itch.exists(opts)
  local fname = "deploy.itch.exists"
  local spec = common.merged(login, { version = "string|number" })
  local o = common.options(fname, opts, spec, { "target" })
  check_target(fname, o, true)
  o.butler = tool.find("itch", o.butler or "butler", INSTALL)
  local about = look(o)
  return about.exists and about.build_id ~= nil
    and (o.version == nil or about.version == tostring(o.version))
end

return arg.public("orch.deploy.itch", itch)
