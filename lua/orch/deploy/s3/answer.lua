--- What S3 says: its XML, and its errors in its own words with the way out.
---
---     local asked = { what = "put 'a.zip'", need = "s3:PutObject" }
---     local list = answer.xml(client, asked, response)
---     answer.refuse(client, asked, response)

local errors = require "orch.core.error"
local failure = require "orch.deploy.failure"
local retry_after = require "orch.http.retry_after"

local answer = {}

local function decode(text)
  -- A long completion sends spaces, to keep the connection, before what it has to say.
  local ok, root = pcall(require("orch.xml").decode, (text:gsub("^%s+", "")))
  return ok and root or nil
end

local function text_of(root, name)
  local element = root and root:find(name)
  return element and element:text() or nil
end
answer.text = text_of

--- By how many seconds our clock is ahead, as the error or the header Date says it.
local function skew_of(response)
  local root = response.body ~= "" and decode(response.body)
  local server = require "orch.http.date"(root and text_of(root, "ServerTime"))
  if not server then return failure.clock_skew(response) end
  return os.time() - server
end

--- Our sentence about a clock that is off.
local function clock(response)
  local skew = skew_of(response)
  if not skew or math.abs(skew) < 60 then return nil end
  return ("the clock of this machine is %d seconds %s the server's; set it (timedatectl set-ntp "
    .. "true)"):format(math.abs(skew), skew > 0 and "ahead of" or "behind")
end

local function region(client, said)
  if not said.region or said.region == client.at.region then return nil end
  return ("the bucket '%s' is in the region %s: say region = \"%s\""):format(client.at.bucket,
    said.region, said.region)
end

local hints = {}

function hints.NoSuchBucket(client)
  return ("there is no bucket '%s' at %s"):format(client.at.bucket, client.at.host)
end
function hints.AccessDenied(_, said, asked)
  if (said.message or ""):find "s3:%u" then return nil end -- AWS names what is missing
  return asked.need and ("the access key needs %s"):format(asked.need)
end
function hints.AccessControlListNotSupported()
  return "leave `acl` out: the policy of the bucket says who may read"
end
function hints.InvalidAccessKeyId(client)
  return ("%s does not know this access key"):format(client.at.host)
end
function hints.SignatureDoesNotMatch(_, _, _, response)
  return clock(response) or "the secret key is not the one of this access key"
end
function hints.RequestTimeTooSkewed(_, _, _, response) return clock(response) end
function hints.ExpiredToken()
  return "get new keys and upload again: parts that have arrived are kept"
end
hints.ExpiredTokenException, hints.TokenRefreshRequired = hints.ExpiredToken, hints.ExpiredToken
hints.PermanentRedirect, hints.AuthorizationHeaderMalformed = region, region
hints.IllegalLocationConstraintException = region

--- Codes with a status that says something else: another attempt may mend them.
local passing = { SlowDown = true, RequestTimeout = true, InternalError = true,
  ServiceUnavailable = true, OperationAborted = true, BadDigest = true, IncompleteBody = true,
  RequestTimeTooSkewed = false }

local without_body = {
  [301] = "PermanentRedirect", [403] = "AccessDenied", [404] = "NoSuchKey",
}

--- What an answer that is no success says; of a HEAD only its status and headers are there.
local function read(response)
  local root = response.body ~= "" and decode(response.body)
  if root and root.name ~= "Error" then root = nil end
  return {
    code = text_of(root, "Code"), message = text_of(root, "Message"),
    request = text_of(root, "RequestId") or response.headers["x-amz-request-id"],
    region = response.headers["x-amz-bucket-region"] or text_of(root, "Region"),
  }
end

local function words(said, response)
  local text = said.message
  if not text or text == "" then
    text = require("orch.http.fault").said(response.body, response.headers["content-type"])
      or ("%d %s"):format(response.status, response.reason)
  end
  local more = {}
  if said.code then more[1] = said.code end
  if said.request then more[#more + 1] = "request " .. said.request end
  if not more[1] then return text end
  return ("%s (%s)"):format(text:gsub("%.$", ""), table.concat(more, ", "))
end

---Raises what the service refused.
---@param client orch.deploy.s3.Client
---@param asked {what: string, need: string?}
---@param response orch.http.Response
function answer.refuse(client, asked, response)
  local said = read(response)
  local code, status = said.code or without_body[response.status], response.status
  local hint = code and hints[code] and hints[code](client, said, asked, response)
  hint = hint or region(client, said)
  local kind
  if passing[code] or status == 429 then
    kind = "status"
  elseif status >= 300 and status < 400 then
    kind = "rejected"
  elseif code and status == 200 then
    kind = "rejected"
  end
  local again
  if passing[code] then again = true end
  if status == 507 or code == "QuotaExceeded" or code == "XMinioStorageFull" then again = false end
  failure.throw("s3", {
    what = asked.what, words = words(said, response), reason = code, kind = kind, hint = hint,
    status = status, response = response, request_id = said.request, retryable = again,
    retry_after = retry_after(status, response.headers),
    url = require("orch.http.url").shown(response.url),
  })
end

---The XML of an answer. One that is a success by its status may still say Error.
---@param client orch.deploy.s3.Client
---@param asked {what: string, need: string?}
---@param response orch.http.Response
---@return orch.xml.Element
function answer.xml(client, asked, response)
  local root = decode(response.body)
  if not root then
    failure.throw("s3", { what = asked.what, kind = "http", response = response,
      status = response.status, words = ("the answer of %s is not XML; is that an S3 service?")
        :format(client.at.host) })
  end
  if root.name == "Error" then answer.refuse(client, asked, response) end
  return root
end

---Whether another attempt may mend what a code says.
---@param code string?
---@return boolean
function answer.is_passing(code)
  return code ~= nil and passing[code] == true
end

---Whether an Error is this refusal of the service.
---@param err any
---@param code string
---@return boolean
function answer.is(err, code)
  return errors.is(err) and err.service == "s3" and err.reason == code
end

return answer
