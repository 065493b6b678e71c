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
---@field password string
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

local shared

---One for all that leave it as it was; it ends with orch.
---@async
---@return tests.Postgres
function postgres.shared()
  need()
  if shared then return shared end
  local told = process.run { "python3", "-S", "-E", here .. "/postgres.py", "--follow", "trust",
    "not a secret", timeout = "60s" }
  shared = setmetatable(json.decode(told.stdout), Server)
  return shared
end

---One of its own.
---@async
---@param opts? {auth: "trust"|"scram"|nil, password: string?, tls: string?, settings: string[]?}
---  `tls`: a folder with good.pem, good.key, ca.pem; `settings`: "name=value"
---@return tests.Postgres `<close>`-able
function postgres.start(opts)
  need()
  opts = opts or {}
  local self = setmetatable({ password = opts.password or "not a secret" }, Server)
  local command = { "python3", "-S", "-E", here .. "/postgres.py", opts.auth or "trust",
    self.password, check = false }
  for _, name in ipairs(opts.tls and { "good.pem", "good.key", "ca.pem" } or {}) do
    command[#command + 1] = opts.tls .. "/" .. name
  end
  command[#command + 1] = "--"
  table.move(opts.settings or {}, 1, #(opts.settings or {}), #command + 1, command)
  self.process = process.spawn(command)
  local line = self.process:read "line"
  if not line then error("it did not start: " .. self.process:wait().stderr, 0) end
  for key, value in pairs(json.decode(line)) do self[key] = value end
  return self
end

---@param query? string such as "sslmode=require"
function Server:url(query)
  return ("postgres://%s@127.0.0.1:%d/postgres%s"):format(self.user, self.port,
    query and "?" .. query or "")
end

function Server:tell(line)
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
