-- orch.deploy.s3 against a service that checks signatures, digests and parts (stores/s3.lua) and
-- misbehaves on request.

local address = require "orch.deploy.s3.address"
local fs, hash, json, s3 = orch.fs, orch.hash, orch.json, orch.deploy.s3
local media = require "orch.deploy.media"
local here = orch.fs.path.absolute(debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$")
local server = dofile(here .. "/helper/server.lua")

local MIB = 1 << 20

local folder, store

local case = dofile(here .. "/helper/s3_case.lua")(function(one, dir) store, folder = one, dir end)

local function with(more)
  local all = { bucket = "builds", endpoint = store.url, access_key = store.access_key,
    secret_key = store.secret_key, retry = { base = 0.001, attempts = 3 } }
  for name, value in pairs(more or {}) do all[name] = value end
  return all
end

local function upload(more) return s3.upload(with(more)) end

local function refuses(more, fields)
  return expect(function() upload(more) end):raises(fields)
end

-- Five parts of 5 MB and one of 1 MB, each of another letter.
local BIG = 26 * MIB
local function write_big(name)
  local list = {}
  for i = 1, 26 do list[i] = string.char(64 + i):rep(MIB) end
  fs.write(name or "game.zip", table.concat(list))
end

local function stored(key) return store.buckets.builds[key] end

local function expect_big(key)
  expect(hash.md5(stored(key or "game.zip").body)):equals(fs.hash("game.zip", "md5"))
  expect(next(store.uploads)):is_nil()
  expect(#fs.glob(".orch/deploy/*.json")):equals(0)
end

local function big(more)
  local all = { file = "game.zip", part_size = "5M" }
  for name, value in pairs(more or {}) do all[name] = value end
  return upload(all)
end

describe("a file", function()
  case("is put with its type and digest, and not sent twice", function()
    fs.write("game.zip", "a build")
    local told = {}
    local result = upload { file = "game.zip", prefix = "nightly", cache_control = "no-cache",
      acl = "public-read", storage_class = "STANDARD_IA", metadata = { Commit = "c0ffee", n = 7 },
      progress = function(done, total) told[#told + 1] = { done, total } end }
    expect(result.elapsed):is_a "number"
    result.elapsed = nil
    expect(result):equals { service = "s3", file = "game.zip", size = 7, bytes = 7,
      bucket = "builds", key = "nightly/game.zip", url = store.url .. "/builds/nightly/game.zip",
      etag = hash.md5 "a build" }
    expect(stored("nightly/game.zip").body):equals "a build"
    expect(stored("nightly/game.zip").headers):equals { ["content-type"] = "application/zip",
      ["cache-control"] = "no-cache", ["x-amz-acl"] = "public-read",
      ["x-amz-storage-class"] = "STANDARD_IA", ["x-amz-meta-commit"] = "c0ffee",
      ["x-amz-meta-n"] = "7" }
    expect(told[#told]):equals { 7, 7 }
    local put = store.requests[#store.requests]
    expect(put.payload):equals(hash.sha256 "a build") -- no TLS protects it
    expect(put.headers["content-md5"]):equals(hash.base64(hash.unhex(hash.md5 "a build")))

    local again = upload { file = "game.zip", key = "nightly/" }
    expect({ again.skipped, again.bytes, again.etag }):equals { true, 0, hash.md5 "a build" }
    expect(store:count "PutObject"):equals(1)
    fs.write("game.zip", "A build")
    expect(upload({ file = "game.zip", key = "nightly/game.zip" }).skipped):is_nil()
    expect(stored("nightly/game.zip").body):equals "A build"
  end)

  case("may have any name", function()
    fs.write("game.zip", "x")
    for _, key in ipairs { "a b/ä+$&=@,;:!*'().zip", "100% sure?.zip", "x//y", "%41", "~\\|[]{}^`" } do
      upload { file = "game.zip", key = key }
      expect(stored(key).body):equals "x"
      expect(s3.exists(with { key = key, file = "game.zip" })):is(true)
    end
    refuses({ file = "game.zip", key = "/a" }, "begins with a slash")
    refuses({ file = "game.zip", key = "a/../b" }, "lost on the way")
    refuses({ file = "game.zip", key = "a\nb" }, "control character")
    refuses({ file = "game.zip", key = "\xff" }, "not UTF%-8")
    refuses({ file = "game.zip", key = ("x"):rep(1025) }, "1 to 1024")
  end)

  case("that is missing, empty, a folder or changes is refused", function()
    refuses({ file = "game.zip" }, { kind = "os", code = "ENOENT" })
    fs.write("game.zip", "")
    refuses({ file = "game.zip" }, "is empty")
    refuses({ file = folder }, "it is a folder")
    expect(store:count()):equals(0)
    write_big()
    store:fail("UploadPart", 3, { delay = 0.1 })
    local err = expect(function()
      orch.gather(function() big { connections = 1, resume = false } end, function()
        while store:count "UploadPart" < 3 do orch.sleep(0.005) end
        fs.append("game.zip", "more")
      end)
    end):raises("changed")
    expect(err.message):contains "'game.zip' changed while it was sent"
    expect(stored "game.zip"):is_nil()
    expect(next(store.uploads)):is_nil() -- resume = false leaves nothing behind
  end)

  case("is only looked at by dry_run, status and exists", function()
    fs.write("game.zip", ("x"):rep(12345))
    local result = upload { file = "game.zip", key = "in/", dry_run = true }
    expect(result.would):equals "would upload game.zip (12.3 kB) to s3://builds/in/game.zip"
    expect({ result.dry_run, result.bytes }):equals { true, 0 }
    expect(s3.status(with { key = "in/game.zip" }))
      :equals { exists = false, url = store.url .. "/builds/in/game.zip" }
    expect(s3.exists(with { key = "in/game.zip", file = "game.zip" })):is(false)
    expect(store:count "PutObject"):equals(0)
    refuses({ file = "game.zip", bucket = "nowhere", dry_run = true },
      { kind = "rejected", reason = "NoSuchBucket" })
    upload { file = "game.zip", key = "in/", metadata = { a = "b" } }
    local status = s3.status(with { key = "in/game.zip", file = "game.zip" })
    expect({ status.exists, status.size, status.same, status.metadata.a })
      :equals { true, 12345, true, "b" }
    expect(math.type(status.modified)):equals "integer"
    expect(os.time() - status.modified):near(0, 3600)
    store.denied = { HeadObject = true } -- its listing has another form of date
    expect(s3.status(with({ key = "in/game.zip" })).modified):equals(status.modified)
    store.denied = {}
    expect(upload({ file = "game.zip", key = "in/", dry_run = true }).would)
      :equals "would send nothing: s3://builds/in/game.zip is what game.zip is"
  end)

  case("is put by those who may only put", function()
    fs.write("game.zip", "x")
    store.denied = { HeadObject = true, ListObjectsV2 = true }
    upload { file = "game.zip" }
    expect(stored("game.zip").body):equals "x"
    store.denied = { HeadObject = true }
    expect(upload({ file = "game.zip" }).skipped):is(true) -- the listing has its ETag
    store.denied = { PutObject = true }
    local err = refuses({ file = "game.zip", key = "b" }, { kind = "auth", reason = "AccessDenied" })
    expect(err.message):contains "the access key needs s3:PutObject"
  end)
end)

describe("a large file", function()
  case("goes up in parts, and is not sent twice, whoever made its parts", function()
    write_big()
    local told
    local result = big { progress = function(done, total) told = { done, total } end,
      metadata = { a = "b" } }
    expect({ result.bytes, result.size, result.resumed }):equals { BIG, BIG }
    expect(result.etag):matches "^%x+%-6$"
    expect(result.etag):equals(stored("game.zip").etag)
    expect(told):equals { BIG, BIG }
    expect(stored("game.zip").headers["x-amz-meta-a"]):equals "b"
    expect_big()
    expect(big().skipped):is(true)
    expect(upload({ file = "game.zip" }).skipped):is(true) -- parts of 16 MB would be two
    expect(store:count "UploadPart"):equals(6)
    refuses({ file = "game.zip", part_size = "1M" }, "at least \"5M\"")
  end)

  case("survives what passes: 503, 500, a reset, a digest that is wrong, 409", function()
    write_big()
    store:fail("CreateMultipartUpload", 1, { status = 500, code = "InternalError" })
    store:fail("UploadPart", 1, { code = "SlowDown", headers = { ["Retry-After"] = "0" } })
    store:fail("UploadPart", 3, { reset = true })
    store:fail("UploadPart", 5, { code = "BadDigest" })
    store:fail("UploadPart", 7, { status = 500 })
    store:fail("UploadPart", 9, { code = "RequestTimeout", status = 400 })
    store:fail("CompleteMultipartUpload", 1, { status = 409, code = "OperationAborted" })
    local result = big { connections = 1 }
    expect(result.bytes):equals(BIG)
    expect(store:count "UploadPart"):equals(6 + 5)
    expect_big()
  end)

  case("survives connections that are reset in the middle of a part", function()
    write_big()
    local cut <close> = dofile(here .. "/helper/cut.lua")(store.server.port, 3 * MIB, 3)
    big { endpoint = cut.url, connections = 2, retry = { base = 0.001, attempts = 5 } }
    expect(store:count "CompleteMultipartUpload"):equals(1)
    expect_big()
  end)

  case("is complete, although that could not be said", function()
    write_big()
    store:fail("CompleteMultipartUpload", 1, { lost = true })
    big()
    expect(store:count "CompleteMultipartUpload"):equals(2)
    expect_big()
  end)

  case("is not complete because of a status of 200", function()
    write_big()
    store:fail("CompleteMultipartUpload", 1, { code = "InternalError", inside = true })
    big()
    expect(store:count "CompleteMultipartUpload"):equals(2)
    expect_big()
    fs.append("game.zip", "more")
    store:fail("CompleteMultipartUpload", 1, { code = "AccessDenied", inside = true })
    local err = expect(function() big() end)
      :raises { kind = "rejected", reason = "AccessDenied", status = 200 }
    expect(err.message):contains "cannot complete the upload of 'game.zip': Access Denied"
  end)

  case("is not what was sent when its ETag says so", function()
    fs.write("small", "x")
    store:fail("PutObject", "always", { etag = '"' .. hash.md5 "y" .. '"' })
    local err = refuses({ file = "small" }, "http")
    expect(err.message):contains "the ETag of what has arrived"
    store:forget()
    write_big()
    store:fail("UploadPart", 2, { etag = '"' .. hash.md5 "y" .. '"' }) -- sent again
    big()
    expect_big()
  end)

  case("goes on where it was broken off", function()
    write_big()
    store:fail("UploadPart", 4, { status = 403, code = "AccessDenied" })
    local err = expect(function() big { connections = 1 } end)
      :raises { kind = "auth", status = 403 }
    expect(err.message):contains "cannot put part 4 of 6 of 'game.zip'"
    expect(#fs.glob(".orch/deploy/*.json")):equals(1)
    store:forget()
    local told = {}
    local result = big { progress = function(done) told[#told + 1] = done end }
    expect({ result.resumed, result.bytes }):equals { 15 * MIB, 11 * MIB }
    expect(told[1]):greater_than(15 * MIB - 1)
    expect({ store:count "CreateMultipartUpload", store:count "UploadPart" }):equals { 0, 3 }
    expect_big()
  end)

  case("asks the service what is there: also without a memo, page by page, with other parts",
    function()
      write_big()
      store:fail("UploadPart", 5, { status = 401 })
      expect(function() big { connections = 1 } end):raises { kind = "auth", status = 401 }
      fs.remove(".orch", { recursive = true })
      store:forget()
      store.uploads.theirs = { bucket = "builds", key = "game.zip", headers = {},
        initiated = os.time() + 100, parts = { { body = "other", etag = hash.md5 "other" } } }
      local result = big { part_size = "6M" }
      expect({ result.resumed, result.bytes }):equals { 20 * MIB, 6 * MIB }
      expect(store:count "CreateMultipartUpload"):equals(0)
      expect(store:count "ListParts"):greater_than(2)
      store.uploads.theirs = nil
      expect_big()
    end, { page = 2 })

  case("that changed since sends what changed", function()
    write_big()
    store:fail("UploadPart", 6, { status = 400, code = "InvalidArgument" })
    expect(function() big { connections = 1 } end):raises { reason = "InvalidArgument" }
    local text = fs.read "game.zip"
    fs.write("game.zip", text:sub(1, 6 * MIB) .. "!" .. text:sub(6 * MIB + 2))
    store:forget()
    local result = big()
    expect(result.resumed):equals(20 * MIB)
    expect({ store:count "CreateMultipartUpload", store:count "UploadPart" }):equals { 0, 2 }
    expect_big()
  end)

  case("whose upload is gone begins anew; resume = false always does, and clears up", function()
    write_big()
    store:fail("UploadPart", 2, { status = 400, code = "InvalidArgument" })
    expect(function() big { connections = 1 } end):raises "rejected"
    store.uploads = {}
    store:fail("UploadPart", 2, { status = 400, code = "InvalidArgument" })
    expect(function() big { connections = 1, resume = false } end):raises "rejected"
    expect(next(store.uploads)):is_nil()
    expect(store:count "AbortMultipartUpload"):equals(1)
    expect(#fs.glob(".orch/deploy/*.json")):equals(0)
    expect(big().resumed):is_nil()
    expect_big()
  end)

  case("is continued after kill -9: only the rest is sent", function()
    write_big()
    fs.write("send.lua", ([[
      local result = orch.deploy.s3.upload { file = "game.zip", bucket = "builds", endpoint = %q,
        access_key = %q, secret_key = %q, part_size = "5M", connections = 1 }
      orch.fs.write("result.json", orch.json.encode(result))
    ]]):format(store.url, store.access_key, store.secret_key))
    store:fail("UploadPart", 4, { delay = 20 })
    local command = { require("orch.core.runtime").executable(), "send.lua", check = false }
    do
      local killed <close> = orch.process.spawn(command)
      while store:count "UploadPart" < 4 do orch.sleep(0.01) end
      killed:signal "KILL"
      killed:wait()
    end
    store:forget()
    orch.process.run { command[1], command[2] }
    local result = json.load "result.json"
    expect({ result.resumed, result.bytes }):equals { 15 * MIB, 11 * MIB }
    expect({ store:count "CreateMultipartUpload", store:count "UploadPart" }):equals { 0, 3 }
    expect_big()
  end)

  case("that is cancelled is continued", function()
    write_big()
    store:fail("UploadPart", 3, { delay = 20 })
    orch.race {
      function() big { connections = 1 } end,
      function() while store:count "UploadPart" < 3 do orch.sleep(0.005) end end,
    }
    store:forget()
    expect(big().resumed):equals(10 * MIB)
    expect_big()
  end)
end)

describe("a folder", function()
  local function write_web()
    fs.mkdir "web/Build"
    fs.write("web/index.html", "<canvas>")
    fs.write("web/Build/game.wasm.br", "wasm")
    fs.write("web/Build/game.data.gz", "data")
    fs.write("web/Build/a & <b>.js", "")
    fs.write("web/notes.txt", "mine")
  end
  local function web(more)
    local all = { folder = "web", prefix = "demo", exclude = "*.txt" }
    for name, value in pairs(more or {}) do all[name] = value end
    return upload(all)
  end

  case("sends what a browser needs, the page last", function()
    write_web()
    local told
    local result = web { progress = function(done, total) told = { done, total } end,
      cache_control = function(name)
        return name:find "html" and "no-cache" or "max-age=31536000"
      end }
    expect({ result.files, result.sent, result.deleted, result.bytes, result.size, result.skipped })
      :equals { 4, 4, 0, 16, 16 }
    expect(told):equals { 16, 16 }
    expect(stored("demo/Build/game.wasm.br").headers):equals { ["content-encoding"] = "br",
      ["content-type"] = "application/wasm", ["cache-control"] = "max-age=31536000" }
    expect(stored("demo/Build/game.data.gz").headers["content-encoding"]):equals "gzip"
    expect(stored("demo/Build/a & <b>.js").body):equals ""
    expect(stored "demo/notes.txt"):is_nil()
    expect(store.requests[#store.requests].key):equals "demo/index.html"
    expect(stored("demo/index.html").headers["cache-control"]):equals "no-cache"
  end)

  case("sends only what changed, however long the list is; deletes what is gone", function()
    write_web()
    web()
    store:forget()
    local result = web()
    expect({ result.skipped, result.sent, result.kept, result.bytes }):equals { true, 0, 4, 0 }
    expect(web({ dry_run = true }).would):equals "would send nothing: s3://builds/demo/ is what web is"
    expect(store:count "ListObjectsV2"):equals(4)
    expect(store:count "PutObject"):equals(0)
    fs.write("web/index.html", "<CANVAS>")
    fs.remove "web/Build/a & <b>.js"
    store.buckets.builds["demo/theirs.txt"] = store.buckets.builds["demo/index.html"]
    store.buckets.builds["demonstration"] = store.buckets.builds["demo/index.html"]
    expect(web({ delete = true, dry_run = true }).would):equals(
      "would upload 1 file of 3 (8 bytes) from web to s3://builds/demo/, and delete 1 there")
    result = web { delete = true }
    expect({ result.sent, result.deleted, result.skipped }):equals { 1, 1 }
    expect(stored "demo/Build/a & <b>.js"):is_nil()
    expect(stored "demo/theirs.txt"):truthy() -- `exclude` leaves it out
    expect(stored "demonstration"):truthy()
    store.undeletable["demo/Build/game.wasm.br"] = "AccessDenied"
    fs.remove "web/Build/game.wasm.br"
    local err = expect(function() web { delete = true } end):raises { reason = "AccessDenied" }
    expect(err.message):contains "cannot delete 'demo/Build/game.wasm.br'"
  end, { page = 2 })

  case("is compared file by file by those who may not list", function()
    write_web()
    web()
    store:forget()
    store.denied = { ListObjectsV2 = true }
    expect(web().skipped):is(true)
    expect(store:count "HeadObject"):equals(4)
    expect(function() web { delete = true } end):raises "s3:ListBucket"
  end)

  case("goes on after a failure, also within a large file", function()
    write_web()
    write_big "web/Build/big.zip"
    store:fail("UploadPart", 6, { status = 403, code = "AccessDenied" })
    expect(function() web { part_size = "5M", connections = 1 } end):raises "auth"
    store:forget()
    local result = web { part_size = "5M" }
    expect(result.resumed):equals(25 * MIB)
    expect(store:count "UploadPart"):equals(1)
    expect(stored("demo/Build/big.zip").etag):matches "%-6$"
    expect(web({ part_size = "5M" }).skipped):is(true)
  end)

  case("that is none, is empty, or has names that cannot be sent is refused", function()
    refuses({ folder = "web" }, { kind = "os", code = "ENOENT" })
    fs.mkdir "web"
    refuses({ folder = "web" }, "there is no file in the folder 'web'")
    fs.write("web/a.txt", "")
    refuses({ folder = "web", exclude = "*" }, "that `include` and `exclude` leave")
    refuses({ folder = "web/a.txt" }, "the option for one file is `file`")
    fs.write("web/a\nb", "")
    refuses({ folder = "web" }, "control character 0x0A")
    expect(store:count()):equals(0)
  end)
end)

describe("the service's words", function()
  local function small(more)
    fs.write("game.zip", "x")
    local all = { file = "game.zip" }
    for name, value in pairs(more or {}) do all[name] = value end
    return refuses(all)
  end
  local function expect_error(err, fields, ...)
    expect({ kind = err.kind, reason = err.reason, service = err.service }):equals {
      kind = fields[1], reason = fields[2], service = "s3" }
    for _, text in ipairs { ... } do expect(err.message):contains(text) end
    expect(err.message).never:contains(store.secret_key)
  end

  case("are there for a wrong key, secret, token, bucket and region", function()
    expect_error(small { secret_key = "wrong" }, { "auth", "SignatureDoesNotMatch" },
      "The request signature we calculated", "the secret key is not the one")
    expect_error(small { access_key = "AKIAX" }, { "auth", "InvalidAccessKeyId" }, "does not exist",
      "request ")
    expect_error(small { session_token = "x" }, { "rejected", "InvalidToken" })
    expect_error(small { bucket = "nowhere" }, { "rejected", "NoSuchBucket" },
      "there is no bucket 'nowhere' at 127.0.0.1")
    expect_error(small { region = "eu-west-1" }, { "rejected", "AuthorizationHeaderMalformed" },
      [[the bucket 'builds' is in the region us-east-1: say region = "us-east-1"]])
    store:fail("HeadObject", 1, { status = 301, headers = { ["x-amz-bucket-region"] = "eu-west-3" } })
    store:fail("ListObjectsV2", 1, { status = 301, code = "PermanentRedirect",
      message = "The bucket you are attempting to access must be addressed using the specified "
        .. "endpoint.", headers = { ["x-amz-bucket-region"] = "eu-west-3" } })
    expect_error(small(), { "rejected", "PermanentRedirect" }, [[say region = "eu-west-3"]])
    expect(stored "game.zip"):is_nil()
  end)

  case("say by how much a clock is off", function()
    store.clock = 1800
    expect_error(small(), { "auth", "RequestTimeTooSkewed" }, "seconds behind the server's")
    store.clock = -3600
    local err = small()
    expect_error(err, { "auth", "RequestTimeTooSkewed" }, "seconds ahead of the server's")
    expect(tonumber(err.message:match "is (%d+) seconds")):near(3600, 5)
  end)

  case("are there for a full disk, which is not tried again", function()
    store:fail("PutObject", "always", { status = 507, code = "XMinioStorageFull",
      message = "Storage backend has reached its minimum free drive threshold." })
    expect_error(small(), { "status", "XMinioStorageFull" }, "minimum free drive threshold")
    expect(store:count "PutObject"):equals(1)
  end)

  case("are those of the last attempt", function()
    store:fail("PutObject", "always", { code = "SlowDown" })
    local err = small()
    expect_error(err, { "status", "SlowDown" }, "Please reduce your request rate")
    expect({ err.attempts, store:count "PutObject" }):equals { 3, 3 }
    store:forget()
    store:fail("PutObject", "always", { status = 429 })
    expect(small({ retry = false }).status):equals(429)
    expect(store:count "PutObject"):equals(1)
  end)

  case("are missed where no S3 is", function()
    store:fail("CreateMultipartUpload", "always", { status = 200, body = "<html><p>hello" })
    write_big()
    local err = expect(function() big() end):raises "http"
    expect(err.message):contains "is not XML; is that an S3 service?"
    expect(function() upload { file = "game.zip", endpoint = "http://127.0.0.1:1", retry = false } end)
      :raises { kind = "network", service = "s3" }
  end)

  case("say that a token has expired; one that was renewed is used at once", function()
    write_big()
    store.session_token = "old-session-token"
    fs.mkdir ".aws"
    local function write_profile(token)
      fs.write(".aws/credentials", ("[studio]\naws_access_key_id = %s\naws_secret_access_key=%s\n"
        .. "aws_session_token = %s\n"):format(store.access_key, store.secret_key, token))
    end
    write_profile "old-session-token"
    local function go(more)
      local all = { file = "game.zip", bucket = "builds", endpoint = store.url, profile = "studio",
        part_size = "5M", connections = 1, retry = { base = 0.001 } }
      for name, value in pairs(more or {}) do all[name] = value end
      return s3.upload(all)
    end
    store:fail("UploadPart", 3, { status = 400, code = "ExpiredToken",
      message = "The provided token has expired." })
    local err = expect(function() go() end):raises { reason = "ExpiredToken", service = "s3" }
    expect(err.message):contains "get new keys and upload again"
    expect(err.message).never:contains "old-session-token"
    orch.gather(function()
      local result = go()
      expect(result.resumed):equals(10 * MIB)
    end, function()
      while store:count "UploadPart" < 4 do orch.sleep(0.002) end
      write_profile "new-session-token"
      store.session_token = "new-session-token"
    end)
    expect_big()
  end)
end)

describe("keys", function()
  case("come from the environment or from a profile", function()
    fs.write("game.zip", "x")
    local function go(more)
      local all = { file = "game.zip", bucket = "builds", endpoint = store.url, retry = false }
      for name, value in pairs(more or {}) do all[name] = value end
      return s3.upload(all)
    end
    expect(function() go() end):raises "there is no key: give `access_key`"
    expect(function() go { access_key = "x" } end):raises "belong together"
    expect(function() go { access_key = "x", secret_key = "a b" } end):raises "a space or a line end"
    do
      local _ <close> = orch.with_env { AWS_ACCESS_KEY_ID = store.access_key,
        AWS_SECRET_ACCESS_KEY = store.secret_key, AWS_ENDPOINT_URL = store.url }
      s3.upload { file = "game.zip", bucket = "builds", key = "b", retry = false }
      expect(stored("b").body):equals "x"
    end
    fs.mkdir ".aws"
    fs.write(".aws/credentials", ("# of all\n[default]\naws_access_key_id=no\n"
      .. "aws_secret_access_key=no\n\n[studio]\naws_access_key_id = %s\n"
      .. "aws_secret_access_key = %s\n"):format(store.access_key, store.secret_key))
    fs.write(".aws/config", "[profile sso]\nsso_session = corp\n[profile studio]\nregion = eu-west-1\n")
    store.region = "eu-west-1" -- as the profile has it
    go { profile = "studio" }
    expect(function() go() end):raises { reason = "InvalidAccessKeyId" }
    expect(function() go { profile = "gone" } end):raises "no key in the profile 'gone'"
    expect(function() go { profile = "sso" } end):raises "`sso_session`.*export%-credentials"
    expect(require("orch.deploy.s3.keys").region { profile = "studio" }):equals "eu-west-1"
  end)
end)

describe("an address", function()
  local function url(o)
    o.bucket = o.bucket or "builds"
    return address.of("t", o):url "a b"
  end

  it("is that of AWS, of R2, of MinIO", function()
    expect(url {}):equals "https://builds.s3.us-east-1.amazonaws.com/a%20b"
    expect(url { region = "cn-north-1" }):equals "https://builds.s3.cn-north-1.amazonaws.com.cn/a%20b"
    expect(url { bucket = "a.dot", region = "eu-west-1" })
      :equals "https://s3.eu-west-1.amazonaws.com/a.dot/a%20b"
    expect(url { endpoint = "https://minio.lan:9000/" }):equals "https://minio.lan:9000/builds/a%20b"
    expect(url { endpoint = "https://gate.lan:443/s3" }):equals "https://gate.lan/s3/builds/a%20b"
    expect(url { endpoint = "https://minio.lan", path_style = false })
      :equals "https://builds.minio.lan/a%20b"
    local r2 = address.of("t", { bucket = "builds", endpoint = "https://x.r2.cloudflarestorage.com" })
    expect({ r2.region, r2:url "k" })
      :equals { "auto", "https://x.r2.cloudflarestorage.com/builds/k" }
  end)

  it("says what is wrong with it", function()
    expect(function() url { endpoint = "minio.lan" } end):raises 'write "https://minio.lan"'
    expect(function() url { endpoint = "https://a:b@minio.lan" } end):raises "scheme, host and port"
    expect(function() url { bucket = "s3://builds" } end):raises 'write bucket = "name"'
    expect(function() url { region = "eu west" } end):raises "no region"
  end)

  case("has the bucket in the host where it is told to", function()
    fs.write("game.zip", "x")
    upload { file = "game.zip", endpoint = "http://localhost:" .. store.server.port,
      path_style = false,
      http = { resolve = { ("builds.localhost:%d:127.0.0.1"):format(store.server.port) } } }
    expect(stored("game.zip").body):equals "x"
    expect(store.requests[1].headers.host):equals("builds.localhost:" .. store.server.port)
  end)

  it("with TLS leaves the digest of the body to it", function()
    local dir = test.temp_dir()
    local _ <close> = orch.cd(dir)
    local ca = server.certificate "ca.pem"
    local certs = ca:gsub("/[^/]*$", "")
    local one <close> = dofile(here .. "/stores/s3.lua").start { cert = certs .. "/good.pem",
      key = certs .. "/good.key" }
    store = one
    fs.write("game.zip", "x")
    upload { file = "game.zip", http = { ca = ca } }
    local put = store.requests[#store.requests]
    expect({ put.route, put.payload }):equals { "PutObject", "UNSIGNED-PAYLOAD" }
    expect(function() upload { file = "game.zip", key = "b", retry = false } end)
      :raises { kind = "tls", service = "s3" }
  end)
end)

describe("a link", function()
  case("works without a key, for its time, and for nothing else", function()
    fs.write("game.zip", "the build")
    upload { file = "game.zip", key = "a b/ä.zip" }
    local link = s3.presign { bucket = "builds", endpoint = store.url, key = "a b/ä.zip",
      access_key = store.access_key, secret_key = store.secret_key, expires = "1h",
      download_as = "cat game.zip" }
    local r = orch.http.get(link)
    expect(r.body):equals "the build"
    expect(r.headers["content-disposition"]):equals 'attachment; filename="cat game.zip"'
    expect(orch.http.get((link:gsub("cat", "dog")), { check = false }).status):equals(403)
    expect(orch.http.put(link, { body = "x", check = false }).status):equals(403)
    store.clock = 3700
    expect(orch.http.get(link, { check = false }).body):contains "Request has expired"
    expect(function() s3.presign { bucket = "builds", key = "a", expires = "8d" } end)
      :raises "7 days"
  end)
end)

describe("options", function()
  case("that do not go together are named", function()
    refuses({}, "needs one of the options `file` and `folder`")
    refuses({ folder = ".", key = "a" }, "a folder has no `key`")
    refuses({ file = "a", delete = true }, "option `delete` is for a `folder`")
    refuses({ file = "a", storage_clas = "x" }, "did you mean `storage_class`")
    refuses({ file = "a", connections = 0 }, "from 1 to 64")
    fs.write("a", "x")
    refuses({ file = "a", metadata = { a = "ü" } }, "no header can carry")
    refuses({ file = "a", metadata = { "x" } }, "`metadata` should be")
    expect(function() s3.exists(with {}) end):raises "needs the option `key`"
    expect(function() s3.upload() end):raises "takes one table"
    expect(function() return s3.uplaod end):raises "did you mean 'upload'"
  end)
end)

describe("the type of a file", function()
  it("is that which a browser needs", function()
    local function is(name, kind, encoding) expect({ media.of(name) }):equals { kind, encoding } end
    is("Build/game.wasm.br", "application/wasm", "br")
    is("game.framework.js.gz", "text/javascript; charset=utf-8", "gzip")
    is("game.data.br", "application/octet-stream", "br")
    is("game.symbols.json.br", "application/json", "br")
    is("INDEX.HTML", "text/html; charset=utf-8")
    is("save.tar.gz", "application/gzip")
    is("game.unityweb", "application/octet-stream")
    is("Makefile", "application/octet-stream")
    is("dir.js/file", "application/octet-stream")
  end)
end)
