--- What all uploads have in common: options, the shape of the result, words for sizes.
---
---     local o = common.options("deploy.itch.upload", opts, { channel = "string" }, { "channel" })

local arg = require "orch.arg"

local common = {}

---@class orch.deploy.Options
---@field file orch.Path? one build file
---@field progress boolean|string|orch.Progress|fun(done: integer, total: integer)|nil bytes
---@field resume boolean? default true: goes on where an earlier call broke off
---@field dry_run boolean? checks file, key and login, asks what is there, and sends nothing
---@field retry boolean|orch.http.RetryOptions|nil default: 5 attempts after passing faults
---@field http orch.http.SharedOptions? proxy, ca, timeouts, ...
---@field base_url string? another server than the service's own

---@class orch.deploy.Result
---@field service string
---@field file string
---@field size integer of the file, in bytes
---@field bytes integer sent by this call
---@field elapsed number seconds
---@field skipped boolean? the service had it already
---@field resumed integer? bytes that were there already
---@field dry_run boolean?
---@field would string? with `dry_run`: what would have been done

local shared = {
  file = "path", progress = "boolean|string|table|callable", resume = "boolean",
  dry_run = "boolean", retry = "boolean|table", http = "table", base_url = "string",
}

---Several tables of options as one.
---@param ... table<string, string> as for `arg.options`
---@return table<string, string>
function common.merged(...)
  local all = {}
  for _, spec in ipairs { ... } do
    for name, types in next, spec do all[name] = types end
  end
  return all
end

---Checks the one table that an upload is given.
---@param fname string
---@param opts table?
---@param more table<string, string> the service's own options, as for `arg.options`
---@param needed string[]? the names that must be there
---@return table o a copy, `resume` is true or false
function common.options(fname, opts, more, needed)
  if type(opts) ~= "table" then
    arg.fail("%s takes one table: %s { file = \"...\", ... }", fname, fname)
  end
  local o = arg.options(fname, opts, common.merged(shared, more))
  for _, name in ipairs(needed or {}) do
    if o[name] == nil then arg.fail("%s needs the option `%s`", fname, name) end
  end
  if o.resume == nil then o.resume = true end
  return o
end

---@param bytes integer
---@return string such as "12.3 MB"
function common.size(bytes)
  if bytes < 1000 then return bytes == 1 and "1 byte" or ("%d bytes"):format(bytes) end
  local units, i = { "kB", "MB", "GB", "TB" }, 1
  local value = bytes / 1000
  while value >= 999.95 and units[i + 1] do
    value, i = value / 1000, i + 1
  end
  return ("%.1f %s"):format(value, units[i])
end

---Calls `fn(tell)` where `tell(done, total)` shows how far it is, as option `progress` says:
---at most ten times a second, and at the end.
---@async
---@param fname string
---@param shown any the option
---@param fn fun(tell: fun(done: integer, total: integer)): ...
---@return any ... its results
function common.with_progress(fname, shown, fn)
  if not shown then return fn(function() end) end
  local tellers = require "orch.teller"
  local tell, bar = tellers.of(fname, shown)
  local _ <close> = bar
  local clock, told = require "orch.core.clock", -math.huge
  return fn(function(done, total)
    local now = clock.now()
    if now - told < tellers.INTERVAL and done < total then return end
    told = now
    tell(done, total)
  end)
end

return common
