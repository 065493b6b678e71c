--- Record and replay: every HTTP exchange of a block is kept in a readable file, and
--- answered from there without a network.
---
---     local _ <close> = orch.http.tape("tests/tapes/models.tape")
---     local models = orch.http.get("https://api.example.com/models"):json()
---
--- A tape is text: JSON values one after the other, which a person may read, edit and
--- compare. Keys, tokens and cookies stand in it as `***`, and requests are compared
--- without them.

local arg = require "orch.arg"
local errors = require "orch.core.error"
local file = require "orch.http.tape.file"
local place = require "orch.place"
local redactor = require "orch.http.tape.redact"
local single_flight = require "orch.single_flight"
local task = require "orch.core.task"
local unclosed = require "orch.unclosed"
local wire = require "orch.http.wire"

local LIMIT = 1 << 20
local SPEED = 1000

local modes = { once = true, none = true, new = true, all = true }

local options = {
  mode = "string", redact = "table", headers = "table", limit = "size", speed = "number",
}

---@class orch.http.Tape
---@field path string
---@field recorded integer exchanges that were written
---@field replayed integer exchanges that were answered from it
local Tape = {
  __name = "orch.http.Tape",
  leak = "the tape of %s was never closed: write `local _ <close> = orch.http.tape(...)`",
}
Tape.__index = Tape

---@private
---The number of the next request.
function Tape:number()
  self.last = self.last + 1
  return self.last
end

---@private
---Before the first exchange is written: the file is new, or ends with a whole exchange.
function Tape:start()
  if self.started then return end
  single_flight.single_flight("http.tape " .. self.path, function()
    if self.started then return end
    local fs = require "orch.fs"
    if self.mode == "all" or not self.good then
      file.create(self.path)
      local bodies = file.bodies(self.path)
      if fs.exists(bodies) then fs.remove(bodies, { recursive = true }) end
    elseif self.torn then
      fs.write(self.path, self.good)
    end
    self.started = true
  end)
end

---@private
---@param fields table[] an exchange
function Tape:write(fields)
  file.append(self.path, file.text(fields))
  self.recorded = self.recorded + 1
end

---@private
---A part of a body that is too large for the tape; the first one begins its file.
function Tape:keep(name, bytes, is_first)
  local fs = require "orch.fs"
  local folder = file.bodies(self.path)
  if not is_first then return fs.append(folder .. "/" .. name, bytes) end
  fs.mkdir(folder)
  fs.write(folder .. "/" .. name, bytes, { sync = false })
end

--- One request: from the tape where it is known there, to the network where that is
--- allowed.
local function serve(self, how, raw)
  task.checkpoint()
  if self.index then
    local replay = require "orch.http.tape.replay"
    local exchange, live, readable = replay.find(self, raw)
    if exchange then
      self.replayed = self.replayed + 1
      return require("orch.http.canned")[how](replay.answer(self, exchange, raw))
    elseif not self.records then
      return replay.unknown(self, live)
    end
    raw = readable
  end
  return require("orch.http.tape.record")[how](self, raw)
end

---The recorded exchanges that no request has asked for.
---@return {n: integer, method: string, url: string}[]
function Tape:unused()
  local list = {}
  for _, one in ipairs(self.list) do
    if not one.used then
      list[#list + 1] = { n = one.n, method = one.request.method, url = one.request.url }
    end
  end
  return list
end

---Requests go to the network again. `<close>` calls it.
---@async
function Tape:close()
  if not self.swap then return end
  unclosed.remove(self)
  do local _ <close> = self.swap end
  self.swap = nil
  if not self.records then return end
  local scopes = require "orch.scope"
  local shield <close> = scopes.scope { name = "http.tape", shield = true, grace = math.huge }
  if self.mode == "all" then self:start() end
  if self.recorded > 0 then file.sort(self.path) end
end

Tape.__close = Tape.close

local function check_headers(list)
  local names = { "range" }
  for i, name in ipairs(list or {}) do
    names[i + 1] = arg.check("http.tape: headers", i, name, "string"):lower()
  end
  return names
end

local function check_redact(list)
  for key, value in pairs(list or {}) do
    local good = math.type(key) and type(value) == "string"
      or type(key) == "string" and type(value) == "boolean"
    if not good then
      arg.fail("http.tape: option `redact` should be a list of names; `name = false` keeps one")
    end
  end
  return redactor.new(list)
end

local function check_mode(mode)
  if modes[mode] then return mode end
  local near = arg.suggest(mode, arg.keys_of(modes))
  arg.fail("http.tape: option `mode` should be once, none, new or all, not %q%s", mode,
    near and ("; did you mean '%s'?"):format(near) or "")
end

local function raise_missing(path, shown)
  errors.throw(errors.make { kind = "os", code = "ENOENT", path = path, message =
    ('there is no tape \'%s\' to replay; record it first: --record %s, or mode "once"')
      :format(shown, shown) })
end

--- What the tape has, and where requests look for it.
local function load(self)
  self.list, self.good, self.torn = file.read(self.path)
  self.masked = {}
  for _, one in ipairs(self.list) do
    self.last = math.max(self.last, math.tointeger(one.n) or 0)
    if one.request.url:find(redactor.MASK, 1, true) then table.insert(self.masked, one) end
  end
  file.order(self.list)
  self.index = require("orch.http.tape.replay").index(self.list)
end

---Records the HTTP exchanges of a block, or answers them from a file. A request that
---the tape does not know and may not record raises kind `http`, with `.nearest`.
---@async
---@param path orch.Path
---@param opts? {mode: "once"|"none"|"new"|"all"|nil, redact: table?, headers: string[]?, limit: number|string?, speed: number?}
---  `mode`: `once` (default) replays an existing file and records a missing one; `none`
---  only replays; `new` replays what is known and records the rest; `all` records anew.
---  `redact`: further names of headers, query parameters and fields; `name=false` for one
---  that is kept. `headers`: request headers that are compared, too (`Range` always is).
---  `limit`: larger bodies get a file of their own in FILE.bodies, as they are (1M).
---  `speed`: 1 keeps the recorded timing, 2 halves it; by default 1000, which only keeps
---  the order in which answers came.
---@return orch.http.Tape tape `<close>`-able; raises kind `os` when there is nothing to
---  replay, `http` with `path` and `line` when the file is no tape
return function(path, opts)
  path = arg.check("http.tape", 1, path, "path")
  opts = arg.options("http.tape", opts, options)
  if opts.speed and not (opts.speed > 0) then
    arg.fail("http.tape: option `speed` should be more than 0, not %g", opts.speed)
  end
  local self = setmetatable({
    shown = path, path = place.resolve(path), mode = check_mode(opts.mode or "once"),
    redactor = check_redact(opts.redact), headers = check_headers(opts.headers),
    limit = opts.limit or LIMIT, speed = opts.speed or SPEED,
    list = {}, last = 0, recorded = 0, replayed = 0,
  }, Tape)
  local exists = require("orch.fs").exists(self.path)
  if not exists and self.mode == "none" then raise_missing(self.path, self.shown) end
  if exists and self.mode ~= "all" then load(self) end
  self.records = self.mode == "all" or self.mode == "new" or not exists
  self.inner = wire.transport
  self.swap = wire.with {
    send = function(raw) return serve(self, "send", raw) end,
    open = function(raw) return serve(self, "open", raw) end,
  }
  return unclosed.add(self)
end
