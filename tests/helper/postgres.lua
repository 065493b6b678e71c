--- A real PostgreSQL for one test file: in a folder of its own, on a free port of loopback
--- and a Unix socket. It ends with orch, however that ends.
---
---     local server <close> = postgres.start()
---     local db <close> = orch.db.postgres(server:url())

local fs, json, process = orch.fs, orch.json, orch.process

local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")

if package.loaded["tests.postgres"] then return package.loaded["tests.postgres"] end

local postgres = {}
package.loaded["tests.postgres"] = postgres

---@class tests.Postgres
---@field port integer
---@field socket string folder of the Unix socket
---@field user string
local Server = {}
Server.__index = Server

---@return boolean there is one
function postgres.installed()
  return #fs.glob "/usr/lib/postgresql/*/bin/initdb" > 0
end

local function need()
  if postgres.installed() then return end
  orch.test.skip "there is no PostgreSQL here; scripts/install-packages.sh test installs it"
end

local SCRIPT = { "python3", "-S", "-E", here .. "/postgres.py" }

local function command_of(first, opts)
  local words = table.move(SCRIPT, 1, #SCRIPT, 1, {})
  local function add(list) table.move(list, 1, #list, #words + 1, words) end
  add(first)
  add { opts.auth or "trust", opts.password or "not a secret" }
  for _, name in ipairs(opts.tls and { "good.pem", "good.key", "ca.pem" } or {}) do
    add { opts.tls .. "/" .. name }
  end
  add { "--" }
  add(opts.settings or {})
  return words
end

local kept = {}

---One for several cases, which make it only once; it ends with orch.
---@async
---@param name string
---@param opts? table as for `start`
---@return tests.Postgres
function postgres.kept(name, opts)
  need()
  if kept[name] then return kept[name] end
  local command = command_of({ "--follow" }, opts or {})
  command.timeout = "60s"
  kept[name] = setmetatable(json.decode(process.run(command).stdout), Server)
  return kept[name]
end

---One for all that leave it as it was.
---@async
---@return tests.Postgres
function postgres.shared()
  return postgres.kept "shared"
end

---One of its own.
---@async
---@param opts? {auth: "trust"|"scram"|nil, password: string?, tls: string?, settings: string[]?}
---  `tls`: a folder with good.pem, good.key, ca.pem; `settings`: "name=value"
---@return tests.Postgres `<close>`-able
function postgres.start(opts)
  need()
  local self = setmetatable({}, Server)
  local command = command_of({}, opts or {})
  command.check = false
  self.process = process.spawn(command)
  local line = self.process:read "line"
  if not line then error("it did not start: " .. self.process:wait().stderr, 0) end
  for key, value in pairs(json.decode(line)) do self[key] = value end
  return self
end

---@param query? string such as "sslmode=require"
---@param password? string as URLs have it
function Server:url(query, password)
  return ("postgres://%s%s@127.0.0.1:%d/postgres%s"):format(self.user,
    password and ":" .. password or "", self.port, query and "?" .. query or "")
end

function Server:tell(line)
  if not self.process then
    local command = table.move(SCRIPT, 1, #SCRIPT, 1, { timeout = "30s" })
    table.move({ "--tell", self.socket, line }, 1, 3, #command + 1, command)
    process.run(command)
    return
  end
  self.process:write(line .. "\n")
  assert(self.process:read "line" == "done")
end

---@param mode "fast"|"immediate"
function Server:stop(mode) self:tell("stop " .. mode) end
function Server:start() self:tell "start" end
function Server:kill() self:tell "kill" end

function Server:__close()
  self.process:close_stdin()
  self.process:wait()
end

return postgres
