--- The misbehaving server (../server.py) in a test: what it shall send is written
--- where it is expected.
---
---     local server = dofile(here .. "/helper/server.lua")
---     local play = server.play { "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", server.reset }
---     expect(function() http.get(play.url) end):raises "network"
---     expect(play:count "request"):equals(1)
---
--- It starts with the first use and ends with orch; all test files of a run share it.

local fs, json, process = orch.fs, orch.json, orch.process

local here = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")

if package.loaded["tests.server"] then return package.loaded["tests.server"] end

local server = {
  reset = { reset = true }, -- the connection ends with a RST
  close = { close = true }, -- with a FIN
  drain = { drain = true }, -- with a FIN, once the client has said all it wants
  hold = { hold = true },   -- nothing more until the client closes; notes "closed"
  body = { body = true },   -- reads the request's body, which is otherwise read at the end
}
package.loaded["tests.server"] = server

---@param seconds number
function server.sleep(seconds) return { sleep = seconds } end

---@param bytes integer sent as fast as they are taken; notes "filled"
function server.fill(bytes) return { fill = bytes } end

---@param text string sent again and again
---@param every number seconds before each
---@param times? integer without end when absent
function server.drip(text, every, times)
  return { drip = text, every = every, times = times }
end

---A whole answer with its length.
---@param status integer
---@param headers? string[] "Name: value"
---@param body? string
---@return string bytes
function server.answer(status, headers, body)
  local lines = { "HTTP/1.1 " .. status .. " Said" }
  table.move(headers or {}, 1, #(headers or {}), 2, lines)
  lines[#lines + 1] = "Content-Length: " .. #(body or "")
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. (body or "")
end

local function start(...)
  local command = { "python3", "-S", "-E", here .. "/../server.py", "--follow", ... }
  command.timeout = "30s"
  return json.decode(process.run(command).stdout)
end

local dir, ports, tls

local function started()
  if not ports then
    dir = fs.temp_dir()
    ports = start("--dir", dir)
  end
  return ports
end

---Where something listens: "http", "other" (a second one), "silent" (accepts and says
---nothing), "reset", "refused", "full" (connecting never ends), "proxy", "ipv6", "unix"
---(a path).
---@async
---@param name string
---@return integer port nil for "ipv6" where there is none
function server.port(name) return started()[name] end

---The base URL of a port.
---@async
---@param name? string
function server.url(name)
  return ("http://%s:%d"):format(name == "ipv6" and "[::1]" or "127.0.0.1",
    server.port(name or "http"))
end

local function need_tls()
  if tls then return tls end
  started()
  local certs = fs.temp_dir()
  dofile(here .. "/certificates.lua").make(certs)
  tls = start("--dir", dir, "--certs", certs)
  tls.dir = certs
  return tls
end

---A base URL over TLS: "good", "expired", "selfsigned", "wronghost", "stranger" (signed
---by a CA that nobody knows), "clients" (asks for a certificate).
---@async
---@param name string
---@return string url
function server.tls(name)
  return ("https://127.0.0.1:%d"):format(need_tls()[name])
end

---A file of helper/certificates.lua, such as "ca.pem" or "client.key".
---@async
---@param name string
---@return string path
function server.certificate(name) return need_tls().dir .. "/" .. name end

local function plain(step)
  if type(step) == "string" then return { hex = orch.hash.hex(step) } end
  if step.drip then
    return { drip = plain(step.drip).hex, every = step.every, times = step.times }
  end
  return step
end

---@class tests.Play
---@field path string "/play/ID": the same on every port
---@field url string on the port "http"
local Play = {}
Play.__index = Play

---@async
---@param name? string a port; "tls:good" is one over TLS
---@return string url
function Play:on(name)
  local over_tls = name:match "^tls:(.*)"
  return (over_tls and server.tls(over_tls) or server.url(name)) .. self.path
end

--- What the server has noted, so far.
local function read_log(name)
  local list, path = {}, dir .. "/" .. name .. ".log"
  if not fs.exists(path) then return list end
  for line in fs.read(path):gmatch "([^\n]+)\n" do list[#list + 1] = json.decode(line) end
  return list
end

local function events_of(name, event)
  local list = {}
  for _, entry in ipairs(read_log(name)) do
    if entry.event == event then list[#list + 1] = entry end
  end
  return list
end

--- The `n`th event of that name, awaited: the server writes it in its own time.
local function wait_for_event(name, event, n)
  for _ = 1, 1000 do
    local list = events_of(name, event)
    if list[n] then return list[n] end
    orch.sleep(0.01)
  end
  error(("the server never noted %q number %d; it noted %s"):format(event, n,
    json.encode(read_log(name))))
end

---@async
---@param event string "request", "body", "filled", "holding", "closed", "gone"
---@return integer
function Play:count(event) return #events_of(self.name, event) end

---@async
---@param event string
---@param n? integer the first by default
---@return table fields `connection` (a number), and for "request" method, target, headers
---  (pairs), turn; "body" size, sha256, text; "filled" bytes; "closed" and "gone" how
function Play:wait(event, n) return wait_for_event(self.name, event, n or 1) end

---The value of a header of the `n`th request; nil when it had none.
---@async
---@param name string
---@param n? integer
function Play:header(name, n)
  for _, pair in ipairs(self:wait("request", n).headers) do
    if pair[1]:lower() == name:lower() then return pair[2] end
  end
end

local serial = 0

local function new_play(per, turns)
  started()
  serial = serial + 1
  local self = setmetatable({ name = "p" .. serial }, Play)
  local list = {}
  for i, turn in ipairs(turns) do
    list[i] = json.array {}
    for j, step in ipairs(turn) do list[i][j] = plain(step) end
  end
  self.path = "/play/" .. self.name
  self.url = server.url() .. self.path
  fs.write(dir .. "/" .. self.name .. ".json", json.encode { per = per, turns = list },
    { sync = false })
  return self
end

---Steps to do for every request: strings are sent as they are.
---@async
---@param steps (string|table)[]
---@return tests.Play
function server.play(steps) return new_play("request", { steps }) end

---The first request gets the first list of steps, the second the second one, and so on;
---the last one stays.
---@async
---@param turns (string|table)[][]
---@return tests.Play
function server.turns(turns) return new_play("request", turns) end

---The same by the number of the request on its connection.
---@async
---@param turns (string|table)[][]
---@return tests.Play
function server.turns_of_connection(turns) return new_play("connection", turns) end

---What the proxy has been asked for: a list of {method=, target=, user=, headers=}.
---@async
function server.proxied() return events_of("proxy", "request") end

return server
