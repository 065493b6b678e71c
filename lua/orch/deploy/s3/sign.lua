--- AWS Signature Version 4 as S3 wants it: paths are encoded once and never normalised, and the
--- digest of the body is a header. No network here.
---
---     local headers = sign.headers(request, keys, os.time())
---     local link = sign.link(request, keys, 3600, os.time())
---
--- A request is { method =, scheme =, host =, path = "/decoded/path", query = { name = value },
--- headers = { name = value }, payload = digits or sign.UNSIGNED }, keys are { access_key =,
--- secret_key =, session_token =, region =, service = "s3" }.

local core = require "orch.core.hash"

local sign = {}

local ALGORITHM = "AWS4-HMAC-SHA256"
sign.UNSIGNED = "UNSIGNED-PAYLOAD"

local function percent(c) return ("%%%02X"):format(c:byte()) end

---Percent-encodes all but the unreserved characters of RFC 3986.
---@param text string
---@return string
function sign.encode(text)
  return (text:gsub("[^%w%-._~]", percent))
end

---The same for a path, whose slashes stay.
---@param path string
---@return string
function sign.encode_path(path)
  return (path:gsub("[^%w%-._~/]", percent))
end

---A query in the order of the signature: by name, then by value, both encoded.
---@param query table<string, string|string[]>
---@return string
function sign.query(query)
  local list = {}
  for name, value in next, query do
    for _, one in ipairs(type(value) == "table" and value or { value }) do
      list[#list + 1] = { sign.encode(name), sign.encode(tostring(one)) }
    end
  end
  table.sort(list, function(a, b)
    if a[1] ~= b[1] then return a[1] < b[1] end
    return a[2] < b[2]
  end)
  for i, pair in ipairs(list) do list[i] = pair[1] .. "=" .. pair[2] end
  return table.concat(list, "&")
end

--- Spaces at the ends do not count, and several are one.
local function squeeze(value)
  return (value:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", ""))
end

--- The lines of the headers that are signed, and their names.
local function canonical_headers(headers)
  local names, lines = {}, {}
  local by_name = {}
  for name, value in next, headers do
    name = name:lower()
    names[#names + 1] = name
    if type(value) ~= "table" then value = { value } end
    local values = {}
    for i, one in ipairs(value) do values[i] = squeeze(tostring(one)) end
    by_name[name] = table.concat(values, ",")
  end
  table.sort(names)
  for i, name in ipairs(names) do lines[i] = name .. ":" .. by_name[name] .. "\n" end
  return table.concat(lines), table.concat(names, ";")
end

---What is signed of a request, and the names of its signed headers.
---@return string text
---@return string names
function sign.canonical(request)
  local lines, names = canonical_headers(request.headers)
  return table.concat({ request.method, sign.encode_path(request.path),
    sign.query(request.query or {}), lines, names, request.payload }, "\n"), names
end

local function hmac(key, text) return core.hmac("sha256", key, text, true) end

---The key of a day, a region and a service.
---@return string bytes
function sign.key(secret, date, region, service)
  local key = hmac("AWS4" .. secret, date)
  return hmac(hmac(hmac(key, region), service), "aws4_request")
end

local function scope_of(keys, stamp)
  return ("%s/%s/%s/aws4_request"):format(stamp:sub(1, 8), keys.region, keys.service or "s3")
end

local function signature(keys, stamp, canonical)
  local text = table.concat({ ALGORITHM, stamp, scope_of(keys, stamp),
    core.digest("sha256", canonical) }, "\n")
  local key = sign.key(keys.secret_key, stamp:sub(1, 8), keys.region, keys.service or "s3")
  return core.hmac("sha256", key, text)
end

---@param now integer seconds since 1970
---@return string such as "20130524T000000Z"
function sign.stamp(now)
  return os.date("!%Y%m%dT%H%M%SZ", now) --[[@as string]]
end

---The headers of a request with those of its signature.
---@param request table
---@param keys table
---@param now integer seconds since 1970
---@return table<string, string> headers without Host, which is the URL's
function sign.headers(request, keys, now)
  local stamp = sign.stamp(now)
  local headers = { host = request.host, ["x-amz-date"] = stamp,
    ["x-amz-security-token"] = keys.session_token }
  if not request.bare then headers["x-amz-content-sha256"] = request.payload end
  for name, value in next, request.headers or {} do headers[name:lower()] = value end
  local canonical, names = sign.canonical {
    method = request.method, path = request.path, query = request.query, headers = headers,
    payload = request.payload,
  }
  headers.authorization = ("%s Credential=%s/%s,SignedHeaders=%s,Signature=%s"):format(ALGORITHM,
    keys.access_key, scope_of(keys, stamp), names, signature(keys, stamp, canonical))
  headers.host = nil
  return headers
end

---A URL that anybody may use for some time.
---@param request table
---@param keys table
---@param expires integer seconds
---@param now integer seconds since 1970
---@return string url
function sign.link(request, keys, expires, now)
  local stamp = sign.stamp(now)
  local query = {
    ["X-Amz-Algorithm"] = ALGORITHM, ["X-Amz-Date"] = stamp,
    ["X-Amz-Credential"] = keys.access_key .. "/" .. scope_of(keys, stamp),
    ["X-Amz-Expires"] = tostring(expires), ["X-Amz-SignedHeaders"] = "host",
    ["X-Amz-Security-Token"] = keys.session_token,
  }
  for name, value in next, request.query or {} do query[name] = value end
  local canonical = sign.canonical {
    method = request.method, path = request.path, query = query,
    headers = { host = request.host }, payload = request.payload or sign.UNSIGNED,
  }
  return ("%s://%s%s?%s&X-Amz-Signature=%s"):format(request.scheme, request.host,
    sign.encode_path(request.path), sign.query(query), signature(keys, stamp, canonical))
end

return sign
