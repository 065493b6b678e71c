--- A service that speaks S3, for tests and demos: the Amazon S3 API Reference, API version
--- 2006-03-01 (as of 2024-06): PutObject, GetObject, HeadObject, DeleteObject(s), ListObjectsV2,
--- CreateMultipartUpload, UploadPart, ListParts, ListMultipartUploads, CompleteMultipartUpload,
--- AbortMultipartUpload; signatures as in "Authenticating Requests (AWS Signature Version 4)".
---
---     local store <close> = dofile("tests/stores/s3.lua").start { buckets = { "builds" } }
---     orch.deploy.s3.upload { file = "a.zip", bucket = "builds", endpoint = store.url,
---       access_key = store.access_key, secret_key = store.secret_key }
---     store.buckets.builds["a.zip"].body
---
--- Signatures, digests, sizes and the order of parts are checked for real. Misbehaviour:
---
---     store:fail("UploadPart", 2, { status = 503, code = "SlowDown" })   -- the second from now
---     store:fail("UploadPart", "always", { reset = true })
---     store:fail("CompleteMultipartUpload", 1, { lost = true })          -- done, but no answer
---     store.clock = 1800                                                 -- seconds it is ahead
---
--- A fault may also have `message`, `headers`, `inside` (Error in an answer of 200), `delay`, and
--- `run`, a function that is called first. `store.encrypted = true` gives ETags that are no MD5.

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local words = dofile(here .. "/s3_words.lua")
local signature = dofile(here .. "/s3_signature.lua")
local ways = dofile(here .. "/s3_objects.lua").ways
for name, way in pairs(dofile(here .. "/s3_parts.lua")) do ways[name] = way end

local s3 = {}

local Store = {}
Store.__index = Store

function Store:now() return os.time() + self.clock end

local function route_of(method, key, query)
  if not key then
    if method == "GET" and query.uploads then return "ListMultipartUploads" end
    if method == "GET" and query["list-type"] == "2" then return "ListObjectsV2" end
    if method == "POST" and query.delete then return "DeleteObjects" end
  elseif query.uploadId then
    local of = { PUT = "UploadPart", GET = "ListParts", POST = "CompleteMultipartUpload",
      DELETE = "AbortMultipartUpload" }
    return of[method]
  elseif method == "POST" then
    return query.uploads and "CreateMultipartUpload" or nil
  else
    local of = { PUT = "PutObject", GET = "GetObject", HEAD = "HeadObject",
      DELETE = "DeleteObject" }
    return of[method]
  end
end

--- Bucket and key of a request, in the path or in the host.
local function place_of(request)
  local path, raw = request.target:match "^([^?]*)%??(.*)$"
  local host = (request.headers.host or ""):gsub(":%d+$", "")
  local name = host:match "^(.+)%.s3%." or host:match "^(.+)%.localhost$"
  local rest = words.decode(path):sub(2)
  if not name then name, rest = rest:match "^([^/]*)/?(.*)$" end
  return { name = name, key = rest ~= "" and rest or nil, query = signature.read_query(raw) }
end

--- The fault that is due for this request, if any; it counts for all of its route.
local function due(self, route)
  local now
  for i = #self.faults, 1, -1 do
    local one = self.faults[i]
    if one.route == route and one.n == "always" then
      now = now or one.fault
    elseif one.route == route then
      one.n = one.n - 1
      if one.n == 0 then now = table.remove(self.faults, i).fault end
    end
  end
  return now
end

local function act(self, request, route, at)
  local fault = due(self, route)
  if fault and fault.delay then orch.sleep(fault.delay) end
  if fault and fault.run then fault.run() end
  if fault and fault.reset then return { reset = true } end
  if fault and fault.code then
    local more = { message = fault.message, headers = fault.headers, Region = fault.region,
      status = fault.inside and 200 or fault.status }
    return words.refusal(self, fault.code, more)
  end
  if fault and fault.status then
    return { status = fault.status, headers = fault.headers or {}, body = fault.body or "" }
  end
  if at.query["X-Amz-Signature"] then
    signature.check_link(self, request, at.query)
  else
    signature.check_headers(self, request)
  end
  at.bucket = self.buckets[at.name]
  if not at.bucket then words.refuse(self, "NoSuchBucket", { BucketName = at.name }) end
  if self.denied[route] then words.refuse(self, "AccessDenied") end
  if self.delay > 0 and (route == "PutObject" or route == "UploadPart") then
    orch.sleep(self.delay)
  end
  local answer = ways[route](self, request, at)
  if fault and fault.lost then return { reset = true } end
  if fault and fault.etag then answer.headers.ETag = fault.etag end
  return answer
end

local function handle(self, request)
  local at = place_of(request)
  local route = route_of(request.method, at.key, at.query)
  local entry = { route = route or "?", key = at.key, bytes = #request.body,
    payload = request.headers["x-amz-content-sha256"], part = at.query.partNumber,
    headers = request.headers, target = request.target }
  self.requests[#self.requests + 1] = entry
  local ok, answer = pcall(function()
    if not route then words.refuse(self, "MethodNotAllowed") end
    return act(self, request, route, at)
  end)
  if not ok then
    if type(answer) ~= "table" or not answer.answer then error(answer, 0) end
    answer = answer.answer
  end
  entry.status = type(answer) == "table" and answer.status or answer
  if request.method == "HEAD" and type(answer) == "table" and answer.status ~= 200 then
    answer.body, answer.headers["Content-Type"] = "", nil
  end
  return answer
end

---Lets the n-th request of a route from now on, or "always" each, go wrong.
---@param route string "UploadPart", ...
---@param n integer|"always"
---@param fault table
function Store:fail(route, n, fault)
  self.faults[#self.faults + 1] = { route = route, n = n, fault = fault }
end

---How many requests there were, of a route or in all.
---@param route? string
---@return integer
function Store:count(route)
  local count = 0
  for _, one in ipairs(self.requests) do
    if not route or one.route == route then count = count + 1 end
  end
  return count
end

---Forgets the requests and the faults.
function Store:forget()
  self.requests, self.faults = {}, {}
end

function Store:__close() self.server:close() end

---@param opts? {buckets: string[]?, region: string?, delay: number?, page: integer?,
---  least_part: integer?, session_token: string?, port: integer?, cert: string?, key: string?}
---  `delay`: seconds that a body takes
function s3.start(opts)
  opts = opts or {}
  local self = setmetatable({
    access_key = "AKIAIOSFODNN7EXAMPLE", secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    session_token = opts.session_token, region = opts.region or "us-east-1", buckets = {},
    uploads = {}, requests = {}, faults = {}, denied = {}, undeletable = {}, clock = 0, serial = 1,
    encrypted = false, uploaded = 0,
    delay = opts.delay or 0, page = opts.page or 1000, least_part = opts.least_part or 5 << 20,
  }, Store)
  for _, name in ipairs(opts.buckets or { "builds" }) do self.buckets[name] = {} end
  self.server = orch.http.serve({ port = opts.port or 0, limit = "80M", cert = opts.cert,
    key = opts.key }, function(request) return handle(self, request) end)
  self.url = self.server.url
  return self
end

return s3
