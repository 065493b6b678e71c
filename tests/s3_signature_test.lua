-- AWS Signature Version 4 against what AWS has published: the examples of "Signature Calculations
-- for the Authorization Header" and "Authenticating Requests: Using Query Parameters" in the API
-- reference of S3 (2006-03-01), and those cases of the signing test suite (2015-08-30) in which
-- paths are not normalised, as S3 has it.

local sign = require "orch.deploy.s3.sign"

local EMPTY = orch.hash.sha256 ""
local MAY_24 = 1369353600 -- 2013-05-24 00:00:00
local AUGUST_30 = 1440938160 -- 2015-08-30 12:36:00

local s3_keys = {
  access_key = "AKIAIOSFODNN7EXAMPLE", secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  region = "us-east-1",
}
local suite_keys = {
  access_key = "AKIDEXAMPLE", secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  region = "us-east-1", service = "service",
}

describe("signatures of the S3 reference", function()
  local function headers_of(request)
    request.host = "examplebucket.s3.amazonaws.com"
    request.payload = request.payload or EMPTY
    return sign.headers(request, s3_keys, MAY_24)
  end

  local cases = {
    ["GET object"] = {
      { method = "GET", path = "/test.txt", headers = { Range = "bytes=0-9" } },
      "host;range;x-amz-content-sha256;x-amz-date",
      "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    },
    ["PUT object"] = {
      { method = "PUT", path = "/test$file.text", payload = orch.hash.sha256 "Welcome to Amazon S3.",
        headers = { Date = "Fri, 24 May 2013 00:00:00 GMT",
          ["x-amz-storage-class"] = "REDUCED_REDUNDANCY" } },
      "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
      "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    },
    ["GET bucket lifecycle"] = {
      { method = "GET", path = "/", query = { lifecycle = "" } },
      "host;x-amz-content-sha256;x-amz-date",
      "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
    },
    ["list objects"] = {
      { method = "GET", path = "/", query = { prefix = "J", ["max-keys"] = "2" } },
      "host;x-amz-content-sha256;x-amz-date",
      "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    },
  }
  for name, case in pairs(cases) do
    it("are ours: " .. name, function()
      expect(headers_of(case[1]).authorization):equals(
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        .. "SignedHeaders=" .. case[2] .. ",Signature=" .. case[3])
    end)
  end

  it("have its canonical request", function()
    local text = sign.canonical { method = "GET", path = "/test.txt", payload = EMPTY, headers = {
      host = "examplebucket.s3.amazonaws.com", range = "bytes=0-9",
      ["x-amz-content-sha256"] = EMPTY, ["x-amz-date"] = "20130524T000000Z" } }
    expect(orch.hash.sha256(text))
      :equals "7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972"
  end)

  it("are ours: a link", function()
    expect(sign.link({ method = "GET", scheme = "https", host = "examplebucket.s3.amazonaws.com",
      path = "/test.txt" }, s3_keys, 86400, MAY_24)):equals(
      "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
      .. "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
      .. "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature="
      .. "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")
  end)

  it("have the key of the reference's chain", function()
    expect(orch.hash.hex(sign.key("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20120215",
      "us-east-1", "iam"))):equals "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d"
  end)
end)

describe("signatures of the test suite", function()
  local function signature(request, token)
    request.method = request.method or "GET"
    request.host, request.payload, request.bare = "example.amazonaws.com", EMPTY, true
    local keys = setmetatable({ session_token = token }, { __index = suite_keys })
    return sign.headers(request, keys, AUGUST_30).authorization:match "Signature=(%x+)$"
  end

  local cases = {
    ["get-header-key-duplicate"] = { { path = "/", headers = {
      ["My-Header1"] = { "value2", "value2", "value1" } } },
      "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea" },
    ["get-header-value-order"] = { { path = "/", headers = {
      ["My-Header1"] = { "value4", "value1", "value3", "value2" } } },
      "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01" },
    ["get-header-value-multiline"] = { { path = "/", headers = { -- lines count as values there
      ["My-Header1"] = { "value1", "  value2", "     value3" } } },
      "ba17b383a53190154eb5fa66a1b836cc297cc0a3d70a5d00705980573d8ff790" },
    ["get-header-value-trim"] = { { path = "/", headers = {
      ["My-Header1"] = " value1", ["My-Header2"] = ' "a   b   c"' } },
      "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736" },
    ["get-space-unnormalized"] = { { path = "/example space/" },
      "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741" },
    ["get-utf8"] = { { path = "/\u{1234}" },
      "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85" },
    ["get-unreserved"] = {
      { path = "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" },
      "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f" },
    ["get-slashes-unnormalized"] = { { path = "//example//" },
      "87cca117541a147f6df867677d98a7d80dff226d2bfca9e4ffa899665623c7e5" },
    ["get-relative-relative-unnormalized"] = { { path = "/example1/example2/../.." },
      "dc33e0856fd4baca4d7aa2146c38958283844764f38c74252a333df5e613003b" },
    ["get-vanilla-query-order-key-case"] = {
      { path = "/", query = { Param2 = "value2", Param1 = "value1" } },
      "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500" },
    ["get-vanilla-query-order-encoded"] = {
      { path = "/", query = { ["Param-3"] = "Value3", Param = "Value2", ["\u{1234}"] = "Value1" } },
      "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac" },
    ["get-vanilla-utf8-query"] = { { path = "/", query = { ["\u{1234}"] = "bar" } },
      "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04" },
    ["get-vanilla-with-session-token"] = { { path = "/" },
      "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
      "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267" },
  }
  for name, case in pairs(cases) do
    it("are ours: " .. name, function()
      expect(signature(case[1], case[3])):equals(case[2])
    end)
  end

  it("are ours: a link with a session token", function()
    local keys = setmetatable(
      { session_token = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267" },
      { __index = suite_keys })
    expect(sign.link({ method = "GET", scheme = "https", host = "example.amazonaws.com", path = "/",
      payload = EMPTY }, keys, 3600, AUGUST_30)):contains(
      "X-Amz-Signature=7ff2b50b376cb4d151970630573d6291dc128cc5c2a12ffb237f73cc53f67b6c")
  end)
end)

it("encodes a path once: what looks encoded is a name", function()
  expect(sign.encode_path "/a b/c%20d/é+$~"):equals "/a%20b/c%2520d/%C3%A9%2B%24~"
  expect(sign.query { b = "2", a = { "z", "a b" }, ["a-"] = "" }):equals "a=a%20b&a=z&a-=&b=2"
end)
