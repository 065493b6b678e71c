-- orch.deploy.testflight against a service that follows Apple's documents, checks tokens and
-- parts for real, and misbehaves.

local deploy, fs, json = orch.deploy, orch.fs, orch.json
local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local app_store = dofile(here .. "/stores/app_store.lua")
local cut = dofile(here .. "/helper/cut.lua")
local function fault(fn, fields) return expect(fn):raises(fields) end
local server = dofile(here .. "/helper/server.lua")

local KEY
local PART = 100000
local CONTENT = ("0123456789"):rep(45000) -- four parts and a half

local store, folder

--- A case with a store of its own, in a folder of its own.
local function case(name, fn)
  it(name, function()
    KEY = KEY or app_store.new_key()
    local mine <close> = app_store.start { key = KEY, part_size = PART }
    store, folder = mine, test.temp_dir()
    local _ <close> = orch.cd(folder)
    fs.write("game.ipa", CONTENT)
    fs.write("key.p8", KEY)
    fn()
  end)
end

local function expect_fields(value, fields)
  for name, wanted in pairs(fields) do expect(value[name]):equals(wanted) end
end

local function options(more)
  local o = {
    file = "game.ipa", app = store.bundle_id, key = store.key, key_id = store.key_id,
    issuer_id = store.issuer_id, version = "1.4.2", build = "871", base_url = store.url,
    poll = 0.01, retry = { base = 0.01 },
  }
  for name, value in pairs(more or {}) do o[name] = value end
  return o
end

local function upload(more) return deploy.testflight.upload(options(more)) end

local function status(more)
  local o = options(more)
  o.file, o.poll = nil, nil
  return deploy.testflight.status(o)
end

local function expect_arrived(result)
  expect(result.state):equals "VALID"
  expect(store.content == CONTENT):is(true)
  expect(#store.builds):equals(1)
  expect(store.leaks):equals(0)
end

local function no_memo()
  expect(fs.glob(folder .. "/.orch/deploy/*.json")):equals {}
end

describe("an upload to TestFlight", function()
  case("sends the parts, waits, and gives the build to its testers", function()
    local told = {}
    local result = upload { groups = { "Friends", "Testers" }, uses_encryption = false,
      notes = "Cats can swim", review = true, progress = function(done) told[#told + 1] = done end }
    expect_arrived(result)
    expect_fields(result, { service = "testflight", file = "game.ipa", size = #CONTENT,
      bytes = #CONTENT, app = "6448311069", bundle_id = "com.example.cat", version = "1.4.2",
      build = "871", platform = "IOS", build_id = store.builds[1].id })
    expect(result.skipped):is_nil()
    expect(result.groups):equals { "Friends", "Testers" }
    expect(result.warnings[1]):matches "purpose string.*90683"
    local build = store.builds[1]
    expect(build.notes):equals { ["en-US"] = "Cats can swim" }
    expect(build.groups):equals { Friends = true, Testers = true }
    expect(build.uses_encryption):is(false)
    expect(build.review):is(true)
    expect(told[#told]):equals(#CONTENT)
    expect(json.decode(json.encode(result)).build_id):equals(build.id)
    no_memo()
  end)

  case("takes Apple's number for the app, a key file, and an individual key", function()
    store.issuer_id = nil
    fs.write("AuthKey_" .. store.key_id .. ".p8", KEY)
    local o = options { app = tonumber(store.app_id), build = 9, platform = "TV_OS",
      key = { path = "AuthKey_" .. store.key_id .. ".p8" } }
    o.key_id = nil
    local result = deploy.testflight.upload(o)
    expect_arrived(result)
    expect_fields(store.builds[1], { build = "9", platform = "TV_OS" })
  end)

  case("changes notes that are there, in several languages", function()
    upload { notes = { ["en-US"] = "One", ["de-DE"] = "Eins" } }
    upload { notes = { ["en-US"] = "Two", ["de-DE"] = "Eins" } }
    expect(store.builds[1].notes):equals { ["en-US"] = "Two", ["de-DE"] = "Eins" }
    expect(store.requests["PATCH notes"]):equals(1)
  end)

  case("gives no build to a group that has all builds", function()
    store.all_builds = { Team = true }
    store.groups = { "Testers", "Team" }
    local result = upload { groups = { "Team", "Testers" } }
    expect(result.groups):equals { "Team", "Testers" }
    expect(store.builds[1].groups):equals { Testers = true }
    upload { groups = "Team" }
    expect(store.requests["POST groups"]):equals(1)
  end)

  case("finds a group on the last of many pages, and asks no other server", function()
    store.page, store.groups = 1, { "A", "B", "Testers" }
    upload { groups = "Testers" }
    expect(store.builds[1].groups):equals { Testers = true }
    expect(store.requests["GET groups"]):equals(3)
  end)

  case("changes notes that Apple made meanwhile", function()
    store:fail("POST notes", 1, function() store.builds[1].notes["en-US"] = "" end)
    upload { notes = "Cats can swim" }
    expect(store.builds[1].notes):equals { ["en-US"] = "Cats can swim" }
  end)

  case("does not wait when told so", function()
    store.verdict = "never"
    local result = upload { wait = false }
    expect(result.state):equals "PROCESSING"
    expect(store.content == CONTENT):is(true)
    expect(status().state):equals "PROCESSING"
  end)

  case("sends no checksum that Apple does not take", function()
    store.checksums = false
    expect_arrived(upload())
    expect(store.requests["PATCH file"]):equals(2)
  end)

  case("names the SHA-256 when asked to", function()
    store.checksums = "SHA_256"
    expect_arrived(upload { checksum = "SHA_256" })
    expect(store.requests["PATCH file"]):equals(1)
  end)
end)

describe("an .ipa", function()
  local function write_ipa(format)
    fs.mkdir "ipa/Payload/Cat.app"
    orch.process.run { "python3", "-S", "-E", "-c", [[
import plistlib, sys
with open("ipa/Payload/Cat.app/Info.plist", "wb") as out:
    plistlib.dump({"CFBundleIdentifier": "com.example.cat", "CFBundleName": "K\u00e4tzchen",
                   "CFBundleShortVersionString": "2.0", "CFBundleVersion": "12",
                   "UIDeviceFamily": [1, 2], "LSRequiresIPhoneOS": True,
                   "Long": "x" * 300}, out, fmt=getattr(plistlib, sys.argv[1]))
]], format }
    orch.archive.create("real.ipa", { folder = "ipa" })
    return fs.read "real.ipa"
  end

  for name, format in pairs { binary = "FMT_BINARY", XML = "FMT_XML" } do
    case("with a " .. name .. " property list tells version and build", function()
      local bytes = write_ipa(format)
      local o = options { file = "real.ipa" }
      o.version, o.build = nil, nil
      local result = deploy.testflight.upload(o)
      expect_fields(result, { version = "2.0", build = "12", state = "VALID" })
      expect(store.content == bytes):is(true)
    end)
  end

  case("is read where its name has signs of a pattern", function()
    write_ipa "FMT_BINARY"
    fs.move("ipa/Payload/Cat.app", "ipa/Payload/Cat [Dev].app")
    orch.archive.create("dev.ipa", { folder = "ipa" })
    local o = options { file = "dev.ipa" }
    o.version, o.build = nil, nil
    expect(deploy.testflight.upload(o).version):equals "2.0"
  end)

  local huge = ("a"):rep(2000000)
  local hostile = {
    ["a property list that refers to one text a million times"] = function()
      local text = "\x5f\x13" .. string.pack(">I8", #huge / 2) .. huge:sub(1, #huge / 2)
      local count = 100000 -- of keys, each of a megabyte: a hundred gigabytes
      local all = "bplist00" .. text .. "\xdf\x13" .. string.pack(">I8", count)
        .. ("\0"):rep(2 * count)
      return all .. string.pack(">I4I4", 8, 8 + #text) .. ("\0"):rep(6) .. "\4\1"
        .. string.pack(">I8I8I8", 2, 1, #all)
    end,
    ["a property list that is a bomb"] = function() return huge end,
    ["half a property list"] = function() return "bplist00\0\1" end,
    ["no property list"] = function() return "<plist/>" end,
  }
  for what, plist in pairs(hostile) do
    case("with " .. what .. " says nothing", function()
      fs.mkdir "ipa/Payload/Cat.app"
      fs.write("ipa/Payload/Cat.app/Info.plist", plist())
      orch.archive.create("hostile.ipa", { folder = "ipa" })
      local o = options { file = "hostile.ipa" }
      o.version = nil
      local err = fault(function() deploy.testflight.upload(o) end, { kind = "usage" })
      expect(err.message):matches "needs the option `version`: it could not be read"
      expect(err.message).never:contains ".lua:"
      expect(store.log):equals {}
    end)
  end

  case("of another version, or another app, is refused", function()
    write_ipa "FMT_BINARY"
    expect(function() upload { file = "real.ipa", version = "2.0" } end)
      :raises "`build` is \"871\", but 'real.ipa' says \"12\""
    local other <close> = app_store.start { key = KEY, bundle_id = "com.example.dog" }
    expect(function()
      upload { file = "real.ipa", version = "2.0", build = 12, app = "com.example.dog",
        base_url = other.url }
    end):raises "is a build of com.example.cat, not of com.example.dog"
    expect(other.requests["POST upload"]):is_nil()
  end)
end)

describe("what is there already", function()
  case("is not sent again, and still gets its groups", function()
    upload()
    local result = upload { groups = "Testers" }
    expect_fields(result, { skipped = true, bytes = 0, state = "VALID" })
    expect(store.requests["POST upload"]):equals(1)
    expect(store.builds[1].groups):equals { Testers = true }
  end)

  case("is not sent again while Apple works at it", function()
    store.verdict = "never"
    fault(function() upload { wait = 0.05 } end,
      { kind = "timeout", state = "PROCESSING", retryable = false })
    store.verdict = "VALID"
    local result = upload()
    expect_fields(result, { skipped = true, bytes = 0, state = "VALID" })
    expect(store.requests["POST upload"]):equals(1)
  end)

  case("is asked for", function()
    local asked = options()
    asked.file, asked.poll = nil, nil
    expect(deploy.testflight.exists(asked)):is(false)
    expect_fields(status(), { exists = false, bundle_id = "com.example.cat" })
    upload()
    expect(deploy.testflight.exists(asked)):is(true)
    asked.version, asked.build = nil, nil
    expect_fields(deploy.testflight.status(asked), { exists = true, state = "VALID",
      version = "1.4.2", build = "871", expired = false })
    expect(function() deploy.testflight.exists(asked) end):raises "needs the option `version`"
  end)

  case("and is invalid, is said so, in Apple's words", function()
    store.verdict = "INVALID"
    for _ = 1, 2 do
      local err = fault(function() upload() end,
        { kind = "rejected", reason = "INVALID", retryable = false })
      expect(err.message):matches "_purr %(ITMS%-90338%).*higher"
      expect(err.errors[1].code):equals "ITMS-90338"
    end
    expect(store.requests["POST upload"]):equals(1)
    expect(status().state):equals "INVALID"
  end)

  case("and failed, is sent anew", function()
    store.verdict = "FAILED"
    local err = fault(function() upload() end, { kind = "rejected", reason = "FAILED" })
    expect(err.message):matches "Redundant Binary Upload.*90189"
    store.verdict = "VALID"
    expect_arrived(upload())
    expect(store.requests["POST upload"]):equals(2)
  end)
end)

describe("a dry run", function()
  case("asks, and sends nothing", function()
    local result = upload { dry_run = true, groups = "Testers" }
    expect(result.dry_run):is(true)
    expect(result.would):equals("would upload game.ipa (450.0 kB) as build 1.4.2 (871) of "
      .. "com.example.cat for Testers")
    for _, route in ipairs(store.log) do expect(route):matches "^GET " end
    upload()
    expect(upload { dry_run = true }.would):matches "^would send nothing"
  end)

  case("finds what would be wrong", function()
    expect(function() upload { dry_run = true, groups = "Freinds" } end)
      :raises "did you mean 'Friends'"
    expect(function() upload { dry_run = true, key_id = "OTHER" } end):raises "NOT_AUTHORIZED"
  end)
end)

describe("bad input is refused before anything is sent:", function()
  local refusals = {
    { "a key that is none", { key = "sesame" }, "option `key` is no key in PEM" },
    { "no key id", { key_id = false }, "key_id", "usage" },
    { "a key file that is missing", { key = { path = "AuthKey_X.p8" } }, "there is no key file" },
    { "a file that is missing", { file = "no.ipa" }, "no file 'no.ipa'" },
    { "a file of another type", { file = "key.p8" }, "file of type .ipa, .pkg" },
    { "an unknown platform", { platform = "ios" }, 'did you mean "IOS"' },
    { "notes that nobody can set", { wait = false, notes = "x" }, "wait = false" },
    { "notes that are no text", { notes = { 1 } }, "by locale" },
    { "notes for a locale that is none", { notes = { en_US = "x" } }, 'no locale such as "en-US"' },
    { "a variable of the CI server that is not set", { issuer_id = "" }, "`issuer_id` is empty" },
    { "groups that are no names", { groups = { x = "y" } }, "a list such as" },
    { "no parts", { connections = 0 }, "at least 1" },
    { "a checksum of another kind", { checksum = "md5" }, "SHA_256" },
    { "an option that is none", { grups = "Testers" }, "did you mean `groups`" },
  }
  for _, refusal in ipairs(refusals) do
    case(refusal[1], function()
      expect(function() upload(refusal[2]) end):raises(refusal[3])
      expect(store.log):equals {}
    end)
  end

  case("an empty file", function()
    fs.write("game.ipa", "")
    expect(function() upload() end):raises "is empty"
    expect(store.log):equals {}
  end)

  case("an RSA key, and never with the key in the message", function()
    local rsa = orch.process.run({ "openssl", "genpkey", "-algorithm", "RSA" }).stdout
    local err = fault(function() upload { key = rsa } end, { kind = "usage" })
    expect(err.message):matches "wrong type"
    expect(err.message:find(rsa:match "\n(%w+)", 1, true)):is_nil()
    expect(store.log):equals {}
  end)

  case("no version where the file has none", function()
    local o = options()
    o.version = nil
    expect(function() deploy.testflight.upload(o) end):raises "needs the option `version`"
    expect(store.log):equals {}
  end)
end)

describe("a login that is refused", function()
  case("is of kind auth, in Apple's words", function()
    local err = fault(function() upload { key = app_store.new_key() } end,
      { kind = "auth", status = 401, reason = "NOT_AUTHORIZED", retryable = false })
    expect(err.message):matches "Provide a properly configured and signed bearer token"
    expect_fields(err.errors[1], { code = "NOT_AUTHORIZED" })
  end)

  case("for want of the issuer says so", function()
    local o = options()
    o.issuer_id = nil
    fault(function() deploy.testflight.upload(o) end, { kind = "auth" })
    expect(function() deploy.testflight.upload(o) end):raises "needs the option `issuer_id`"
  end)

  case("is renewed once when the token expires in the middle", function()
    store:fail("PATCH file", 1, { status = 401 })
    store:fail("GET upload", 1, { status = 401 })
    expect_arrived(upload())
  end)

  case("is renewed before its token expires", function()
    local now, later = os.time, 0
    local _ <close> = orch.defer(function() os.time = now end)
    os.time = function(...) return now(...) + later end
    store:fail("POST upload", 1, function() later = 500 end)
    store:fail("PATCH file", 1, function() later = 1500 end)
    expect_arrived(upload())
    local count = 0
    for _ in pairs(store.tokens) do count = count + 1 end
    expect(count):equals(3)
    expect(store.refused):equals(0)
  end)

  case("does not follow from a clock that is some seconds ahead", function()
    store.behind = 30
    expect_arrived(upload())
  end)

  it("says by how much the clock is off", function() -- the server is started here
    KEY = KEY or app_store.new_key()
    store = { bundle_id = "com.example.cat", key = KEY, key_id = "K", issuer_id = "I" }
    local file = test.temp_dir() .. "/game.ipa"
    fs.write(file, CONTENT)
    local body = json.encode { errors = { { status = "401", code = "NOT_AUTHORIZED",
      title = "Authentication credentials are missing or invalid." } } }
    local function off_by(seconds)
      local date = os.date("!Date: %a, %d %b %Y %H:%M:%S GMT", os.time() + seconds)
      local said = server.answer(401, { date, "Content-Type: application/json" }, body)
      return server.play({ said }).url .. "?path=" -- it knows no paths below its own
    end
    local err = fault(function()
      upload { file = file, base_url = off_by(1500) }
    end, { kind = "auth" })
    local seconds = tonumber(err.message:match "is (%d+) s behind the server's")
    expect(seconds):near(1500, 5)
    err = fault(function() upload { file = file, base_url = off_by(-700) } end, { kind = "auth" })
    expect(tonumber(err.message:match "is (%d+) s ahead of")):near(700, 5)
  end)

  case("is told from a role that may not do it", function()
    store:fail("POST upload", 1, { status = 403 })
    local err = fault(function() upload() end, { kind = "auth", status = 403 })
    expect(err.message):matches "The API key in use does not allow this request.*a role"
  end)
end)

describe("a passing fault", function()
  for _, route in ipairs { "GET apps", "GET builds", "POST upload", "POST file", "PUT part",
    "PATCH file", "GET upload", "POST notes", "POST groups" } do
    case("of " .. route .. ": is tried again", function()
      store:fail(route, 1, { status = 503 })
      store:fail(route, 1, { status = 429, headers = { ["Retry-After"] = "0" } })
      store:fail(route, 1, { reset = true })
      expect_arrived(upload { notes = "x", groups = "Testers" })
      expect(store.requests["POST upload"] <= 4):is(true)
    end)
  end

  for _, route in ipairs { "POST upload", "POST file", "PATCH file", "POST notes", "POST review",
    "POST groups" } do
    case("that loses the answer of " .. route .. ": nothing is made twice", function()
      store:fail(route, 1, { lost = true })
      expect_arrived(upload { notes = "x", groups = "Testers", review = true })
      local count = 0
      for _ in pairs(store.uploads) do count = count + 1 end
      expect(count):equals(1)
      expect(store.requests["PUT part"]):equals(5)
    end)
  end

  case("while Apple works at the build is waited for, too", function()
    store:fail("GET upload", 12, { status = 503 }, 1)
    expect_arrived(upload { retry = { attempts = 2, base = 0 } })
    store:fail("GET builds", 99, { status = 503 }, 1)
    fault(function() upload { build = "872", wait = 0.05, retry = { attempts = 2, base = 0 } } end,
      { kind = "status", status = 503 })
  end)

  case("of too many requests says how many a key may make", function()
    store:fail("GET apps", 9, { status = 429,
      headers = { ["X-Rate-Limit"] = "user-hour-lim:3500;user-hour-rem:0;" } })
    local err = fault(function() upload { retry = false } end, { status = 429 })
    expect(err.message):matches "RATE_LIMIT_EXCEEDED.*3500 times an hour"
  end)

  case("that does not pass ends the upload", function()
    store:fail("POST upload", 99, { status = 500 })
    fault(function() upload { retry = { attempts = 2, base = 0 } } end,
      { kind = "status", status = 500, attempts = 2 })
    expect(store.requests["POST upload"]):equals(2)
  end)

  case("is not tried again with retry = false", function()
    store:fail("POST upload", 1, { status = 503 })
    fault(function() upload { retry = false } end, { kind = "status", status = 503 })
    expect(store.requests["POST upload"]):equals(1)
  end)

  case("that resets connections in the middle of parts", function()
    local broken <close> = cut(store.server.port, 60000, 3)
    store.storage = broken.url
    expect_arrived(upload { connections = 2 })
    expect(broken:stop()):equals(3)
    expect(store.requests["PUT part"]):equals(5)
  end)
end)

describe("a refusal", function()
  case("is not tried again, and says which field", function()
    store:fail("POST upload", 1, function()
      return { status = 409, json = { errors = { { code = "ENTITY_ERROR.ATTRIBUTE.INVALID",
        title = "The provided entity includes an attribute with an invalid value",
        detail = "'1.4.2.1.1' is not a valid value.",
        source = { pointer = "/data/attributes/cfBundleShortVersionString" } } } } }
    end)
    local err = fault(function() upload() end,
      { kind = "conflict", status = 409, reason = "ENTITY_ERROR.ATTRIBUTE.INVALID" })
    expect(err.message):matches "'1.4.2.1.1' is not a valid value %[/data/attributes/cfBundleShort"
    expect(err.errors[1].pointer):equals "/data/attributes/cfBundleShortVersionString"
    expect(store.requests["POST upload"]):equals(1)
  end)

  case("with nulls in it is told as far as it goes", function()
    store:fail("POST upload", 1, function()
      return { status = 409, json = { errors = { { code = "STATE_ERROR", title = json.null,
        detail = "Not now.", source = json.null, meta = json.null } } } }
    end)
    local err = fault(function() upload() end, { kind = "conflict", reason = "STATE_ERROR" })
    expect(err.message):matches "Not now %(STATE_ERROR%)"
    expect(err.errors):equals { { code = "STATE_ERROR", detail = "Not now." } }
  end)

  case("with associated errors tells all of them", function()
    store:fail("POST review", 1, function()
      return { status = 409, json = { errors = { { code = "STATE_ERROR", title = "Not now.",
        detail = "See associated errors.", meta = { associatedErrors = { ["/v1/apps/1"] = {
          { code = "ENTITY_ERROR.RELATIONSHIP.REQUIRED", detail = "Contact is missing." },
        } } } } } } }
    end)
    local err = fault(function() upload { review = true } end, { kind = "conflict" })
    expect(err.message):matches "See associated errors.*Contact is missing"
    expect(#err.errors):equals(2)
  end)
end)

describe("an answer that is not Apple's", function()
  local answers = { ["a page"] = "<html>", ["half a document"] = "{}", ["null"] = "null",
    ["nothing"] = "", ["a number"] = '{"data":5}', ["a resource without a name"] = '{"data":{}}' }
  for _, route in ipairs { "GET apps", "POST upload", "POST file", "GET upload" } do
    for name, body in pairs(answers) do
      local no_apps = route == "GET apps" and name == "a resource without a name"
      if not no_apps then case("to " .. route .. ": " .. name .. " is said to be none", function()
        store:fail(route, 1, function() return { status = 200, body = body } end)
        expect(fault(function() upload { retry = false } end, { kind = "http" }).message)
          :contains "is not what App Store Connect answers"
      end) end
    end
  end

  for name, operation in pairs { ["no address"] = { offset = 0, length = #CONTENT },
    ["no place"] = { url = "http://127.0.0.1:1/", length = #CONTENT },
    ["an odd place"] = { url = "http://127.0.0.1:1/", offset = "0", length = 1.5 },
    ["too much"] = { url = "http://127.0.0.1:1/", offset = 0, length = #CONTENT + 1 },
  } do
    case("with a part of " .. name .. " is refused", function()
      store:fail("POST file", 1, function()
        return { status = 201, json = { data = { id = "file-1", type = "buildUploadFiles",
          attributes = { uploadOperations = { operation } } } } }
      end)
      expect(fault(function() upload { retry = false } end, { kind = "http" }).message)
        :matches "parts cover %d+ of 450000 bytes"
    end)
  end
end)

describe("addresses that have expired", function()
  case("are asked for anew; what has arrived stays", function()
    store.renews = true
    store:fail("PUT part", 1, { status = 403 }, 3)
    local result = upload { connections = 1 }
    expect_arrived(result)
    expect(store.requests["POST upload"]):equals(1)
    expect(store.requests["PUT part"]):equals(6)
  end)

  case("and are not renewed: the upload begins anew", function()
    local spoilt
    store:fail("PUT part", 99, function()
      spoilt = spoilt or next(store.files)
      store.files[spoilt].expired = true
    end)
    expect_arrived(upload { connections = 1 })
    expect(store.requests["POST upload"]):equals(2)
    expect(store.requests["DELETE upload"]):equals(1)
  end)

  case("for good are an error in the storage's words", function()
    store:fail("PUT part", 99, function()
      for _, file in pairs(store.files) do file.expired = true end
    end)
    local err = fault(function() upload { connections = 1 } end, { kind = "auth", status = 403 })
    expect(err.message):matches "send bytes 0 to 99999: Request has expired %(AccessDenied%)"
  end)
end)

describe("a file that changes while it is sent", function()
  for what, change in pairs {
    ["grows"] = function() fs.append(folder .. "/game.ipa", "more") end,
    ["shrinks"] = function() fs.write(folder .. "/game.ipa", "short") end,
    ["disappears"] = function() fs.remove(folder .. "/game.ipa") end,
  } do
    case("and " .. what .. " is not published", function()
      store:fail("PUT part", 1, change, 2)
      fault(function() upload { connections = 1 } end, { kind = "changed", retryable = false })
      expect(store.requests["PATCH file"]):is_nil()
      expect(next(store.uploads)):is_nil()
      no_memo()
    end)
  end
end)

describe("an upload that broke off", function()
  case("goes on with what is missing", function()
    store:fail("PUT part", 99, { status = 500 }, 2)
    fault(function() upload { connections = 1, retry = false } end, { kind = "status" })
    store.faults = {}
    local result = upload { connections = 1 }
    expect_arrived(result)
    expect_fields(result, { resumed = 2 * PART, bytes = #CONTENT - 2 * PART })
    expect(store.requests["POST upload"]):equals(1)
    no_memo()
  end)

  case("begins anew with resume = false, and with another file", function()
    store:fail("PUT part", 99, { status = 500 }, 2)
    fault(function() upload { connections = 1, retry = false } end, { kind = "status" })
    store.faults = {}
    CONTENT = CONTENT .. "!"
    fs.write("game.ipa", CONTENT)
    local result = upload()
    expect_arrived(result)
    expect(result.resumed):is_nil()
    expect(store.requests["POST upload"]):equals(2)
  end)

  case("keeps no address and no key on disk", function()
    store:fail("PUT part", 99, { status = 500 }, 1)
    fault(function() upload { connections = 1, retry = false } end, { kind = "status" })
    local kept = fs.glob(folder .. "/.orch/deploy/*.json")
    expect(#kept):equals(1)
    expect(fs.read(kept[1])).never:contains "signature"
    expect(fs.read(kept[1])).never:contains "PRIVATE"
  end)

  case("by kill -9 goes on, and nothing is sent twice", function()
    fs.write("send.lua", ([[
      local result = orch.deploy.testflight.upload { file = "game.ipa", app = "com.example.cat",
        key = { path = "key.p8" }, key_id = %q, issuer_id = %q, version = "1.4.2", build = "871",
        base_url = %q, poll = 0.01, connections = 1 }
      orch.fs.write("result.json", orch.json.encode(result))
    ]]):format(store.key_id, store.issuer_id, store.url))
    store.delay = 2 -- 0.4 s for a part
    local command = { require("orch.core.runtime").executable(), "send.lua", check = false }
    do
      local killed <close> = orch.process.spawn(command)
      for _ = 1, 1000 do
        if (store.requests["PUT part"] or 0) >= 3 then break end
        orch.sleep(0.01)
      end
      killed:signal "KILL"
      killed:wait()
    end
    store.delay = 0
    orch.process.run { command[1], command[2] }
    local result = json.load "result.json"
    expect_arrived(result)
    expect(result.resumed):equals(2 * PART)
    expect(result.bytes):equals(#CONTENT - 2 * PART)
    expect(store.requests["POST upload"]):equals(1)
    no_memo()
  end)

  case("is not finished with parts of another file of the same name and size", function()
    store:fail("PUT part", 99, { status = 500 }, 2)
    fault(function() upload { connections = 1, retry = false } end, { kind = "status" })
    store.faults = {}
    local _ <close> = orch.cd(test.temp_dir()) -- where nothing is known of that
    CONTENT = CONTENT:gsub("0", "x")
    fs.write("game.ipa", CONTENT)
    store:fail("POST upload", 1, { status = 409 })
    expect_arrived(upload { checksum = false })
    expect(store.requests["POST file"]):equals(2)
  end)

  case("before it knew what it had reserved takes that", function()
    store:fail("POST file", 1, { lost = true })
    fault(function() upload { retry = false } end, { kind = "network" })
    expect_arrived(upload())
    expect(store.requests["POST upload"]):equals(1)
    expect(store.requests["POST file"]):equals(2)
  end)

  case("right after its commit is only waited for", function()
    store:fail("PATCH file", 99, { lost = true })
    store:fail("GET upload", 99, { status = 500 })
    fault(function() upload { retry = { attempts = 2, base = 0 } } end, { kind = "status" })
    store.faults = {}
    local result = upload()
    expect_arrived(result)
    expect_fields(result, { skipped = true, bytes = 0 })
    expect(store.requests["POST upload"]):equals(1)
  end)
end)

describe("an upload that is cancelled", function()
  case("ends at once, and goes on later", function()
    store.delay = 30
    local ok = orch.move_on_after(0.3, function() upload { connections = 2 } end)
    expect(ok):is(false)
    store.delay = 0
    expect_arrived(upload())
    expect(store.requests["POST upload"]):equals(1)
  end)
end)

-- Wherever it is cut short, the next call finishes it, and nothing is made twice.
describe("an upload that ends at any request", function()
  local routes = { "GET apps", "GET groups", "GET builds", "GET uploads", "POST upload",
    "POST file", "PUT part", "PATCH file", "GET upload", "PATCH build", "GET notes", "POST notes",
    "POST groups", "GET review", "POST review" }
  local asked = { notes = "x", groups = "Testers", uses_encryption = false, review = true,
    connections = 2 }

  local function interrupted(route, end_it)
    store:fail(route, 1, function()
      end_it()
      orch.sleep(0.2)
    end)
  end

  local function goes_on(again)
    again()
    expect(store.content == CONTENT):is(true)
    expect(#store.builds):equals(1)
    expect(store.builds[1].notes):equals { ["en-US"] = "x" }
    expect(store.builds[1].groups):equals { Testers = true }
    expect(store.builds[1].review):is(true)
    local count = 0
    for _ in pairs(store.uploads) do count = count + 1 end
    expect(count):equals(1)
    no_memo()
  end

  for _, route in ipairs(routes) do
    case("by cancelling: " .. route, function()
      local task
      interrupted(route, function() task:cancel "enough" end)
      task = orch.spawn({ hold = true }, upload, asked)
      expect(function() task:await() end):raises "enough"
      goes_on(function() upload(asked) end)
    end)

    if not route:find "^GET" then case("by kill -9: " .. route, function()
      local o = options(asked)
      o.key = { path = "key.p8" }
      fs.write("send.lua", ("orch.deploy.testflight.upload(orch.json.decode [==[%s]==])")
        :format(json.encode(o)))
      local command = { require("orch.core.runtime").executable(), "send.lua" }
      local killed <close> = orch.process.spawn { command[1], command[2], check = false }
      interrupted(route, function() killed:signal "KILL" end)
      expect(killed:wait().signal):equals "SIGKILL"
      goes_on(function() orch.process.run(command) end)
    end) end
  end
end)
