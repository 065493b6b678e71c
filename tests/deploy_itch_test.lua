-- orch.deploy.itch with a program that prints what butler prints (its sources of 2018 to 2026,
-- and output that its users quote).

local deploy, fs, json = orch.deploy, orch.fs, orch.json
local here = orch.fs.path.absolute(debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$")
local stand_in = dofile(here .. "/helper/stand_in.lua")

local butler, folder

local function case(name, fn)
  it(name, function()
    folder = test.temp_dir()
    local _ <close> = orch.cd(folder)
    fs.mkdir "web"
    fs.write("web/index.html", "<html>")
    butler = stand_in(folder .. "/butler")
    fn()
  end)
end

local function log(message, level)
  return ("printf '%%s\\n' '%s'"):format(json.encode { type = "log", level = level or "info",
    message = message, time = 1736873335 })
end

local function line(value) return ("printf '%%s\\n' '%s'"):format(json.encode(value)) end

local PUSHED = {
  log "> For channel `html5`: last build is 40017, downloading its signature",
  log "> Pushing 3.55 MiB (54 files, 9 dirs, 0 symlinks)",
  line { type = "progress", progress = 0.5, percentage = 50.0, eta = 1.5, bps = 1000,
    time = 1736873336 },
  log "< Re-used 90.00% of old, added 363.52 KiB fresh data",
  log "< 1.53 MiB patch (57.08% savings)",
  log "> Build is now processing, should be up in a bit (see `butler status`)",
  log "",
}

local function upload(more)
  local o = { folder = "web", target = "ann/cats:html5", butler = butler.path,
    key = "hush-hush-key", retry = { base = 0 } }
  for name, value in pairs(more or {}) do o[name] = value end
  o.folder = o.folder or nil
  return deploy.itch.upload(o)
end

local function fails(fields, more)
  return expect(function() upload(more) end):raises(fields)
end

describe("a push to itch.io", function()
  case("counts when butler says that the build is processing", function()
    butler:says(PUSHED)
    local told = {}
    local result = upload { version = "1.4.2", exclude = { "*.pdb", "*.map" }, hidden = true,
      progress = function(done, total) told[#told + 1] = done / total end }
    for name, wanted in pairs { service = "itch", file = "web", size = 6, bytes = 6,
      target = "ann/cats:html5", channel = "html5", version = "1.4.2", state = "processing",
      parent_id = 40017, patch = "1.53 MiB patch (57.08% savings)" } do
      expect(result[name]):equals(wanted)
    end
    expect(result.skipped):is_nil()
    expect(told):equals { 0.5, 1 }
    expect(butler:calls()):equals { { "push", "--json", "--assume-yes", "--if-changed",
      "--hidden", "--userversion", "1.4.2", "--ignore", "*.pdb", "--ignore", "*.map",
      folder .. "/web", "ann/cats:html5" } }
    expect(butler:env "BUTLER_API_KEY"):equals "hush-hush-key"
  end)

  case("of an unchanged build is skipped", function()
    butler:says { log "> Comparing against previous build...",
      log "< No changes and --if-changed used, not pushing anything" }
    local result = upload()
    expect(result.skipped):is(true)
    expect(result.bytes):equals(0)
    expect(result.state):equals "completed"
  end)

  case("takes plain lines, other signs, and a build id where there is one", function()
    butler:says { "printf '\\342\\210\\231 Pushing 3.55 MiB\\r'",
      "echo '\\342\\210\\231 Build is now processing, should be up in a bit.'",
      line { type = "result", value = { buildId = 1143390 } } }
    expect(upload().build_id):equals(1143390)
  end)

  case("is read in odd pieces and in colours", function()
    butler:says { "printf 'Build is \\033[32mnow proc'", "sleep 0.05",
      "printf 'essing\\033[0m, should be up\\033[K'" }
    expect(upload().state):equals "processing"
  end)

  case("is read from megabytes without a line end", function()
    butler:says { "head -c 20000000 /dev/zero | tr '\\0' x", "echo", table.concat(PUSHED, "\n") }
    expect(upload().state):equals "processing"
  end)

  case("takes a zip", function()
    fs.write("game.zip", "PK")
    butler:says(PUSHED)
    expect(upload { folder = false, file = "game.zip" }.file):equals "game.zip"
    expect(butler:calls()[1][5]):equals(folder .. "/game.zip")
  end)

  case("waits for itch.io where told so", function()
    butler:says { "if [ \"$1\" = push ]; then", table.concat(PUSHED, "\n"), "exit 0; fi",
      "echo x >> looks; signs='> #40021'; [ $(wc -l < looks) -gt 1 ] && signs='< #40021'",
      "echo '| CHANNEL |  UPLOAD |      BUILD      | VERSION |'",
      "echo \"| html5   | #544273 | $signs (from #40017) |   1.4.2 |\"" }
    local result = upload { wait = "5s", poll = 0.01 }
    expect(result.state):equals "completed"
    expect(result.build_id):equals(40021)
    expect(#butler:calls()):equals(3)
  end)
end)

describe("a push that fails", function()
  case("with exit code 0 and no word of a build is a failure", function()
    butler:says { log "> Pushing 3.55 MiB (54 files, 9 dirs, 0 symlinks)" }
    local err = fails { kind = "process", exit_code = 0, retryable = false }
    expect(err.message):contains "never said that the build is processing"
    expect(#butler:calls()):equals(1)
  end)

  case("with exit code 0 and an error is a failure, too", function()
    butler:says { line { type = "error", message = "creating build on remote server: itch.io API "
      .. "error (400): /wharf/builds: invalid game" } }
    local err = fails { kind = "rejected", status = 400, retryable = false }
    expect(err.message):equals("itch: cannot push to ann/cats:html5: creating build on remote "
      .. "server: itch.io API error (400): /wharf/builds: invalid game")
  end)

  case("for a wrong key is of kind auth, and does not show it", function()
    butler:says { line { type = "error", message = "authenticating: itch.io API error (403): "
      .. "/profile: invalid key hush-hush-key" }, "exit 1" }
    local err = fails { kind = "auth", status = 403 }
    expect(err.message).never:contains "hush-hush"
    expect(err.words).never:contains "hush-hush"
    expect(json.encode(err.output)).never:contains "hush-hush"
    expect(#butler:calls()):equals(1)
  end)

  case("for want of a login does not wait for a browser", function()
    butler:says { line { type = "login", uri = "https://itch.io/user/oauth?client_id=butler" },
      "sleep 60" }
    local err = fails { kind = "auth", reason = "login" }
    expect(err.message):contains "butler login"
  end)

  case("for the network is tried again", function()
    butler:says { "[ -f twice ] && {", table.concat(PUSHED, "\n"), "exit 0; }",
      "[ -f once ] && touch twice; touch once",
      line { type = "error", message = "Post https://api.itch.io/wharf/builds: dial tcp: lookup "
        .. "api.itch.io: no such host" }, "exit 1" }
    expect(upload().state):equals "processing"
    expect(#butler:calls()):equals(3)
    fs.remove "once"
    fs.remove "twice"
    fails({ kind = "network" }, { retry = false })
  end)

  case("at the server is tried again", function()
    butler:says { line { type = "error", message = "itch.io API error (503): /wharf/builds: "
      .. "down" }, "exit 1" }
    fails { kind = "network", status = 503, attempts = 3 }
  end)

  case("by a crash tells how it ended", function()
    butler:says { "echo 'panic: runtime error'", "kill -SEGV $$" }
    expect(fails { kind = "process" }.message):contains "panic: runtime error"
  end)

  case("by a signal says so", function()
    butler:says { "kill -KILL $$" }
    expect(fails { kind = "process" }.message):contains "butler was ended by SIGKILL"
  end)

  case("and stalls is ended", function()
    butler:says { log "> Pushing 3.55 MiB (54 files, 9 dirs, 0 symlinks)", "sleep 60" }
    local err = fails({ kind = "timeout", stalled = true }, { stall = 0.2, retry = false })
    expect(err.message):contains "Pushing 3.55 MiB"
  end)

  case("by cancelling ends butler", function()
    butler:says { "echo $$ > pid", "sleep 60" }
    expect((orch.move_on_after(0.3, upload))):is(false)
    expect(orch.process.run({ "kill", "-0", (fs.read "pid":gsub("%s", "")),
      check = false }).ok):is(false)
  end)
end)

describe("before anything runs", function()
  local refusals = {
    { "a target without a channel", { target = "ann/cats" }, "user/game:channel" },
    { "a target that is none", { target = "https://ann.itch.io/cats" }, "user/game:channel" },
    { "a folder that is missing", { folder = "wep" }, "no folder 'wep'" },
    { "a file in the place of a folder", { folder = "web/index.html" }, "is no folder" },
    { "nothing to send", { folder = false }, "`folder`" },
    { "both", { file = "game.zip" }, "one of the options" },
    { "no butler", { butler = "/nowhere/butler" }, "install butler" },
    { "an option that is none", { chanel = "x" }, "has no option `chanel`" },
  }
  for _, refusal in ipairs(refusals) do
    case(refusal[1] .. " is refused", function()
      butler:says(PUSHED)
      expect(function() upload(refusal[2]) end):raises(refusal[3])
      expect(butler:calls()):equals {}
    end)
  end

  case("an empty folder is refused", function()
    butler:says(PUSHED)
    fs.remove "web/index.html"
    expect(function() upload() end):raises "has the build gone wrong"
  end)
end)

describe("butler status", function()
  local TABLE = { "cat <<'END'",
    "+---------+---------+------------------------+---------+-------------------+",
    "| CHANNEL | UPLOAD  |         BUILD          | VERSION |       STATE       |",
    "+---------+---------+------------------------+---------+-------------------+",
    "| windows | #544273 | √ #40017 (from #39264) |       2 | √ 1.9 GiB archive |",
    "|         |         | ∙ #40021 (from #40017) |         | ∙ 0 B archive     |",
    "| html5   | #544274 | No builds yet          |         |                   |",
    "+---------+---------+------------------------+---------+-------------------+", "END" }

  case("tells what a channel has", function()
    butler:says(TABLE)
    local asked = { target = "ann/cats:windows", butler = butler.path }
    expect(deploy.itch.status(asked)):equals { exists = true, target = "ann/cats:windows",
      channel = "windows", upload_id = 544273, build_id = 40017, parent_id = 39264,
      state = "completed", version = "2",
      pending = { build_id = 40021, parent_id = 40017, state = "processing" } }
    expect(butler:calls()[1]):equals { "status", "--json", "ann/cats:windows" }
    asked.version = "2"
    expect(deploy.itch.exists(asked)):is(true)
    asked.version = "3"
    expect(deploy.itch.exists(asked)):is(false)
    expect(deploy.itch.exists { target = "ann/cats:html5", butler = butler.path }):is(false)
  end)

  case("of a channel that is not there", function()
    butler:says { log "No channel osx found for ann/cats" }
    expect(deploy.itch.status { target = "ann/cats:osx", butler = butler.path }.exists):is(false)
  end)

  case("that fails is an error", function()
    butler:says { line { type = "error", message = "itch.io API error (401): bad key" }, "exit 1" }
    expect(function() deploy.itch.status { target = "a/b:c", butler = butler.path } end)
      :raises { kind = "auth" }
  end)

  case("is all that a dry run asks for", function()
    butler:says(TABLE)
    local result = upload { dry_run = true }
    expect(result.would):equals "would push web (6 bytes) to ann/cats:html5"
    expect(result.elapsed):greater_than(0)
    expect(#butler:calls()):equals(1)
    expect(butler:calls()[1][1]):equals "status"
  end)
end)
