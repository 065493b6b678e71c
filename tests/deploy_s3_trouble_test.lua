-- orch.deploy.s3 where things go wrong in the middle: uploads that others end, keys that expire,
-- clocks and queues, odd names, files of AWS' tools as people have them.

local fs, hash, s3 = orch.fs, orch.hash, orch.deploy.s3
local here = orch.fs.path.absolute(debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$")

local MIB = 1 << 20
local store

local case = dofile(here .. "/helper/s3_case.lua")(function(one) store = one end)

local function upload(more)
  local all = { bucket = "builds", endpoint = store.url, access_key = store.access_key,
    secret_key = store.secret_key, part_size = "5M", retry = { base = 0.001, attempts = 3 } }
  for name, value in pairs(more) do all[name] = value or nil end
  return s3.upload(all)
end

local function stored(key) return store.buckets.builds[key] end

-- Three parts, each of another letter.
local function write_big(name)
  fs.write(name, ("a"):rep(5 * MIB) .. ("b"):rep(5 * MIB) .. ("c"):rep(MIB))
end

local function expect_whole(name, key)
  expect(hash.md5(stored(key or name).body)):equals(fs.hash(name, "md5"))
  expect(next(store.uploads)):is_nil()
  expect(#fs.glob(".orch/deploy/*.json")):equals(0)
end

local function break_off(part, more)
  store:fail("UploadPart", part, { code = "InvalidArgument" })
  expect(function()
    local all = { file = "game.zip", connections = 1 }
    for name, value in pairs(more or {}) do all[name] = value end
    upload(all)
  end):raises { reason = "InvalidArgument" }
  store:forget()
end

describe("an upload that was broken off", function()
  case("is not continued with other headers than it was begun with", function()
    write_big "game.zip"
    break_off(2, { metadata = { commit = "old" } })
    local result = upload { file = "game.zip", metadata = { commit = "new" } }
    expect(result.resumed):is_nil()
    expect(stored("game.zip").headers["x-amz-meta-commit"]):equals "new"
    expect(store:count "AbortMultipartUpload"):equals(1)
    expect_whole "game.zip"
    store.buckets.builds = {}
    break_off(2)
    fs.remove(".orch", { recursive = true }) -- whoever began it, it has no metadata
    upload { file = "game.zip", metadata = { commit = "new" } }
    expect(stored("game.zip").headers["x-amz-meta-commit"]):equals "new"
  end)

  case("begins anew for those who may only put", function()
    write_big "game.zip"
    break_off(2)
    store.denied = { ListParts = true, ListMultipartUploads = true, ListObjectsV2 = true,
      HeadObject = true, AbortMultipartUpload = true }
    upload { file = "game.zip" }
    expect(hash.md5(stored("game.zip").body)):equals(fs.hash("game.zip", "md5"))
  end)

  case("is found behind many others, whatever its name", function()
    write_big "game.zip"
    break_off(3, { key = "ä b+c.zip" })
    fs.remove(".orch", { recursive = true })
    for i = 1, 5 do
      store.uploads["0" .. i] = { bucket = "builds", key = "ä b+c.zip", headers = {}, parts = {},
        initiated = os.time() - 100 }
    end
    expect(upload({ file = "game.zip", key = "ä b+c.zip" }).resumed):equals(10 * MIB)
    expect(store:count "ListMultipartUploads"):equals(3)
  end, { page = 2 })

  case("gets larger parts when the file has become too large for those it has", function()
    write_big "game.zip"
    break_off(2)
    local etag = require "orch.deploy.s3.etag"
    local before = etag.MOST_PARTS
    local _ <close> = orch.defer(function() etag.MOST_PARTS = before end)
    etag.MOST_PARTS = 2
    upload { file = "game.zip" }
    for _, one in ipairs(store.requests) do expect(tonumber(one.part or 0)):less_than(3) end
    expect_whole "game.zip"
  end)
end)

describe("an upload that is gone in the middle", function()
  case("begins anew where somebody has given it up", function()
    write_big "game.zip"
    local told
    store:fail("UploadPart", 3, { run = function() store.uploads = {} end })
    local result = upload { file = "game.zip", connections = 1,
      progress = function(done, total) told = { done, total } end }
    expect({ result.bytes, result.resumed }):equals { 11 * MIB }
    expect(told):equals { 11 * MIB, 11 * MIB }
    expect(store:count "CreateMultipartUpload"):equals(2)
    expect_whole "game.zip"
  end)

  case("is done where another machine has completed it", function()
    write_big "game.zip"
    store:fail("UploadPart", 3, { run = function()
      local text = fs.read "game.zip"
      store.buckets.builds["game.zip"] = { body = text, etag = hash.md5(text), headers = {},
        modified = os.time() }
      store.uploads = {}
    end })
    expect(upload({ file = "game.zip", connections = 1 }).etag):equals(fs.hash("game.zip", "md5"))
    expect(store:count "CreateMultipartUpload"):equals(1)
    expect_whole "game.zip"
  end)

  case("is not sent twice where another process sends the same", function()
    write_big "game.zip"
    local function go() return upload { file = "game.zip" } end
    local first, second = orch.gather(go, go)
    expect({ first.bytes + second.bytes, store:count "UploadPart" }):equals { 11 * MIB, 3 }
    expect_whole "game.zip"
  end)

  case("is done although that could not be said, also where an ETag is no MD5", function()
    write_big "game.zip"
    store.encrypted = true
    store:fail("CompleteMultipartUpload", 1, { lost = true })
    local result = upload { file = "game.zip" }
    expect(result.etag):equals(stored("game.zip").etag)
    expect(store:count "CreateMultipartUpload"):equals(1)
    expect_whole "game.zip"
  end)
end)

describe("keys", function()
  case("that expire in the middle are renewed for all parts at once", function()
    write_big "game.zip"
    local function write_profile(token)
      fs.write(".aws/credentials", ("[default]\naws_access_key_id = %s\naws_secret_access_key=%s\n"
        .. "aws_session_token = %s\n"):format(store.access_key, store.secret_key, token))
    end
    fs.mkdir ".aws"
    write_profile "old-session-token"
    store.session_token = "old-session-token"
    local arrived = 0
    for i = 1, 3 do -- all three have been sent with the old keys
      store:fail("UploadPart", i, { run = function()
        arrived = arrived + 1
        while arrived < 3 do orch.sleep(0.002) end
        write_profile "new-session-token"
        store.session_token = "new-session-token"
      end })
    end
    upload { file = "game.zip", access_key = false, secret_key = false }
    expect(store:count "UploadPart"):equals(6)
    expect_whole "game.zip"
  end)

  case("are read from files as people have them", function()
    fs.write("a", "x")
    fs.write("mine", ("\xEF\xBB\xBF[default] ; of all\r\n  aws_access_key_id = %s # of Ann\r\n"
      .. "  aws_secret_access_key = %s\r\n  s3 =\r\n    aws_access_key_id = none\r\n"):format(
      store.access_key, store.secret_key))
    fs.write("config", '[profile "a b"]\nregion = eu-west-1 # Ireland\n[default]\n')
    local _ <close> = orch.with_env { AWS_SHARED_CREDENTIALS_FILE = "~/mine",
      AWS_CONFIG_FILE = "config" }
    upload { file = "a", access_key = false, secret_key = false }
    expect(stored("a").body):equals "x"
    local region = require("orch.deploy.s3.keys").region
    expect(region { profile = "a b" }):equals "eu-west-1"
    local _ <close> = orch.with_env { AWS_REGION = "eu-west-2", AWS_PROFILE = "gone" }
    expect(region { profile = "default" }):equals "eu-west-2"
    expect(function() upload { file = "a", access_key = false, secret_key = false } end)
      :raises "no key in the profile 'gone' of .*/mine"
    expect(function() upload { file = "a", access_key = false, secret_key = false,
      session_token = "x" } end):raises "`session_token` goes with"
  end)
end)

describe("a signature", function()
  case("is not made before its turn has come", function()
    fs.mkdir "web"
    for i = 1, 3 do fs.write("web/" .. i, ("x"):rep(6 * MIB)) end
    local sign = require "orch.deploy.s3.sign"
    local original, signed, most = sign.headers, 0, 0
    local _ <close> = orch.defer(function() sign.headers = original end)
    function sign.headers(request, ...)
      if request.query and request.query.partNumber then
        local answered = 0
        for _, one in ipairs(store.requests) do
          if one.route == "UploadPart" and one.status then answered = answered + 1 end
        end
        signed = signed + 1
        most = math.max(most, signed - answered)
      end
      return original(request, ...)
    end
    store.delay = 0.3
    expect(upload({ folder = "web", connections = 2 }).sent):equals(3)
    expect({ signed, most }):equals { 6, 2 } -- it is good for 15 minutes only
  end)

  case("covers headers of AWS that the script adds, and no others", function()
    fs.write("a", "x")
    upload { file = "a", metadata = { note = "" }, http = { headers = {
      ["X-Amz-Request-Payer"] = "requester", ["Content-Type"] = "not/ours", ["X-Own"] = "1" } } }
    local put = store.requests[#store.requests].headers
    expect(put.authorization):matches "SignedHeaders=[^,]*;x%-amz%-request%-payer,"
    expect({ put["content-type"], put["x-own"] }):equals { "application/octet-stream", "1" }
  end)
end)

describe("deleting", function()
  local function write_web()
    fs.mkdir "web"
    fs.write("web/index.html", "<p>")
  end
  local function put(...)
    for _, key in ipairs { ... } do
      store.buckets.builds[key] = { body = "x", etag = hash.md5 "x", headers = {},
        modified = os.time() }
    end
  end

  case("takes what is below the prefix, and nothing beside it", function()
    write_web()
    put("demo", "demo/", "demo/old", "demo2/x", "demonstration", "x")
    expect(upload({ folder = "web", prefix = "demo", delete = true }).deleted):equals(1)
    for _, key in ipairs { "demo", "demo/", "demo2/x", "demonstration", "x" } do
      expect(stored(key)):truthy()
    end
    for _, prefix in ipairs { false, "/" } do
      expect(function() upload { folder = "web", prefix = prefix, delete = true } end)
        :raises "everything else in the bucket 'builds'; if that is what you want"
    end
    expect(upload({ folder = "web", prefix = "", delete = true }).deleted):equals(6)
  end)

  case("leaves what a pattern leaves out, also folders", function()
    write_web()
    put("demo/theirs/a", "demo/theirs/b/c", "demo/old")
    for _, opts in ipairs { { exclude = "theirs" }, { exclude = "**/theirs/**" },
      { include = { "**", "!theirs" } } } do
      opts.folder, opts.prefix, opts.delete, opts.dry_run = "web", "demo", true, true
      expect(upload(opts).would):contains "and delete 1 there"
    end
  end)

  case("means a key with line ends in it, and none that looks the same", function()
    write_web()
    put("demo/a\rb", "demo/a\nb", "demo/a b")
    upload { folder = "web", prefix = "demo", delete = true }
    expect({ stored "demo/a\rb", stored "demo/a\nb", stored "demo/a b" }):equals {}
  end)

  case("is tried again where the service could not do it just now", function()
    write_web()
    put("demo/a", "demo/b")
    store.undeletable["demo/b"] = "InternalError"
    expect(upload({ folder = "web", prefix = "demo", delete = true }).deleted):equals(2)
    expect(stored "demo/b"):is_nil()
    expect(store:count "DeleteObjects"):equals(2)
  end)
end)

describe("options", function()
  case("that would be lost are refused", function()
    fs.write("a", "x")
    expect(function() upload { file = "a", key = "b", prefix = "c" } end):raises "exclude each other"
    expect(function() upload { file = "a", part_size = "6G" } end):raises 'at most "5G"'
    expect(function() s3.presign { bucket = "builds", key = "a", method = "LOOK" } end)
      :raises "`method` should be"
  end)

  case("are looked at before anything is asked, also where nothing will be sent", function()
    fs.write("a", "x")
    upload { file = "a" }
    store:forget()
    local function refused(more, words)
      more.file = "a"
      expect(function() upload(more) end):raises(words)
      more.file, more.folder, more.prefix = nil, ".", ""
      expect(function() upload(more) end):raises(words)
    end
    refused({ acl = "öffentlich" }, "`acl` of 'a' should be a text that a header can carry")
    refused({ cache_control = function() return {} end }, "`cache_control` of 'a' should be")
    refused({ metadata = { ["a b"] = "x" } }, "`metadata` should be")
    refused({ cache_control = function() error "oops" end }, "oops")
    expect(store:count()):equals(0)
    expect(function() upload { file = "a", key = ("é"):rep(513) } end):raises "é%.%.%.' cannot be"
  end)

  case("that are denied are named once, in the words of AWS", function()
    fs.write("a", "x")
    local said = "User: u is not authorized to perform: s3:PutObjectAcl on resource: r"
    store:fail("PutObject", 1, { code = "AccessDenied", message = said })
    local err = expect(function() upload { file = "a", acl = "public-read" } end):raises "auth"
    expect(err.message):equals(("s3: cannot put 'a': %s (AccessDenied, request %s)"):format(said,
      err.request_id))
  end)

  case("give types to endings, also to packed ones", function()
    fs.write("game.data.br", "x")
    upload { file = "game.data.br", content_type = { data = "application/x-data" } }
    expect(stored("game.data.br").headers):equals { ["content-type"] = "application/x-data",
      ["content-encoding"] = "br" }
  end)

  case("name a download in any language", function()
    fs.write("a", "x")
    upload { file = "a" }
    local link = s3.presign { bucket = "builds", endpoint = store.url, key = "a",
      access_key = store.access_key, secret_key = store.secret_key, download_as = 'kä"se 猫.zip' }
    expect(orch.http.get(link).headers["content-disposition"]):equals(
      [[attachment; filename="k__se _.zip"; filename*=UTF-8''k%C3%A4_se%20%E7%8C%AB.zip]])
  end)
end)
