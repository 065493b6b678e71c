--- Who asks the S3 of the tests, by the book and not by the code under test: "Authenticating
--- Requests (AWS Signature Version 4)", in headers and in links.

local hash = orch.hash
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local words = dofile(here .. "/s3_words.lua")
local refuse, encode, decode = words.refuse, words.encode, words.decode

local sign = {}

local function seconds_of(stamp)
  local y, mo, d, h, mi, s = stamp:match "^(%d%d%d%d)(%d%d)(%d%d)T(%d%d)(%d%d)(%d%d)Z$"
  if not y then return nil end
  local noon = os.time { year = 1970, month = 1, day = 2, hour = 0, isdst = false }
  return os.time { year = y, month = mo, day = d, hour = h, min = mi, sec = s, isdst = false }
    - (noon - 86400)
end

--- name -> value, and what the signature covers of it.
function sign.read_query(raw, without)
  local map, list = {}, {}
  for part in raw:gmatch "[^&]+" do
    local name, value = part:match "^([^=]*)=?(.*)$"
    name, value = decode(name), decode((value:gsub("+", " ")))
    map[name] = value
    if name ~= without then list[#list + 1] = encode(name, "") .. "\0" .. encode(value, "") end
  end
  table.sort(list)
  for i, one in ipairs(list) do list[i] = one:gsub("%z", "=") end
  return map, table.concat(list, "&")
end

local function expected_signature(self, asked)
  local lines = {}
  for name in asked.names:gmatch "[^;]+" do
    local values = asked.headers:all(name)
    if #values == 0 then
      refuse(self, "SignatureDoesNotMatch", { message = "a signed header is missing: " .. name })
    end
    for i, value in ipairs(values) do
      values[i] = value:gsub("%s+", " "):match "^%s?(.-)%s?$"
    end
    lines[#lines + 1] = name .. ":" .. table.concat(values, ",")
  end
  local canonical = asked.method .. "\n" .. encode(decode(asked.path), "/") .. "\n" .. asked.query
    .. "\n" .. table.concat(lines, "\n") .. "\n\n" .. asked.names .. "\n" .. asked.payload
  local day, region = asked.scope:match "^(%d+)/([^/]*)/"
  local text = "AWS4-HMAC-SHA256\n" .. asked.stamp .. "\n" .. asked.scope .. "\n"
    .. hash.sha256(canonical)
  local key = "AWS4" .. self.secret_key
  for _, word in ipairs { day, region, "s3", "aws4_request" } do
    key = hash.unhex(hash.hmac("sha256", key, word))
  end
  return hash.hmac("sha256", key, text)
end

local function check_scope(self, scope, stamp)
  local day, region, service, last = scope:match "^(%d+)/([^/]+)/([^/]+)/([^/]+)$"
  if not day or service ~= "s3" or last ~= "aws4_request" or stamp:sub(1, 8) ~= day then
    refuse(self, "AuthorizationHeaderMalformed", { message = "the scope is malformed" })
  end
  if region ~= self.region then
    refuse(self, "AuthorizationHeaderMalformed", { Region = self.region,
      headers = { ["x-amz-bucket-region"] = self.region },
      message = ("The authorization header is malformed; the region '%s' is wrong; expecting '%s'")
        :format(region, self.region) })
  end
end

local function check_token(self, token)
  if self.token_expired and token == self.session_token then refuse(self, "ExpiredToken") end
  if token ~= self.session_token then refuse(self, "InvalidToken", { message =
    "The provided token is malformed or otherwise invalid." }) end
end

function sign.check_link(self, request, query)
  local access, scope = query["X-Amz-Credential"]:match "^([^/]+)/(.+)$"
  local stamp = query["X-Amz-Date"]
  if access ~= self.access_key then refuse(self, "InvalidAccessKeyId") end
  check_token(self, query["X-Amz-Security-Token"])
  check_scope(self, scope, stamp)
  if self:now() > seconds_of(stamp) + tonumber(query["X-Amz-Expires"]) then
    refuse(self, "AccessDenied", { message = "Request has expired" })
  end
  local path, raw = request.target:match "^([^?]*)%??(.*)$"
  local _, covered = sign.read_query(raw, "X-Amz-Signature")
  local wanted = expected_signature(self, { method = request.method, path = path, query = covered,
    names = query["X-Amz-SignedHeaders"], headers = request.headers, payload = "UNSIGNED-PAYLOAD",
    stamp = stamp, scope = scope })
  if wanted ~= query["X-Amz-Signature"] then refuse(self, "SignatureDoesNotMatch") end
end

function sign.check_headers(self, request)
  local headers = request.headers
  local access, scope, names, signature = (headers.authorization or ""):match(
    "^AWS4%-HMAC%-SHA256 Credential=([^/]+)/([^,]+),%s*SignedHeaders=([^,]+),%s*Signature=(%x+)$")
  if not access then refuse(self, "AccessDenied") end
  local stamp = headers["x-amz-date"] or ""
  local at = seconds_of(stamp)
  if not at then refuse(self, "AccessDenied", { message = "x-amz-date is missing" }) end
  if access ~= self.access_key then refuse(self, "InvalidAccessKeyId") end
  if math.abs(at - self:now()) > 900 then
    refuse(self, "RequestTimeTooSkewed",
      { RequestTime = stamp, ServerTime = words.iso(self:now()) })
  end
  check_token(self, headers["x-amz-security-token"])
  check_scope(self, scope, stamp)
  local payload = headers["x-amz-content-sha256"]
  if not payload then refuse(self, "MissingSecurityHeader") end
  for name in pairs(headers) do -- whatever AWS says of itself must be covered
    local own = name:find "^x%-amz%-" or name == "host"
    if own and not (";" .. names .. ";"):find(";" .. name .. ";", 1, true) then
      refuse(self, "AccessDenied", { message =
        "There were headers present in the request which were not signed: " .. name })
    end
  end
  local path, raw = request.target:match "^([^?]*)%??(.*)$"
  local _, covered = sign.read_query(raw)
  local wanted = expected_signature(self, { method = request.method, path = path, query = covered,
    names = names, headers = headers, payload = payload, stamp = stamp, scope = scope })
  if wanted ~= signature then refuse(self, "SignatureDoesNotMatch") end
  if payload ~= "UNSIGNED-PAYLOAD" and payload ~= hash.sha256(request.body) then
    refuse(self, "XAmzContentSHA256Mismatch")
  end
end

return sign
