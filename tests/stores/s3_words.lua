--- What the S3 of the tests says: XML, dates, refusals in AWS' words.

local xml = orch.xml

local words = {}

function words.iso(seconds) return os.date("!%Y-%m-%dT%H:%M:%S.000Z", seconds) end

function words.document(root)
  return xml.encode(root, { declaration = true })
end

function words.element(name, ...) return { name = name, ... } end

--- { Key = "a", Size = 1 } in the order of `names`.
function words.fields(name, names, values)
  local list = { name = name }
  for _, one in ipairs(names) do
    if values[one] ~= nil then list[#list + 1] = words.element(one, tostring(values[one])) end
  end
  return list
end

local statuses = {
  AccessDenied = 403, BadDigest = 400, EntityTooSmall = 400, ExpiredToken = 400,
  InvalidAccessKeyId = 403, InvalidArgument = 400, InvalidPart = 400, InvalidPartOrder = 400,
  InvalidToken = 400, MalformedXML = 400, MethodNotAllowed = 405, NoSuchBucket = 404,
  NoSuchKey = 404, NoSuchUpload = 404, NotImplemented = 501, RequestTimeTooSkewed = 403,
  SignatureDoesNotMatch = 403, SlowDown = 503, XAmzContentSHA256Mismatch = 400,
  AuthorizationHeaderMalformed = 400, AuthorizationQueryParametersError = 400,
  InvalidDigest = 400, MissingContentLength = 411, MissingSecurityHeader = 400,
}

local texts = {
  AccessDenied = "Access Denied",
  BadDigest = "The Content-MD5 you specified did not match what we received.",
  EntityTooSmall = "Your proposed upload is smaller than the minimum allowed object size.",
  ExpiredToken = "The provided token has expired.",
  InvalidAccessKeyId = "The AWS Access Key Id you provided does not exist in our records.",
  InvalidPart = "One or more of the specified parts could not be found. The part might not have "
    .. "been uploaded, or the specified entity tag might not have matched the part's entity tag.",
  InvalidPartOrder = "The list of parts was not in ascending order. Parts must be ordered by part "
    .. "number.",
  NoSuchBucket = "The specified bucket does not exist",
  NoSuchKey = "The specified key does not exist.",
  NoSuchUpload = "The specified upload does not exist. The upload ID may be invalid, or the upload "
    .. "may have been aborted or completed.",
  RequestTimeTooSkewed = "The difference between the request time and the current time is too "
    .. "large.",
  SignatureDoesNotMatch = "The request signature we calculated does not match the signature you "
    .. "provided. Check your key and signing method.",
  SlowDown = "Please reduce your request rate.",
  XAmzContentSHA256Mismatch = "The provided 'x-amz-content-sha256' header does not match what was "
    .. "computed.",
  MethodNotAllowed = "The specified method is not allowed against this resource.",
  MalformedXML = "The XML you provided was not well-formed or did not validate against our "
    .. "published schema.",
}

function words.refusal(self, code, more)
  local root = words.element("Error", words.element("Code", code),
    words.element("Message", more and more.message or texts[code] or code))
  for _, name in ipairs { "Region", "BucketName", "RequestTime", "ServerTime" } do
    if more and more[name] then root[#root + 1] = words.element(name, tostring(more[name])) end
  end
  self.serial = self.serial + 1
  local id = ("%016X"):format(self.serial * 0x9E3779B97F4A7C15 & 0x7FFFFFFFFFFFFFFF)
  root[#root + 1] = words.element("RequestId", id)
  local headers = { ["Content-Type"] = "application/xml", ["x-amz-request-id"] = id }
  for name, value in pairs(more and more.headers or {}) do headers[name] = value end
  return { status = more and more.status or statuses[code] or 400, headers = headers,
    body = words.document(root) }
end

--- Leaves the handler with a refusal.
function words.refuse(self, code, more)
  error(setmetatable({ answer = words.refusal(self, code, more) }, { __name = "refusal" }), 0)
end

function words.say(root)
  root.attributes = { xmlns = "http://s3.amazonaws.com/doc/2006-03-01/" }
  return { status = 200, headers = { ["Content-Type"] = "application/xml" },
    body = words.document(root) }
end

function words.decode(text)
  return (text:gsub("%%(%x%x)", function(d) return string.char(tonumber(d, 16)) end))
end

function words.encode(text, keep)
  return (text:gsub("[^A-Za-z0-9%-._~" .. keep .. "]", function(c)
    return string.format("%%%02X", string.byte(c))
  end))
end

words.texts = texts

return words
