--- One file server and the login to it: transfers, listings and commands, each with its own way
--- of failing. Connections are libcurl's, one for each task that asks at the same time.
---
---     local session = sessions.open("deploy.ftp.upload", at, o)
---     session:run("make 'in'", session.command.make(at:path "in"))

local arg = require "orch.arg"
local command = require "orch.deploy.remote.command"
local core = require "orch.core.http"
local failure = require "orch.deploy.remote.failure"
local http_options = require "orch.http.options"
local known_host = require "orch.http.known_host"
local listing = require "orch.deploy.remote.listing"
local place = require "orch.place"
local retry = require "orch.retry"
local settings = require "orch.http.settings"
local ssh_login = require "orch.deploy.remote.ssh_login"
local wire = require "orch.http.wire"

local sessions = {}

sessions.spec = {
  url = "string", user = "string", password = "string", use_tls = "boolean",
  ssh_key = "path", ssh_public_key = "path", key_password = "string", known_hosts = "path",
}

---@class orch.deploy.remote.Session
---@field service "ftp"|"sftp"
---@field at orch.deploy.remote.Address
---@field command table
---@field private settings table<string, any>
---@field private retry table?
---@field private known string? the user's file of known hosts
---@field private lister string? how this server is asked for a listing
local Session = {}
Session.__index = Session

local function with(base, more)
  local all = {}
  for key, value in next, base do all[key] = value end
  for key, value in next, more do all[key] = value end
  return all
end

local function read_http(fname, o)
  local h, removed = http_options.check(fname .. ": http", o.http or {}, http_options.shared)
  local set = settings.of(fname .. ": http", h, removed, {})
  set.compressed, set.limit, set.auth_scheme, set.http_version = nil, nil, nil, nil
  return set, http_options.resolve_of(fname .. ": http", h.resolve)
end

---@param fname string
---@param at orch.deploy.remote.Address
---@param o table checked options
---@return orch.deploy.remote.Session
function sessions.open(fname, at, o)
  local set, resolve = read_http(fname, o)
  local ssh = at.scheme == "sftp"
  set.protocols = ssh and "sftp" or "ftp,ftps"
  set.connect_timeout, set.stall = set.connect_timeout or 30, set.stall or 60
  set.user, set.password = o.user or at.user or set.user, o.password or at.password
    or set.password
  local known
  if ssh then
    set.user = set.user or place.getenv "USER" or arg.fail("%s needs the option `user`", fname)
    known = ssh_login.set(fname, at, o, set)
  else
    set.ftp_method = "nocwd"
    set.use_tls = o.use_tls or nil
  end
  return setmetatable({
    service = ssh and "sftp" or "ftp", at = at, settings = set, resolve = resolve, known = known,
    command = ssh and command.sftp or command.ftp,
    retry = o.retry == false and { attempts = 1 } or type(o.retry) == "table" and o.retry
      or { attempts = 5 },
  }, Session)
end

---Logs in. From then on FTP's paths are from the root: libcurl's commands would otherwise count
---from wherever its last listing was.
---@async
function Session:begin()
  if self.service == "sftp" or self.at.base:sub(1, 1) == "/" then
    return self:again(function() self:run("log in", {}) end)
  end
  local head = self:again(function() return self:run("log in", { "PWD" }) end)
  local home = head:match '.*\n257 "(.-)"[^"]' or head:match '^257 "(.-)"[^"]'
  if not home or home:sub(1, 1) ~= "/" then return end
  home = home:gsub('""', '"'):gsub("(.)/+$", "%1")
  local base = self.at.base
  local copy = {}
  for key, value in next, self.at do copy[key] = value end
  copy.base = base == "" and home or (home == "/" and "" or home) .. "/" .. base
  self.at = setmetatable(copy, getmetatable(self.at))
end

---The same login for another folder.
---@param at orch.deploy.remote.Address
---@return orch.deploy.remote.Session
function Session:at_folder(at)
  return setmetatable(with(self, { at = at }), Session)
end

---@async
function Session:explain_key()
  return known_host.explain(self.known, self.at.host, self.at.port)
end

function Session:explain_login()
  local set = self.settings
  if self.service == "sftp" then return ssh_login.explain(set) end
  return set.user and ("the user is '%s'"):format(set.user)
    or "nobody was named: give `user` and `password`"
end

--- One request, once.
---@async
function Session:once(what, request)
  request.settings = with(self.settings, request.settings or {})
  request.resolve = self.resolve
  request.rewindable = true
  local ok, raw = pcall(wire.send, request)
  if ok then return raw end
  failure.raise(self, raw, what)
end

--- One request, again after faults that may pass.
---@async
function Session:ask(what, make_request)
  return retry(function(attempt) return self:once(what, make_request(attempt)) end, self.retry)
end

---Calls `fn(attempt)` until no passing fault is in its way.
---@async
---@param fn fun(attempt: integer): ...
function Session:again(fn) return retry(fn, self.retry) end

---Commands, one after the other, until one fails.
---@async
---@param what string of a sentence: "make the folder 'in'"
---@param commands string[]
---@return string head what the server said
function Session:run(what, commands)
  return self:once(what, { method = "GET", url = self.at.origin .. "/",
    settings = { quote = commands, nobody = true } }).head
end

local function is_unknown_command(err)
  return type(err) == "table" and type(err.reply) == "string"
    and err.reply:find "^50[0-4]" ~= nil
end

--- MLSD is exact; older servers have only LIST, which hides names with a dot without -a.
local listers = { "MLSD", "LIST -a", "LIST" }

function Session:list_ftp(what, url)
  for i = self.lister or 1, #listers do
    local ok, raw = pcall(self.once, self, what, { method = listers[i], url = url,
      settings = { ftp_method = "singlecwd" } })
    if ok then
      self.lister = i
      return raw.body
    end
    if i == #listers or not is_unknown_command(raw) then error(raw, 0) end
  end
end

---What is in a folder; nil when there is no such folder.
---@async
---@param name string
---@return table<string, orch.deploy.remote.Entry>?
function Session:list(name)
  local what = ("list %s"):format(self.at:url(name, true))
  local url = self.at:url(name, true)
  local ok, text = pcall(self.again, self, function()
    if self.service == "ftp" then return self:list_ftp(what, url) end
    return self:once(what, { method = "GET", url = url }).body
  end)
  if ok then return listing.read(text) end
  if failure.is_missing(text) then return nil end
  error(text, 0)
end

---A small file as a whole; nil when there is none.
---@async
---@param name string
---@return string?
function Session:read(name)
  local ok, raw = pcall(self.ask, self, ("read '%s'"):format(name), function()
    return { method = "GET", url = self.at:url(name), settings = { limit = 64 << 20 } }
  end)
  if ok then return raw.body end
  if failure.is_missing(raw) then return nil end
  error(raw, 0)
end

---Size and time of a file; nil when there is none.
---@async
---@param name string
---@return {size: integer?, time: integer?}?
function Session:look(name)
  local ok, raw = pcall(self.ask, self, ("look at '%s'"):format(name), function()
    return { method = "GET", url = self.at:url(name),
      settings = { nobody = true, file_time = true } }
  end)
  if not ok then
    if failure.is_missing(raw) then return nil end
    error(raw, 0)
  end
  local _, size = raw.exchange:progress()
  return { size = size or 0, time = raw.exchange:file_time() }
end

---Bytes that are free where a path is; nil when the server does not tell.
---@async
---@param name string
---@return integer?
function Session:room(name)
  if not self.command.room then return nil end
  local ok, head = pcall(self.run, self, "ask for the free space", self.command.room(
    self.at:path(name)))
  if not ok then return nil end
  local unit, free = head:match "f_frsize: (%d+)", head:match "f_bavail: (%d+)"
  return unit and tonumber(unit) * tonumber(free) or nil
end

---Lets go of the connections.
function Session:close()
  core.hang_up(self.at.origin .. "/")
  if self.known then require("orch.core.remove").remove_now(self.settings.known_hosts) end
end

Session.__close = Session.close

return sessions
