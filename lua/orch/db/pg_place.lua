--- Where a PostgreSQL is and who we are there: a URL or a table, completed by the task's PG*
--- variables, as the options of libpq.
---
---     pg_place.of "postgres://ada@db.example.com/stats?sslmode=verify-full"

local arg = require "orch.arg"
local core = require "orch.core.postgres"
local place = require "orch.place"

local pg_place = {}

local FNAME = "db.postgres"

--- libpq's own names -> the variable that stands for one, or false; read once.
local variables
local function known_options()
  if variables then return variables end
  variables = {}
  local list = core.options()
  for i = 1, #list, 2 do variables[list[i]] = list[i + 1] end
  variables.authtype, variables.tty = nil, nil -- without effect for many years
  return variables
end

local aliases = { database = "dbname", pw = "password", username = "user", ssl = "sslmode" }

local function decode(text)
  return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

local function bad_url(why)
  arg.fail("%s: %s; a URL is postgres://user:password@host:port/database?sslmode=require", FNAME,
    why)
end

--- "a:1,[::1]:2" -> hosts and ports as libpq's lists.
local function read_hosts(text, options)
  local hosts, ports, with_port = {}, {}, false
  for part in (text .. ","):gmatch "([^,]*)," do
    local host, port = part:match "^%[([^%]]*)%]:?(.*)$"
    if not host then host, port = part:match "^([^:]*):?(.*)$" end
    if port ~= "" and not port:find "^%d+$" then
      bad_url("the port of the host '" .. decode(host) .. "' is not a number")
    end
    hosts[#hosts + 1], ports[#ports + 1] = decode(host), port
    with_port = with_port or port ~= ""
  end
  if text ~= "" then options.host = table.concat(hosts, ",") end
  if with_port then options.port = table.concat(ports, ",") end
end

local function check_name(name)
  local use = aliases[name] or name
  if known_options()[use] ~= nil then return use end
  local near = arg.suggest(name, arg.keys_of(known_options()))
  arg.fail("%s: PostgreSQL has no option `%s`%s", FNAME, name,
    near and ("; did you mean `%s`?"):format(near) or "")
end

--- Also the script's line, which a report shows, has it.
local function cover(password)
  if password then require("orch.secrets").cover(password) end
end

--- Never shows the URL: it may hold a password.
local function read_url(url)
  if url == require("orch.secrets.source").NOT_ASKED then url = "postgres:///" end
  local rest = url:match "^postgres://(.*)$" or url:match "^postgresql://(.*)$"
  if not rest then bad_url "the address does not begin with postgres://" end
  local options, query = {}, nil
  local secret = rest:match "^[^:]*:(.*)@"
  rest, query = rest:match "^([^?]*)%??(.*)$"
  local authority, database = rest:match "^([^/]*)/?(.*)$"
  local login, hosts = authority:match "^(.*)@([^@]*)$"
  if not login and (database:find("@", 1, true) or query:find "^[^=]*@") then
    cover(secret)
    bad_url "in a user and a password / ? # @ : are written %2F %3F %23 %40 %3A"
  end
  if login then
    local user, password = login:match "^([^:]*):?(.*)$"
    options.user = user ~= "" and decode(user) or nil
    options.password = password ~= "" and decode(password) or nil
    cover(options.password)
  end
  read_hosts(hosts or authority, options)
  if database ~= "" then options.dbname = decode(database) end
  for pair in query:gmatch "[^&]+" do
    local name, value = pair:match "^([^=]*)=(.*)$"
    if not name then bad_url("the option '" .. pair .. "' has no value") end
    options[check_name(decode(name))] = decode(value)
  end
  return options
end

local function read_table(given)
  local options = {}
  for name, value in next, given do
    if type(name) ~= "string" then
      arg.fail("%s: the table has names: { host = ..., database = ... }", FNAME)
    end
    local use = check_name(name)
    if type(value) == "table" and (use == "host" or use == "port") then
      for i, item in ipairs(value) do value[i] = tostring(item) end
      value = table.concat(value, ",")
    elseif type(value) == "number" or type(value) == "boolean" then
      value = tostring(value):gsub("%.0$", "")
    elseif type(value) ~= "string" then
      arg.fail("%s: `%s` should be a string or a number, not %s", FNAME, name, type(value))
    end
    if value:find("\0", 1, true) then arg.fail("%s: `%s` has a NUL byte", FNAME, name) end
    options[use] = value
  end
  return options
end

--- libpq would ask the process's environment, which is not the task's.
local function add_environment(options)
  local hosted = options.host or options.hostaddr
  for name, variable in next, known_options() do
    local value = options[name] == nil and variable and place.getenv(variable)
    if value and value ~= "" and not (hosted and (name == "host" or name == "hostaddr")) then
      options[name] = value
    end
  end
  local home = place.getenv "HOME"
  if not options.passfile and home then options.passfile = home .. "/.pgpass" end
end

local files = { "sslrootcert", "sslcert", "sslkey", "sslcrl", "passfile" }

--- Relative to the task's folder; "system" is none.
local function resolve_files(options)
  for _, name in ipairs(files) do
    local path = options[name]
    if path and path ~= "" and path ~= "system" then options[name] = place.resolve(path) end
  end
end

local function split(text)
  local list = {}
  for part in ((text or "") .. ","):gmatch "([^,]*)," do list[#list + 1] = part end
  return list
end

--- One entry for each host, in the order they are tried.
local function targets_of(options)
  local hosts, addresses = split(options.host), split(options.hostaddr)
  local ports, targets = split(options.port), {}
  for i = 1, math.max(options.host and #hosts or 0, options.hostaddr and #addresses or 0, 1) do
    local port = #ports == 1 and ports[1] or ports[i]
    targets[i] = {
      host = hosts[i] ~= "" and hosts[i] or nil,
      address = addresses[i] ~= "" and addresses[i] or nil,
      port = port ~= "" and port or nil,
    }
  end
  options.host, options.hostaddr, options.port = nil, nil, nil
  return targets
end

local function shown(options, targets)
  local first = targets[1]
  local at = first.host or first.address or "local socket"
  if first.port then at = at .. ":" .. first.port end
  return (options.user and options.user .. "@" or "") .. at
    .. (options.dbname and "/" .. options.dbname or "")
end

---@class orch.db.pg.Place
---@field options table<string, string> of libpq's, without host, hostaddr and port
---@field targets {host: string?, address: string?, port: string?}[]
---@field connect_timeout number?
---@field shown string user@host:port/database

---@param given string|table
---@return orch.db.pg.Place
function pg_place.of(given)
  arg.check(FNAME, 1, given, "string|table")
  local options = type(given) == "string" and read_url(given) or read_table(given)
  add_environment(options)
  if options.service then
    arg.fail("%s: service files are not read; give the host and the database", FNAME)
  end
  cover(options.password)
  resolve_files(options)
  local timeout = tonumber(options.connect_timeout)
  options.connect_timeout = nil
  local targets = targets_of(options)
  options.client_encoding = "UTF8"
  options.gssencmode = options.gssencmode or "disable" -- would ask for tickets, and wait
  options.fallback_application_name = "orch"
  return { options = options, targets = targets, shown = shown(options, targets),
    connect_timeout = timeout and timeout > 0 and timeout or nil }
end

return pg_place
