-- deploy.google_play against the Google Play in tests/stores: what goes right, and everything
-- that does not.

local clock = require "orch.core.clock"
local fs = require "orch.fs"
local google_play = require "orch.deploy.google_play"
local http = require "orch.http"
local json = require "orch.json"
local log = require "orch.log"
local process = require "orch.process"
local stores = dofile "tests/stores/google_play.lua"

local QUICK = { attempts = 4, base = "1ms", cap = "5ms" }
local UNIT = 256 * 1024
local exe = fs.stat("/proc/self/exe", { follow = false }).target

--- A store, and a build of `size` bytes in a folder of its own.
local function setting(o)
  local dir = fs.temp_dir()
  local store = stores.start(o)
  local place = orch.cd(dir)
  local function build(version_code, size, name)
    local head = ("versionCode=%d "):format(version_code)
    fs.write(dir .. "/" .. (name or "game.aab"),
      head .. ("%06d"):format(version_code):rep((size or UNIT * 3) // 6))
  end
  build(7)
  local function options(more)
    local all = { file = "game.aab", package = store.package, key = store.key, part_size = UNIT,
      base_url = store.url, retry = QUICK }
    for name, value in pairs(more or {}) do all[name] = value end
    return all
  end
  return setmetatable({ store = store, dir = dir, build = build, options = options,
    app = store.apps[store.package],
    upload = function(more) return google_play.upload(options(more)) end,
  }, { __close = function()
    store:close()
    local _ <close> = place
  end })
end

local function connect(s)
  return { package = s.store.package, key = s.store.key, base_url = s.store.url, retry = QUICK }
end

local function with(opts, more)
  for name, value in pairs(more) do opts[name] = value end
  return opts
end

--- The log lines of a function.
local function lines_of(fn)
  local lines = {}
  local before = log.sink(function(record) lines[#lines + 1] = record.message end)
  local _ <close> = orch.defer(function() log.sink(before) end)
  fn()
  return table.concat(lines, "\n")
end

describe("google_play.upload", function()
  it("sends a bundle and releases it", function()
    local s <close> = setting()
    local told = {}
    local result = s.upload { track = "beta", notes = { ["en-US"] = "Faster", ["de-DE"] = "ü" },
      release_name = "1.2", in_app_update_priority = 3, status = "inProgress", user_fraction = 0.2,
      progress = function(done, total) told[#told + 1] = { done, total } end }
    expect(result.version_code):equals(7)
    expect(result.bytes):equals(result.size)
    expect(result.resumed):equals(0)
    expect(result.service):equals "google_play"
    expect(json.decode(json.encode(result))):equals(result) -- a step can keep it
    expect(told[#told]):equals { result.size, result.size }
    expect(s.app.bundles[1].sha256):equals(fs.hash("game.aab", "sha256"))
    expect(s.app.tracks.beta.releases):equals { { name = "1.2", versionCodes = { "7" },
      status = "inProgress", userFraction = 0.2, inAppUpdatePriority = 3, releaseNotes = {
        { language = "de-DE", text = "ü" }, { language = "en-US", text = "Faster" } } } }
    expect(s.store.violations):equals {}
    expect(s.store:open_edits()):equals(0)
    expect(s.store:times "validate"):equals(1)
  end)

  it("sends an APK, a mapping file, and notes in the app's language", function()
    local s <close> = setting()
    s.build(3, UNIT + 100, "game.apk")
    fs.write("mapping.txt", "a -> b:")
    local result = s.upload { file = "game.apk", mapping = "mapping.txt", notes = "Schneller",
      validate = false }
    expect(result.version_code):equals(3)
    expect(result.track):equals "internal"
    expect(s.app.apks[1].binary.sha256):equals(fs.hash("game.apk", "sha256"))
    expect(s.app.mappings):equals { { version_code = 3, kind = "proguard",
      sha256 = fs.hash("mapping.txt", "sha256") } }
    expect(s.app.tracks.internal.releases[1].releaseNotes):equals {
      { language = "de-DE", text = "Schneller" } }
    expect(s.store:times "validate"):equals(0)
  end)

  it("takes the key as text, as a table and as a file", function()
    local s <close> = setting()
    fs.write("play.json", json.encode(s.store.key))
    s.upload { key = json.encode(s.store.key) }
    s.build(8)
    s.upload { key = { path = "play.json" } }
    expect(s.app.commits):equals(2)
  end)

  it("skips what is on the track, and does not send again what is in the store", function()
    local s <close> = setting()
    s.upload {}
    local bytes = s.store.bytes
    local again = s.upload {}
    expect(again.skipped):is(true)
    expect(again.version_code):equals(7)
    expect(again.bytes):equals(0)
    expect(s.app.commits):equals(1)
    local promoted = s.upload { track = "production", status = "inProgress", user_fraction = 0.1 }
    expect(promoted.skipped):is_nil()
    expect(promoted.bytes):equals(0)
    expect(s.app.tracks.production.releases[1].userFraction):equals(0.1)
    expect(s.upload { track = "production" }.skipped):is(true) -- not back to what it was
    expect(s.store.bytes):equals(bytes)
  end)

  it("rehearses without sending anything", function()
    local s <close> = setting()
    local result = s.upload { dry_run = true, track = "beta" }
    expect(result.dry_run):is(true)
    expect(result.would):equals "would upload game.aab (786.4 kB) to track beta of com.example.cat"
    expect(s.store.bytes):equals(0)
    expect(s.store:times "session"):equals(0)
    expect(s.store:times "commit"):equals(0)
    expect(s.store:open_edits()):equals(0)
    s.upload { track = "beta" }
    expect(s.upload({ dry_run = true, track = "beta" }).would):contains "would skip game.aab"
    expect(s.upload({ dry_run = true }).would):contains "would release version 7"
  end)

  it("lets one upload at a time change an app", function()
    local s <close> = setting()
    local a, b = orch.gather(function() return s.upload {} end,
      function() return s.upload { track = "beta" } end)
    expect({ a.version_code, b.version_code }):equals { 7, 7 }
    expect(s.app.tracks.internal.releases[1].versionCodes):equals { "7" }
    expect(s.app.tracks.beta.releases[1].versionCodes):equals { "7" }
    expect(s.store:times "ended"):equals(0)
  end)

  it("waits until Google has looked at the bundle", function()
    local s <close> = setting { processing = 2 }
    s.upload {}
    expect(s.store:times "validate"):equals(3)
    expect(s.app.commits):equals(1)
  end)

  it("uploads to an app whose last review was a rejection", function()
    local s <close> = setting { review = "manual" }
    local err = expect(s.upload):raises { kind = "rejected" }
    expect(err.message):contains "changes_not_sent_for_review = true"
    local bytes = s.store.bytes
    s.upload { changes_not_sent_for_review = true }
    expect(s.store.bytes):equals(bytes) -- the edit had the bundle
    expect(s.app.commits):equals(1)
  end)
end)

describe("google_play.status and rollout", function()
  it("say and change what is released", function()
    local s <close> = setting()
    s.upload { track = "production" }
    s.build(8)
    s.upload { track = "production", user_fraction = 0.1 }
    local function rollout(more) return google_play.rollout(with(connect(s), more)) end
    local status = google_play.status(connect(s))
    expect(status.tracks.internal):equals {}
    expect(status.tracks.production):equals {
      { status = "inProgress", user_fraction = 0.1, version_codes = { 8 } },
      { status = "completed", version_codes = { 7 } } }
    expect(rollout { track = "production", user_fraction = 0.5 }.version_code):equals(8)
    local same = rollout { track = "production", user_fraction = 0.5, version_code = 8 }
    expect(same.skipped):is(true)
    local halted = rollout { track = "production", status = "halted", version_code = 8 }
    expect(halted.user_fraction):equals(0.5)
    expect(google_play.status(with(connect(s), { track = "production" })).tracks):equals {
      production = { { status = "halted", user_fraction = 0.5, version_codes = { 8 } },
        { status = "completed", version_codes = { 7 } } } }
    rollout { track = "production", status = "completed" }
    expect(s.app.tracks.production.releases):equals { { versionCodes = { "8" },
      status = "completed" } }
    expect(function() rollout { track = "production", user_fraction = 0.5 } end)
      :raises "no release that is being rolled out; it has 8 %(completed%)"
    expect(function() rollout { track = "beta", version_code = 9, status = "halted" } end)
      :raises "has no version 9; it has nothing"
    expect(s.store:open_edits()):equals(0)
  end)

  it("do not take what waits to be committed for released", function()
    local s <close> = setting()
    s.store:fail("commit", 1, { status = 400, message = "No." })
    expect(s.upload):raises("rejected")
    local rehearsal = s.upload { dry_run = true }
    expect(rehearsal.skipped):is_nil()
    expect(rehearsal.would):contains "would release version 7, which is there already"
    expect(s.upload({}).bytes):equals(0)
    expect(s.upload({ dry_run = true }).would):contains "would skip"
  end)

  it("leave an upload alone that waits to be completed", function()
    local s <close> = setting()
    s.store:fail("chunk", 3, { status = 400, message = "No." })
    expect(s.upload):raises("rejected")
    google_play.status(connect(s))
    expect(s.upload {}.resumed):equals(2 * UNIT)
  end)
end)

describe("google_play goes on after", function()
  local faults = {
    ["a piece that is refused for now"] = { "chunk", 2, { status = 503 } },
    ["429"] = { "chunk", 1, { status = 429, headers = { ["Retry-After"] = "0" } } },
    ["a connection that breaks in a piece"] = { "chunk", 2, { keep = 100000 } },
    ["a connection that breaks before one"] = { "chunk", 3, { reset = true } },
    ["the loss of the last answer"] = { "chunk", 4, { lost = true } },
    ["a token that expires in the middle"] = { "chunk", 2, { status = 401, reason = "authError" } },
    ["the loss of an answer of the commit"] = { "commit", 1, { lost = true } },
    ["a commit that is refused for now"] = { "commit", 1, { status = 500 } },
    ["a change of somebody else at the same moment"] = { "set_track", 1, { status = 409,
      message = "Concurrency update error.", reason = "concurrentUpdate" } },
    ["a file that has arrived, and is not put together yet"] = { "chunk", 4, { status = 308,
      headers = { Range = ("bytes=0-%d"):format(3 * UNIT + 13) } } },
    ["an edit that is opened twice"] = { "insert", 1, { lost = true } },
    ["a login that is refused for now"] = { "token", 1, { status = 503 } },
    ["a query that fails as well"] = { "chunk", 2, { reset = true }, "query", 1, { status = 502 } },
  }
  for name, fault in pairs(faults) do
    it(name, function()
      local s <close> = setting()
      s.store:fail(fault[1], fault[2], fault[3])
      if fault[4] then s.store:fail(fault[4], fault[5], fault[6]) end
      local result = s.upload {}
      expect(result.version_code):equals(7)
      expect(s.app.bundles[1].sha256):equals(fs.hash("game.aab", "sha256"))
      expect(s.app.commits):equals(1)
      expect(s.store.faults):equals {} -- it did happen
      expect(s.store.violations):equals {}
      expect(s.store.bytes):equals(result.size) -- and no byte was sent twice
      expect(s.store:open_edits()):equals(0)
    end)
  end

  it("a token that nobody takes any longer", function()
    local s <close> = setting()
    s.store:fail("chunk", 2, { before = function() s.store:revoke() end })
    s.upload {}
    expect(s.store.granted):equals(2)
    expect(s.store.bytes):equals(fs.stat("game.aab").size)
  end)

  it("a piece that was given up and arrives all the same, late", function()
    local s <close> = setting()
    s.store:fail("chunk", 2, { late = true })
    local result = s.upload {}
    expect(s.app.bundles[1].sha256):equals(fs.hash("game.aab", "sha256"))
    expect(s.store.bytes):equals(result.size)
    expect(#s.store.violations):equals(1) -- what came second was in the wrong place
    expect(s.app.commits):equals(1)
  end)

  it("the loss of the session", function()
    local s <close> = setting()
    s.store:fail("chunk", 3, { reset = true, before = function() s.store:lose_sessions() end })
    local result = s.upload {}
    expect(s.store:times "session"):equals(2)
    expect(s.store.bytes):equals(result.size + 2 * UNIT)
    expect(s.app.commits):equals(1)
  end)

  for state, where in pairs { expired = "chunk", deleted = "set_track" } do
    it("another change of the app (" .. where .. "), once", function()
      local s <close> = setting()
      local function intrude() s.store:end_edits(state) end
      s.store:fail(where, 1, { before = intrude, reset = true })
      local lines = lines_of(function() s.upload {} end)
      expect(lines):matches "changed by somebody else.*[Ee]dit has.*beginning again"
      expect(s.app.commits):equals(1)
      s.build(8)
      s.store:fail(where, 1, { before = intrude, reset = true })
      s.store:fail(where, 2, { before = intrude, reset = true })
      lines_of(function() expect(s.upload):raises(tostring(state)) end)
      expect(s.app.commits):equals(1)
      expect(s.store:open_edits()):equals(0)
    end)
  end

  it("a server that dies in the middle of a piece", function()
    local s <close> = setting { delay = 2 }
    local task = orch.spawn(s.upload, { retry = { attempts = 30, base = "20ms", cap = "80ms" } })
    while s.store:times "chunk" < 2 do clock.sleep(0.005) end
    s.store:stop()
    s.store.delay = 0
    clock.sleep(0.1)
    s.store:go_on()
    task:await()
    expect(s.app.bundles[1].sha256):equals(fs.hash("game.aab", "sha256"))
    expect(s.app.commits):equals(1)
  end)
end)

describe("google_play refuses", function()
  it("a login with another key, or of an account that is gone", function()
    local s <close> = setting()
    local function key(more)
      return with(json.decode(json.encode(s.store.key)), more)
    end
    local other = process.run({ "openssl", "genpkey", "-quiet", "-algorithm", "RSA",
      "-pkeyopt", "rsa_keygen_bits:2048" }).stdout
    local err = expect(function() s.upload { key = key { private_key = other } } end)
      :raises { kind = "auth", service = "google_play", reason = "invalid_grant", status = 400 }
    expect(err.message):contains "log in as ci@cat-1.iam.gserviceaccount.com: Invalid JWT Signature"
    expect(err.message):contains "create a new one"
    expect(err.retryable):is(false)
    expect(s.store:times "token"):equals(1)
    expect(function() s.upload { key = key { client_email = "x@y" } } end)
      :raises "account not found"
    expect(s.store.bytes):equals(0)
  end)

  it("a login by a clock that is off, and says by how much", function()
    local s <close> = setting()
    local time = os.time
    for offset, words in pairs { [7200] = "7%d%d%d s ahead of", [-7200] = "7%d%d%d s behind" } do
      os.time = function(...) return ... and time(...) or time() + offset end
      local ok, err = pcall(s.upload, {})
      os.time = time
      expect(ok):is(false)
      expect(err.kind):equals "auth"
      expect(err.message):matches("the clock of this machine is " .. words .. " the server's")
      expect(err.message):contains "short-lived"
    end
  end)

  it("what is no key of a service account, before anything is asked", function()
    local s <close> = setting()
    local pem = s.store.key.private_key
    for words, key in pairs {
      ["is no JSON"] = "xx\nyy", ["is no JSON (line 1"] = '{"type":', ["bare private key"] = pem,
      ["key = { path = ... }"] = "secrets/play.json",
      ["login of a person"] = '{"type":"authorized_user"}',
      ["an OAuth client"] = '{"installed":{}}', ["google-services.json"] = '{"project_info":{}}',
      ["no key of an account"] = "{}", ["is empty; is the secret set"] = " \n", ["no `client_email`"] = '{"type":"service_account"}',
      ["is no key in PEM"] = { type = "service_account", client_email = "a@b", private_key = "x" },
      ["encrypted"] = { client_email = "a@b", private_key = process.run({ "openssl", "genpkey",
        "-quiet", "-algorithm", "RSA", "-aes128", "-pass", "pass:x" }).stdout },
      ["wrong type"] = { client_email = "a@b", private_key = process.run({ "openssl",
        "genpkey", "-algorithm", "ED25519" }).stdout },
    } do
      local err = expect(function() s.upload { key = key } end):raises { kind = "usage" }
      expect(err.message):contains(words)
      expect(err.message).never:contains(pem:sub(40, 60))
    end
    expect(function() s.upload { key = { path = "none.json" } } end):raises { kind = "os",
      code = "ENOENT" }
    expect(s.store.log):equals {}
  end)

  it("a track that the app has not, before anything is sent", function()
    local s <close> = setting()
    for _, more in ipairs { {}, { dry_run = true } } do
      more.track = "prodution"
      local err = expect(function() s.upload(more) end):raises { kind = "rejected" }
      expect(err.message):contains "the app has no such track; did you mean 'production'?"
    end
    expect(function() google_play.status(with(connect(s), { track = "friends" })) end)
      :raises "a closed track is made in the Play Console"
    expect(s.store.bytes):equals(0)
    expect(s.store:open_edits()):equals(0)
    s.app.tracks.friends = { track = "friends" }
    expect(s.upload({ track = "friends" }).version_code):equals(7)
    expect(s.upload({ track = "beta" }).version_code):equals(7) -- nobody has used it yet
  end)

  it("an answer that is not Google's", function()
    local s <close> = setting()
    local answer
    local other <close> = http.serve({}, function(request)
      return request.path == "/token" and { json = { access_token = "ya29.other" } } or answer
    end)
    local key = with(json.decode(json.encode(s.store.key)), { token_uri = other.url .. "/token" })
    for words, one in pairs { ["is not JSON"] = { body = "<html>" }, ["no `id`"] = { json = {} } } do
      answer = one
      expect(expect(function() s.upload { base_url = other.url, key = key } end)
        :raises { kind = "http", service = "google_play" }.message):contains(words)
    end
    answer = { json = { id = "1" }, headers = { Location = "/session" } }
    expect(function() s.upload { base_url = other.url, key = key } end):raises "no `versionCode`"
  end)

  it("a build that is missing, empty, or none", function()
    local s <close> = setting()
    fs.write("empty.aab", "")
    fs.mkdir "folder.aab"
    expect(function() s.upload { file = "none.aab" } end):raises { kind = "os", code = "ENOENT" }
    expect(function() s.upload { file = "empty.aab" } end):raises "is empty"
    expect(function() s.upload { file = "folder.aab" } end):raises "no file"
    expect(function() s.upload { file = "game.ipa" } end):raises()
    expect(s.store.log):equals {}
  end)

  it("options that Google would refuse after the upload", function()
    local s <close> = setting()
    for words, more in pairs {
      ["501 characters"] = { notes = { ["en-US"] = ("ü"):rep(501) } },
      ["languages such as"] = { notes = { "text" } }, ["not UTF-8"] = { notes = "\xff" },
      ["the notes in en are the number 5"] = { notes = { en = 5 } },
      ["needs `user_fraction`"] = { status = "inProgress" },
      ["less than 1, not 1; for everybody"] = { user_fraction = 1 },
      ["less than 1, not 0"] = { user_fraction = 0.0 },
      ["did you mean 'completed'"] = { status = "complete" },
      ["is for the status"] = { status = "draft", user_fraction = 0.5 },
      ["application id"] = { package = "cat" }, ["0 to 5, not 6"] = { in_app_update_priority = 6 },
      ["50 characters"] = { release_name = ("x"):rep(51) }, ["256 KiB"] = { part_size = "100K" },
      ["no option `trak`; did you mean `track`"] = { trak = "beta" },
      ["`track` should be"] = { track = "../x" },
    } do
      expect(expect(function() s.upload(more) end):raises("usage").message):contains(words)
    end
    s.upload { notes = ("ü"):rep(500) }
    expect(function() google_play.rollout(with(connect(s), { track = "beta" })) end)
      :raises "needs `user_fraction`"
    expect(function() google_play.upload "x" end):raises("usage")
    expect(function() google_play.upload { file = "x.aab", package = "a.b" } end)
      :raises "needs the option `key`"
  end)

  local words = {
    { 403, "Version code 7 has already been used.", nil, "conflict", "raise versionCode" },
    { 403, "The caller does not have permission", "forbidden", "auth", "Users and permissions" },
    { 403, "Google Play Android Developer API has not been used in project 1 before or it is "
      .. "disabled.", "accessNotConfigured", "auth", "enable the Google Play Android Developer API" },
    { 400, "The Android App Bundle was signed with the wrong key.", "badRequest", "rejected",
      "upload key" },
    { 418, "Short and stout", "teapot", "status", "%(teapot%)" },
  }
  for _, case in ipairs(words) do
    it("in Google's words: " .. case[2], function()
      local s <close> = setting()
      s.store:fail("session", 1, { status = case[1], message = case[2], reason = case[3] })
      local err = expect(s.upload):raises { kind = case[4], status = case[1] }
      expect(err.message):contains((case[2]:gsub("%.$", "")))
      expect(err.message):matches(case[5])
      expect(s.store:open_edits()):equals(0) -- nothing arrived, nothing is kept
      expect(s.app.commits):equals(0)
    end)
  end

  it("a version code that is used, a package that is not there, a draft app", function()
    local s <close> = setting()
    s.upload {}
    s.build(7, UNIT * 2)
    local err = expect(s.upload):raises { kind = "conflict", reason = "apkUpgradeVersionConflict" }
    expect(err.message):contains "raise versionCode"
    expect(function() s.upload { package = "com.edit.cat" } end):raises { kind = "rejected",
      reason = "applicationNotFound" }
    local draft <close> = setting { published = false }
    err = expect(draft.upload):raises { kind = "rejected" }
    expect(err.message):contains 'status = "draft"'
    local bytes = draft.store.bytes
    expect(draft.upload { status = "draft" }.bytes):equals(0)
    expect(draft.store.bytes):equals(bytes)
    expect(draft.app.tracks.internal.releases[1].status):equals "draft"
  end)

  it("a build that changes while it is sent; nothing of it is released", function()
    local s <close> = setting()
    s.store:fail("chunk", 2, { before = function() s.build(8, UNIT * 4) end })
    local err = expect(s.upload):raises { kind = "changed", retryable = false }
    expect(err.message):contains "changed while it was sent"
    expect(s.app.commits):equals(0)
    expect(s.store:open_edits()):equals(0)
    s.store:fail("set_track", 1, { before = function() fs.remove(s.dir .. "/game.aab") end })
    expect(s.upload):raises { kind = "changed" }
    expect(s.app.commits):equals(0)
  end)

  it("to release what an earlier call did not get through", function()
    local s <close> = setting()
    s.store:fail("commit", 1, { status = 400, message = "No." })
    expect(function() s.upload { track = "beta" } end):raises("rejected")
    s.upload { track = "internal" }
    expect(s.app.tracks.beta):is_nil()
    expect(s.app.tracks.internal.releases[1].versionCodes):equals { "7" }
    s.build(8)
    s.store:fail("commit", 1, { status = 400, message = "No." })
    expect(s.upload):raises("rejected")
    s.build(9) -- another file: nothing of version 8 is in the store
    s.upload {}
    expect(#s.app.bundles):equals(2)
    expect(s.store:open_edits()):equals(0)
  end)

  it("bytes that arrive as others", function()
    local s <close> = setting()
    s.store.damage = true
    expect(s.upload):raises "other bytes"
    expect(s.app.commits):equals(0)
  end)

  it("a session that keeps nothing, or leads elsewhere", function()
    local s <close> = setting()
    for i = 1, 8 do s.store:fail("chunk", i, { keep = 0 }) end
    expect(s.upload):raises { kind = "network" }
    expect(s.store:open_edits()):equals(0)
    local thief <close> = http.serve({}, function() return 500 end)
    s.store.faults = {}
    s.store.url = thief.url
    expect(function() s.upload { base_url = ("http://127.0.0.1:%d"):format(s.store.port) } end)
      :raises "another server"
  end)

  it("a network that is gone, and keeps what has arrived", function()
    local s <close> = setting()
    s.store:fail("chunk", 3, { reset = true })
    for i = 1, 4 do s.store:fail("query", i, { reset = true }) end
    local err = expect(s.upload):raises { kind = "network" }
    expect(err.message):contains "upload_id=***" -- who has it may send
    expect(s.store:open_edits()):equals(1)
    s.store.faults = {}
    local result = s.upload {}
    expect(result.resumed):equals(2 * UNIT)
    expect(s.store.bytes):equals(result.size)
    expect(s.store:open_edits()):equals(0)
  end)
end)

describe("google_play, cancelled", function()
  it("deletes its edit where nothing has arrived", function()
    local s <close> = setting { delay = 60 }
    expect(function() orch.wait_for(s.upload, "300ms", {}) end):raises("timeout")
    expect(s.store:open_edits()):equals(0)
    expect(s.store:times "delete"):equals(1)
  end)

  it("keeps the edit with what has arrived, unless it shall not be resumed", function()
    local s <close> = setting()
    local function stuck(more)
      s.store:fail("chunk", 3, { before = function() clock.sleep(60) end })
      local task = orch.spawn({ hold = true }, s.upload, more or {})
      local seen = s.store:times "chunk"
      while s.store:times "chunk" < seen + 3 do clock.sleep(0.005) end
      task:cancel "no longer wanted"
      expect(function() task:await() end):raises("cancelled")
    end
    stuck()
    expect(s.store:open_edits()):equals(1)
    expect(s.upload({}).resumed):equals(2 * UNIT)
    s.build(8)
    stuck { resume = false }
    expect(s.store:open_edits()):equals(0)
    local result = s.upload {}
    expect(result.resumed):equals(0)
  end)

  it("keeps what has arrived of the mapping file, too", function()
    local s <close> = setting()
    fs.write("symbols.zip", ("s"):rep(2 * UNIT + 7))
    local more = { mapping = "symbols.zip" }
    local build = fs.stat("game.aab").size
    s.store:fail("chunk", 6, { status = 400, message = "No." }) -- the second of the symbols
    expect(function() s.upload(more) end):raises("rejected")
    s.store:fail("validate", 1, { status = 400, message = "No." })
    expect(function() s.upload(more) end):raises("rejected")
    expect(s.store.bytes):equals(build + 2 * UNIT + 7)
    fs.write("symbols.zip", "others")
    s.upload(more)
    expect(s.store.bytes):equals(build + 2 * UNIT + 7 + 6)
    expect(#s.app.mappings):equals(2)
    expect(s.app.mappings[2].sha256):equals(fs.hash("symbols.zip", "sha256"))
    expect(s.app.commits):equals(1)
  end)

  it("goes on where a run was that was killed", function()
    local s <close> = setting { delay = 2 }
    fs.write("options.json", json.encode(s.options()))
    fs.write("up.lua", [[
      local result = orch.deploy.google_play.upload(orch.json.load "options.json")
      orch.json.save("result.json", result)
    ]])
    local child <close> = process.spawn { exe, "up.lua", check = false }
    while s.store.bytes < 2 * UNIT do clock.sleep(0.005) end
    orch.sh("kill -9 " .. child.pid)
    child:wait()
    s.store.delay = 0
    expect(s.store:open_edits()):equals(1)
    local memos = fs.list(".orch/deploy")
    expect(#memos):greater_than(0)
    for _, name in ipairs(memos) do
      local text = fs.read(".orch/deploy/" .. name)
      expect(text).never:contains "PRIVATE KEY"
      expect(text).never:contains "ya29"
    end
    process.run { exe, "up.lua" }
    local result = json.load "result.json"
    expect(result.resumed):greater_than(2 * UNIT - 1)
    expect(s.store.bytes):equals(result.size)
    expect(s.store:times "insert"):equals(1)
    expect(s.app.bundles[1].sha256):equals(fs.hash("game.aab", "sha256"))
    process.run { exe, "up.lua" }
    expect(json.load("result.json").skipped):is(true)
    expect(s.app.commits):equals(1)
  end)
end)
