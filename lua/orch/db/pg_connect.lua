--- A new connection: every address of every host in turn, until one answers.
---
---     local raw = pg_connect.open { place = place, connect_timeout = 10, cancel_timeout = 5 }

local core = require "orch.core.postgres"
local errors = require "orch.core.error"
local scope = require "orch.scope"

local pg_connect = {}

--- What a failed attempt means: kind, SQLSTATE, words. libpq gives one text for everything.
local function judge(problem)
  local text = problem.message
  local code, words = text:match "%u+:  (%w%w%w%w%w): ([^\n]*)"
  words = words or text:match "failed: ([^\n]*)" or text:match "^[^\n]*"
  if problem.needs_password or (code and code:sub(1, 2) == "28") then
    return "auth", code, problem.needs_password and "the server wants a password: put it into "
      .. "the URL, PGPASSWORD or ~/.pgpass" or words
  end
  if code and code ~= "57P03" and code:sub(1, 2) ~= "53" then return "db", code, words end
  if not code and (text:find "SSL" or text:find "certificate") then return "tls", nil, words end
  return "network", code, words
end

local function throw(place, kind, code, words)
  errors.throw(errors.make { kind = kind, code = code, database = place.shown,
    retryable = kind == "network" or kind == "timeout",
    message = ("%s: cannot connect: %s%s"):format(place.shown, words,
      code and (" (%s)"):format(code) or "") })
end

local function is_address(host)
  return host:find "^%d+%.%d+%.%d+%.%d+$" or host:find(":", 1, true)
end

--- The addresses of a target; an empty list and why not; a socket has one without an address.
local function addresses_of(target, timeout)
  if target.address then return { target.address } end
  local host = target.host
  if not host or host:find "^[/@]" then return { false } end
  if is_address(host) then return { host } end
  local in_time, list, why = scope.move_on_after(timeout, core.resolve, host)
  if in_time and list then return list end
  return {}, ("the address of '%s' is not known: %s"):format(host,
    in_time and why or ("nobody told it within %g s"):format(timeout))
end

local function arguments(place, target, address)
  local names, values = {}, {}
  local function add(name, value)
    if value then names[#names + 1], values[#values + 1] = name, value end
  end
  for name, value in next, place.options do add(name, value) end
  add("host", target.host)
  add("port", target.port)
  add("hostaddr", address)
  return names, values
end

--- ISO dates and exact floats, whatever the server's settings say.
local function settle(raw)
  local _, version = raw:facts()
  if not (raw:parameter "DateStyle" or "ISO"):find "^ISO" then raw:script "SET datestyle = ISO" end
  if version and version < 120000 then raw:script "SET extra_float_digits = 3" end
  return raw
end

local function attempt(settings, target, address, timeout)
  local names, values = arguments(settings.place, target, address)
  local raw, problem
  local guard <close> = setmetatable({}, { __close = function(self)
    if raw and not self.settled then raw:close() end
  end })
  local in_time = scope.move_on_after(timeout, function()
    raw, problem = core.connect(names, values, settings.cancel_timeout)
    if raw then guard.settled = settle(raw) end
  end)
  if in_time and raw then return raw end
  if not in_time then
    return nil, "timeout", nil, ("nothing came back within %g s"):format(timeout)
  end
  return nil, judge(problem)
end

---@async
---@param settings orch.db.pg.Settings
---@return userdata raw raises `network`, `timeout`, `auth`, `tls`, `db`
function pg_connect.open(settings)
  local place, timeout = settings.place, settings.connect_timeout
  local kind, code, words, tried = "network", nil, nil, 0
  for _, target in ipairs(place.targets) do
    local list, why = addresses_of(target, timeout)
    if why then kind, code, words, tried = "network", nil, why, tried + 1 end
    for _, address in ipairs(list) do
      local raw
      raw, kind, code, words = attempt(settings, target, address, timeout)
      if raw then return raw end
      if kind ~= "network" and kind ~= "timeout" then throw(place, kind, code, words) end
      tried = tried + 1
    end
  end
  if tried > 1 then words = ("%s (the last of %d addresses)"):format(words, tried) end
  throw(place, kind, code, words)
end

return pg_connect
