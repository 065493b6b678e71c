--- A local HTTP server: a function answers each request, in a task of its own.
---
---     local server <close> = orch.http.serve({ port = 0 }, function(request)
---       return { json = { you_sent = request.query } }
---     end)
---     print(server.url) --> http://127.0.0.1:40213

local arg = require "orch.arg"
local answer = require "orch.http.serve.answer"
local context = require "orch.context"
local core = require "orch.core.serve"
local errors = require "orch.core.error"
local park = require "orch.core.park"
local requests = require "orch.http.serve.request"
local runtime = require "orch.core.runtime"
local scopes = require "orch.scope"
local tasks = require "orch.core.task"
local unclosed = require "orch.unclosed"

local DAEMON = 1

local options = {
  port = "integer", host = "string", limit = "size", grace = "duration", idle = "duration",
  on_error = "callable", cert = "path", key = "path",
}

---@class orch.Server
---@field port integer
---@field url string such as "http://127.0.0.1:8080", without a slash at its end
---@field private handle userdata
---@field private keeper orch.Task owns it
---@field private live table<integer, orch.Request> those that handlers work on
local Server = {}
Server.__index = Server
Server.__name = "orch.Server"
Server.leak = "the http.serve of %s was never closed: write "
  .. "`local server <close> = http.serve(...)`, or call `server:wait()`"

--- The server whose handler this task, or the one that spawned it, is.
local inside = context("http.serve")

local function say(self, request, err)
  local where = err.where and err.where ~= "?" and not err.message:find(err.where, 1, true)
    and (" (%s)"):format(err.where) or ""
  local text = ("http.serve: the handler failed: %s%s"):format(tostring(err), where)
  if self.on_error then
    local ok, problem = pcall(self.on_error, err, request)
    if ok then return end
    text = ("%s; and so did on_error: %s"):format(text, tostring(problem))
  end
  require("orch.log").error(text) -- the task's name says which request
end

--- A client that has gone is nobody's failure.
local function on_failure(self, request, err)
  if err.client_gone then return end
  core.fail(request.handle, 500, "the handler of this request failed\n")
  say(self, request, err)
end

--- What the handler spawned ends before its task does, but not before the answer.
local function handle(self, request)
  local _ <close> = tasks.open("handler", nil, false, nil, false)
  answer.send(request, self.handler(request))
end

--- Fails, and the server with it, only where there is no memory to answer.
local function serve_one(self, request)
  local _ <close> = request
  request.started = true
  local ok, err = xpcall(handle, errors.handler, self, request)
  if not ok then on_failure(self, request, errors.normalize(err)) end
end

local function take_all(self, scope)
  for id in core.gone, self.handle do
    if self.live[id] then self.live[id]:abandon "the client has gone" end
  end
  for taken in core.take, self.handle do
    local request = requests.new(taken, self.live)
    request.task = scope:start(request.name, serve_one, self, request)
  end
end

--- Clients may still hang up meanwhile; what handlers have spawned takes longer.
local function finish(self, scope)
  while core.wait(self.handle, true) do take_all(self, scope) end
  scope:wait(1)
end

local function accept(self)
  local scope <close> = tasks.open("http.serve", nil, false, nil, false)
  local here <close> = inside:set(self)
  while core.wait(self.handle, false) do take_all(self, scope) end
  if scopes.move_on_after(self.grace, finish, self, scope) then return end
  for _, request in pairs(self.live) do request:abandon "the server is closing" end
end

--- Owns the server on behalf of the scope that it was started in.
local function keep(self, started)
  local _ <close> = setmetatable({}, { __close = function()
    started:wake_all()
    if self.handle then core.close(self.handle) end
  end })
  local ok, handle_or_error, port = pcall(core.open, self.host, self.port, self.limit,
    self.idle, self.cert, self.key)
  if not ok then
    self.error = handle_or_error
    return
  end
  self.handle, self.port = handle_or_error, port
  started:wake_all()
  accept(self)
end

---Stops listening, lets the handlers that run finish for up to the grace, cancels those
---that are left and closes all connections. Called by a handler, it does not wait.
---@async
function Server:close()
  unclosed.remove(self)
  if self.keeper:done() then return end
  core.quiesce(self.handle)
  if inside:get() == self then return end
  local shield <close> = tasks.open("server:close", nil, true, math.huge, false)
  self.keeper:join()
end

Server.__close = Server.close

---Waits until the server is closed: by another task, by a handler, or with its scope.
---@async
function Server:wait()
  unclosed.remove(self)
  self.keeper:join()
end

local function check_host(host)
  if host == "localhost" then return "127.0.0.1" end
  if not core.is_address(host) then
    arg.fail('http.serve: option `host` should be an IP address such as "127.0.0.1", '
      .. '"0.0.0.0" (everybody) or "::1", not %q', host)
  end
  return host
end

local function check_port(port)
  if port < 0 or port > 65535 then
    arg.fail("http.serve: option `port` should be from 0 to 65535, not %d", port)
  end
  return port
end

local function read_tls(opts)
  if not opts.cert and not opts.key then return end
  if not (opts.cert and opts.key) then
    arg.fail("http.serve: the options `cert` and `key` belong together")
  end
  local fs = require "orch.fs"
  return fs.read(opts.cert), fs.read(opts.key)
end

local function url_of(self)
  local host = self.host
  if host == "0.0.0.0" then host = "127.0.0.1" end
  if host == "::" then host = "::1" end
  if host:find(":", 1, true) then host = "[" .. host .. "]" end
  return ("%s://%s:%d"):format(self.cert and "https" or "http", host, self.port)
end

---Serves until it is closed or the scope that it was started in ends. The handler gets
---an `orch.Request` and returns an `orch.Answer`. What it raises is answered with 500 and
---told on standard error; it is cancelled when its client goes away (one that shuts down
---its sending side has gone, too).
---@async
---@param opts orch.http.ServeOptions?
---@param handler async fun(request: orch.Request): orch.Answer|string|integer|nil
---@return orch.Server `<close>`-able; raises kind `os` (`code`, `host`, `port`) where it
---  cannot listen
local function serve(opts, handler)
  if arg.is_callable(opts) and handler == nil then opts, handler = nil, opts end
  opts = arg.options("http.serve", opts, options)
  arg.check("http.serve", 2, handler, "callable")
  local self = setmetatable({
    host = check_host(opts.host or "127.0.0.1"), port = check_port(opts.port or 0),
    limit = opts.limit or 16 << 20, grace = opts.grace or runtime.grace(),
    idle = math.max(1, math.ceil(math.min(opts.idle or 60, 1e6))),
    on_error = opts.on_error, handler = handler, live = {},
  }, Server)
  self.cert, self.key = read_tls(opts)
  local started = park.new "http.serve"
  local name = "http.serve" .. (self.port > 0 and " " .. self.port or "")
  self.keeper = tasks.spawn(name, DAEMON, keep, self, started)
  while not self.handle and not self.error do started:wait() end
  local err = self.error
  if err then
    if errors.is(err) then err.where, err.traceback = nil, nil end -- here, not in its keeper
    errors.throw(err)
  end
  self.url = url_of(self)
  self.cert, self.key = nil, nil
  return unclosed.add(self)
end

return serve
