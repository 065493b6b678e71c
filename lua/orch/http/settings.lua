--- The options of a request that libcurl is told: time limits, TLS, proxy, credentials.

local arg = require "orch.arg"
local place = require "orch.place"
local proxy_of = require "orch.http.proxy"

local settings = {}

local function no_nul(fname, what, text)
  if text:find("[\0\r\n]") then
    arg.fail("%s: option `%s` has a line end or a NUL byte in it", fname, what)
  end
  return text
end

local schemes = { basic = true, digest = true, any = true, ntlm = true, negotiate = true }

--- "user:password", { user, password } or { user =, password =, scheme = }.
local function set_auth(fname, target, auth)
  local user, password, scheme
  if type(auth) == "string" then
    user, password = auth:match "^([^:]*):(.*)$"
    if not user then
      arg.fail('%s: option `auth` should be "user:password" or { user =, password = }; for a '
        .. "token there is `bearer`", fname)
    end
  else
    if auth[1] ~= nil then auth = { user = auth[1], password = auth[2], scheme = auth.scheme } end
    local o = arg.options(fname .. ": auth", auth,
      { user = "string", password = "string", scheme = "string" })
    user, password, scheme = o.user or "", o.password or "", o.scheme
    if user:find(":", 1, true) then
      arg.fail("%s: option `auth`: a user name with a colon cannot be sent", fname)
    end
  end
  if scheme and not schemes[scheme] then
    arg.fail("%s: option `auth`: `scheme` should be basic, digest, ntlm, negotiate or any, "
      .. "not %q", fname, scheme)
  end
  target.user = no_nul(fname, "auth", user)
  target.password = no_nul(fname, "auth", password)
  target.auth_scheme = scheme
end

local versions = {
  ["1.0"] = "1.0", ["1"] = "1.1", ["1.1"] = "1.1", ["2"] = "2", ["2.0"] = "2",
  ["2-prior-knowledge"] = "2-prior-knowledge",
}

local function version(fname, value)
  local known = versions[tostring(value)]
  if known then return known end
  arg.fail('%s: option `http_version` should be "1.0", "1.1", "2" or "2-prior-knowledge", '
    .. "not %q", fname, tostring(value))
end

local as_it_is = { "connect_timeout", "stall", "limit", "key_password", "insecure",
  "no_proxy", "proxy", "compressed", "timeout" }
local paths = { "ca", "cert", "key", "unix_socket" }

--- libcurl would go on without credentials.
local function netrc_file(fname, path)
  local file <close>, why = io.open(path)
  if file then return place.resolve(path) end
  arg.fail("%s: option `netrc`: cannot open %s", fname, why)
end

--- For requests that say nothing.
settings.usual = { compressed = true }

---Settings of the wire on top of others, which stay as they are.
---@param fname string
---@param o table checked options
---@param removed table<string, true>
---@param base table
---@return table settings `base` itself where nothing differs
function settings.of(fname, o, removed, base)
  local changed
  local function set(name, value)
    if not changed then
      changed = {}
      for key, old in next, base do changed[key] = old end
    end
    changed[name] = value
  end
  for name in next, removed do
    if base[name] ~= nil then set(name, nil) end
    if name == "proxy" then set("proxy", "") end
    if name == "auth" then set("user", nil) set("password", nil) set("auth_scheme", nil) end
  end
  for _, name in ipairs(as_it_is) do
    local value = o[name]
    if type(value) == "string" then no_nul(fname, name, value) end
    if value ~= nil then set(name, value) end
  end
  for _, name in ipairs(paths) do
    if o[name] then set(name, place.resolve(o[name])) end
  end
  if o.http_version then set("http_version", version(fname, o.http_version)) end
  if o.netrc ~= nil then
    set("netrc", o.netrc ~= false)
    set("netrc_file", type(o.netrc) == "string" and netrc_file(fname, o.netrc) or nil)
  end
  if o.auth then
    set("user", "")
    set_auth(fname, changed, o.auth)
  end
  return changed or base
end

---The settings for one URL: with the credentials that it had, and the task's own proxy.
---@param base table
---@param user string? "user:password"
---@param target string
---@return table settings `base` itself where nothing differs
function settings.for_url(base, user, target)
  local proxy, no_proxy
  if base.proxy == nil and place.env() then proxy, no_proxy = proxy_of(target) end
  if not user and not proxy then return base end
  local copy = {}
  for key, value in next, base do copy[key] = value end
  if user and not copy.user then
    copy.user, copy.password = user:match "^([^:]*):?(.*)$"
  end
  if proxy then
    copy.proxy = proxy
    copy.no_proxy = copy.no_proxy or no_proxy
  end
  return copy
end

return settings
