--- App Store Connect, as far as an upload to TestFlight needs it: a fake service on loopback
--- that checks what is sent and misbehaves on request.
---
---     local store <close> = dofile("tests/stores/app_store.lua").start { delay = 3 }
---     orch.deploy.testflight.upload { base_url = store.url, key = store.key,
---       key_id = store.key_id, issuer_id = store.issuer_id, app = store.bundle_id, ... }
---     store:fail("PUT part", 1, { status = 503 })
---     print(#store.builds, store.requests["PUT part"])
---
--- Follows Apple's App Store Connect API 4.1 ("Build uploads") as published with 4.4.1 in 2026;
--- what of it could be read is said in lua/orch/deploy/testflight.lua. Words and codes of errors
--- are those that users of the API quote (NOT_AUTHORIZED, ENTITY_ERROR.ATTRIBUTE.INVALID, ...).
--- Checked for real: the token (ES256, kid, iss, aud, iat not in the future, exp at most 20
--- minutes away), the
--- range, the length and the headers of each part, that no token goes to the storage, the
--- checksum of the commit, that the parts make up the file.
---
--- Options: delay (seconds that all parts of a file take together; 0), processing (looks until
--- an upload is COMPLETE, and again until its build is VALID; 2), part_size (1 MB), groups,
--- all_builds (name -> true: a group that has every build, and is refused one), page (groups in
--- an answer), behind (seconds that its clock is behind; 0),
--- verdict ("VALID", "INVALID", "FAILED": the upload, or "never"), checksums ("MD5": which the
--- commit may name; false refuses any), issuer_id (false: an individual key).

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local say = dofile(here .. "/app_store_words.lua")
local routes = {}
for _, name in ipairs { "builds", "uploads" } do
  for route, what in pairs(dofile(here .. "/app_store_" .. name .. ".lua")) do
    routes[route] = what
  end
end

local app_store = {}

---@class tests.AppStore
---@field url string
---@field uploads table<string, table>
---@field builds table[]
---@field requests table<string, integer> how often each route was asked
---@field faults table<string, table[]>
local Store = {}
Store.__index = Store

function Store:authorized(request)
  local token = (request.headers.authorization or ""):match "^Bearer (.+)$"
  if not token then return false end
  self.tokens[token] = true
  local ok, claims, headers = pcall(orch.jwt.verify, token,
    { algorithm = "ES256", key = self.key })
  if not ok or headers.kid ~= self.key_id or headers.typ ~= "JWT" then return false end
  local who = claims.sub == "user"
  if self.issuer_id then who = claims.iss == self.issuer_id end
  return who and claims.aud == "appstoreconnect-v1" and claims.exp and claims.iat
    and claims.iat <= os.time() - self.behind and claims.exp > claims.iat
    and claims.exp <= os.time() - self.behind + 1200
end

function Store:id(prefix)
  self.last_id = self.last_id + 1
  return ("%s-%d"):format(prefix, self.last_id)
end

--- The longer patterns are of other shapes, so their order does not matter.
local function route_of(request)
  local line = request.method .. " " .. request.path
  for name, route in pairs(routes) do
    local found = table.pack(line:match(route[1]))
    if found[1] then return name, route[2], found end
  end
end

---The next `n` requests of a route go wrong after `skip` (0) good ones. A fault: { status=,
---headers= } in Apple's words, { reset = true }, { lost = true } (done, but the answer is
---lost), { hang = true }, or a function of the request that gives an answer or nil.
---@param route string such as "PUT part"
---@param n integer
---@param fault table|function
---@param skip integer?
function Store:fail(route, n, fault, skip)
  assert(routes[route], "no such route: " .. route)
  local list = self.faults[route] or {}
  self.faults[route] = list
  list[#list + 1] = { left = n, fault = fault, skip = skip or 0 }
end

local titles = { [401] = true, [403] = { "FORBIDDEN_ERROR", "This request is forbidden for "
  .. "security reasons", "The API key in use does not allow this request" },
  [429] = { "RATE_LIMIT_EXCEEDED", "The request rate limit has been reached.",
    "We've received too many requests for this API. Please wait and try again or slow down "
    .. "your request rate." } }

local function answer_of(fault)
  if fault.reset or fault.close then return fault end
  if fault.hang then
    orch.sleep "1h"
    return 503
  end
  if fault.status == 401 then return say.not_authorized() end
  local words = titles[fault.status] or { "UNEXPECTED_ERROR", "An unexpected error occurred.",
    "An unexpected error occurred on the server side. If this issue continues, contact us at "
    .. "https://developer.apple.com/contact/." }
  local answer = say.problem(fault.status, words[1], words[2], words[3])
  answer.headers = fault.headers
  return answer
end

local function fault_of(self, name)
  for _, one in ipairs(self.faults[name] or {}) do
    if one.skip > 0 then
      one.skip = one.skip - 1
      return nil
    elseif one.left > 0 then
      one.left = one.left - 1
      return one.fault
    end
  end
end

local function handle(self, request)
  local name, fn, found = route_of(request)
  if not name then
    return say.problem(404, "PATH_ERROR", "The URL path is not valid", "The resource '"
      .. request.path .. "' does not exist")
  end
  self.requests[name] = (self.requests[name] or 0) + 1
  self.log[#self.log + 1] = name
  if name ~= "PUT part" and not self:authorized(request) then
    self.refused = self.refused + 1
    return say.not_authorized()
  end
  local fault, lost = fault_of(self, name), false
  if type(fault) == "function" then
    local answer = fault(request)
    if answer then return answer end
  elseif fault then
    lost = fault.lost
    if not lost then return answer_of(fault) end
  end
  local answer = fn(self, request, table.unpack(found, 1, found.n))
  return lost and { reset = true } or answer
end

function Store:__close()
  self.server:close()
end

---A new key, as Apple gives it: PKCS#8, on the curve P-256.
---@async
---@return string pem
function app_store.new_key()
  return orch.process.run({ "openssl", "genpkey", "-algorithm", "EC", "-pkeyopt",
    "ec_paramgen_curve:P-256" }).stdout
end

---@async
---@param options table?
---@return tests.AppStore store `<close>`-able
function app_store.start(options)
  options = options or {}
  local self = setmetatable({
    key = options.key or app_store.new_key(), key_id = options.key_id or "2X9R4HXF34",
    issuer_id = options.issuer_id == nil and "57246542-96fe-1a63-e053-0824d011072a"
      or options.issuer_id or nil,
    app_id = "6448311069", bundle_id = options.bundle_id or "com.example.cat",
    groups = options.groups or { "Testers", "Friends" }, all_builds = options.all_builds or {},
    page = options.page or 200, behind = options.behind or 0, delay = options.delay or 0,
    processing = options.processing or 2, verdict = options.verdict or "VALID",
    part_size = options.part_size or 1 << 20, checksums = options.checksums,
    uploads = {}, files = {}, builds = {}, faults = {}, requests = {}, log = {}, last_id = 0,
    received = 0, leaks = 0, refused = 0, tokens = {}, line = orch.lock(),
  }, Store)
  if self.checksums == nil then self.checksums = "MD5" end
  self.app = { type = "apps", id = self.app_id, attributes = { name = "Cat",
    bundleId = self.bundle_id, primaryLocale = "en-US" } }
  self.server = orch.http.serve({ port = 0, limit = "256M" }, function(request)
    return handle(self, request)
  end)
  self.url = self.server.url
  return self
end

return app_store
