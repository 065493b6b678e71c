--- `check.run{...}`: a check from a script or a job.

local arg = require "orch.arg"
local declare = require "orch.check.declare"
local errors = require "orch.core.error"
local lock = require("orch.lock").lock
local place = require "orch.place"

--- Rules are read into one place of the process, and what they look at is observed there.
local turn = lock()

local ranks = { info = 1, warning = 2, error = 3, never = 4 }

local function as_list(value)
  return type(value) == "string" and { value } or value
end

--- Rules that the script itself has declared go before a folder that happens to be there.
local function set_of(opts, folder)
  local own = declare.scripts
  if opts.rules or not own or #own.list == 0 then
    return require "orch.check.load" { rules = opts.rules, folder = folder }
  end
  return own
end

local function plural(n, word)
  return n == 1 and "1 " .. word or ("%d %ss"):format(n, word)
end

local function complain(result, first)
  errors.throw(errors.make { kind = "check", result = result,
    message = ("the check found %s and %s, first of all in '%s': %s"):format(
      plural(result.counts.error, "error"), plural(result.counts.warning, "warning"), first.path,
      first.message) })
end

local function report_to_job(findings)
  local ctx = require("orch.pipeline.current").find()
  if ctx then require("orch.check.in_job")(ctx, findings) end
end

local function run(opts, folder)
  if require("orch.check.track").run() then
    arg.fail "check.run: a rule cannot run a check, which would wait for it"
  end
  local review = require("orch.check.review").new { folder = folder,
    paths = as_list(opts.paths), only = as_list(opts.only), cache = opts.cache }
  local guard <close> = turn:acquire()
  review:load(set_of(opts, folder))
  return review:run()
end

---Runs a check; a second one waits for it.
---@async
---@param opts table checked
---@return orch.check.Result
return function(opts)
  local fail_on = opts.fail_on or "error"
  if not ranks[fail_on] then
    local near = arg.suggest(fail_on, arg.keys_of(ranks))
    arg.fail("check.run: option `fail_on` should be error, warning, info or never, not '%s'%s",
      fail_on, near and ("; did you mean '%s'?"):format(near) or "")
  end
  local result = run(opts, require("orch.fs").path.absolute(opts.folder or place.cwd()))
  report_to_job(result.findings)
  for _, severity in ipairs { "error", "warning", "info" } do
    for _, finding in ipairs(result.findings) do
      if finding.severity == severity and ranks[severity] >= ranks[fail_on] then
        complain(result, finding)
      end
    end
  end
  return result
end
