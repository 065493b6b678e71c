-- Every example is run as a person would run it: exit code and what it prints.

local fs = require "orch.fs"

local root = (debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") or ".") .. "/.."

local function run(name, ...)
  local result = test.run({ "run", "examples/" .. name .. ".lua", ... },
    { cwd = root, timeout = 60, env = { NO_COLOR = "1", COLUMNS = "80", MOCK_SECONDS = "0.2",
      OPENAI_API_KEY = "", ANTHROPIC_API_KEY = "", GEMINI_API_KEY = "" } })
  expect(result.stderr):equals ""
  return result
end

-- The numbers of the row that begins with `name`.
local function numbers(text, name)
  for line in text:gmatch "[^\n]+" do
    if line:match("^%s*(%S+)") == name then
      local found = {}
      for n in line:sub(#name + 3):gmatch "%f[%S]%d+%f[%s\0]" do
        found[#found + 1] = math.tointeger(n)
      end
      return found
    end
  end
end

it("there is none without a test, and each is short", function()
  local names = {}
  for _, path in ipairs(fs.glob("*.lua", { cwd = root .. "/examples" })) do
    names[#names + 1] = path
    local _, lines = fs.read(root .. "/examples/" .. path):gsub("\n", "")
    expect(lines):less_than(path == "deploy.lua" and 130 or 60)
  end
  expect(names):equals { "ask_three.lua", "build_logs.lua", "build_sizes.lua",
    "convert_assets.lua", "convert_audio.lua", "convert_models.lua", "crash_reports.lua",
    "databases.lua", "deploy.lua", "fake_crashes.lua",
    "mipmaps.lua", "mock_providers.lua", "pitfalls.lua", "resume_uploads.lua", "search_logs.lua",
    "severity.lua", "three_roles.lua" }
end)

describe("databases", function()
  it("asks three at once", function()
    local result = run "databases"
    expect(result.exit_code):equals(0)
    expect(numbers(result.stdout, "Android")):equals { 456, 1105, 14 }
  end)

  it("and one of them on PostgreSQL", function()
    local server <close> = dofile(root .. "/tests/helper/postgres.lua").start()
    local result = run("databases", "--postgres", server:url())
    expect(result.stdout):equals(run("databases").stdout)
    local db <close> = orch.db.postgres(server:url())
    expect(db:query "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):equals {}
    -- what deploy.lua writes down works there as well
    local _ <close> = orch.cd(root .. "/examples")
    local services = dofile "deploy/services.lua"
    local release = { version = "1.0", build = "7", channel = "beta", platform = "ios", bytes = 3 }
    db:exec(services.create_release)
    for _ = 1, 2 do db:exec(services.insert_release, release) end
    expect(db:query "SELECT * FROM release"):equals { release }
  end)
end)

describe("build_logs", function()
  it("counts what the real logs hold", function()
    local result = run "build_logs"
    local out = result.stdout
    expect(result.exit_code):equals(0)
    -- lines, errors, warnings (and the build time)
    expect(numbers(out, "unreal/uetools_cooking_in.txt")):equals { 5633, 133, 0 }
    expect(numbers(out, ".../mud-like_prototype_build.log")):equals { 881, 3, 0 }
    expect(numbers(out, "unity/mud-like_unity_build.log")):equals { 779, 0, 0 }
    expect(numbers(out, "unity/pacman_unity.log")):equals { 614, 0, 8, 3 }
    expect(numbers(out, "compilers/msbuild.txt")):equals { 14, 4, 3 }
    expect(numbers(out, "compilers/dart.log")):equals { 9, 0, 0 }
    expect(out):contains "4174.92 seconds"
    expect(out):contains "0h 1m 37s"
    expect(out):contains "unity/mud-like_prototype_build.log:864"
  end)

  it("fits into 80 columns", function()
    for line in run("build_logs").stdout:gmatch "[^\n]+" do
      expect(utf8.len(line) or #line).never:greater_than(80)
    end
  end)

  it("--strict fails when there are errors, and not otherwise", function()
    expect(run("build_logs", "tests/data/logs", "--strict").exit_code):equals(1)
    local dir = test.temp_dir()
    fs.mkdir(dir .. "/android")
    fs.write(dir .. "/android/ok.log", "0 error(s)\n")
    local result = run("build_logs", dir, "--strict")
    expect(result.exit_code):equals(0)
    expect(numbers(result.stdout, "android/ok.log")):equals { 1, 0, 0 }
  end)

  it("says so when there is no log", function()
    local result = test.run({ "run", "examples/build_logs.lua", test.temp_dir() }, { cwd = root })
    expect(result.exit_code):equals(1)
    expect(result.stderr):contains "there is no *.log or *.txt in this folder"
  end)
end)

describe("severity", function()
  local severity = dofile(root .. "/examples/severity.lua")

  local function count(name, lines)
    local path = fs.temp_file { suffix = ".log" }
    fs.write(path, table.concat(lines, "\n"))
    return fs.scan(path, { it = severity[name] }, { caseless = true }).total.it
  end

  it("knows the errors of many tools", function()
    local lines = {
      "Assets/A.cs(25,29): error CS0246: The type or namespace name 'B' is missing",
      "main.cpp:42:10: error: undeclared identifier 'foo'",
      "x/abc.h(18) : fatal error C1083: Cannot open include file",
      "abc.h(334,3): error : use of undeclared identifier",
      "LINK : fatal error LNK1104: cannot open file 'a.lib'",
      "ld.lld: error: cannot open xyz: No such file or directory",
      "LogCook: Error: Content is missing",
      "[2023.02.14-18.44.11:443][  0]LogClass: Error: not initialized",
      "[ERROR] Failed to execute goal",
      "[MSBuild] [ERROR] Can't resolve",
      "RunUAT ERROR: AutomationTool was unable to run",
      "Fatal Error! It looks like another Unity instance is running",
      "error: cannot find the module",
    }
    for _, line in ipairs(lines) do
      if count("error", { line }) ~= 1 then expect("counted"):equals(line) end
    end
    expect(count("error", lines)):equals(#lines)
  end)

  it("leaves alone what only mentions one", function()
    local lines = {
      "0 error(s), 0 warning(s)", "    0 Error(s)", "1 error",
      "Failure - 133 error(s), 0 warning(s)",
      "Tests run: 12, Failures: 0, Errors: 0, Skipped: 0",
      "make: *** [app] Error 1",
      "Compiling src/error_handler.cpp", "    clang-analyzer-osx.cocoa.NSError",
      "LogInit: Display: LogClass: Error: Short type name provided",
      "[Licensing::Module] Error: Failed to handshake to channel",
      "Curl error 42: Callback aborted", "[usbmuxd] Error: ",
      "handler ended with error: Worker process issue",
    }
    for _, line in ipairs(lines) do
      if count("error", { line, "next line" }) ~= 0 then expect("not counted"):equals(line) end
    end
  end)

  it("agrees with what the logs are known to hold", function()
    local logs = root .. "/tests/data/logs/unity/"
    local found = fs.scan({ logs .. "mud-like_prototype_build.log", logs .. "pacman_unity.log" },
      { error = severity.error, warning = severity.warning, cs = [[(error|warning) CS\d+]] },
      { caseless = true })
    expect(found.files[1].counts):equals { error = 3, warning = 0, cs = 3 }
    expect(found.files[2].counts):equals { error = 0, warning = 8, cs = 8 }
  end)
end)

describe("build_sizes", function()
  it("weighs builds side by side", function()
    local result = run "build_sizes"
    expect(result.exit_code):equals(0)
    for _, text in ipairs { "boids +game%-ci\n", "engine +2019%.1%.3f1 +2021%.3%.45f1\n",
      "files +41 +15\n", "com%.unity%.burst +%- +1%.8%.22\n", "total +171%.0 KB +44%.9 KB\n",
      "57%.8 KB  Assets/Scenes/Obstacles%.unity\n" } do
      expect(result.stdout):matches(text)
    end
    expect(result.stdout).never:contains "com.unity.modules"
  end)

  it("takes any folder", function()
    expect(run("build_sizes", "src", "lua").stdout):matches "engine +%- +%-\n"
  end)
end)

describe("search_logs", function()
  it("searches 50 logs that it made", function()
    local result = run "search_logs"
    expect(result.exit_code):equals(0)
    expect(result.stdout):matches " +%d+ lines in %d+ logs  error CS\\d%+\n +build%-%d+%.log:864  error CS0246"
    expect(result.stdout):contains "0 lines in  0 logs  NullReferenceException"
    expect(result.stdout):matches "\n50 logs, %d+%.%d MB, searched in %d+ ms\n$"
  end)

  it("takes a folder and patterns", function()
    local result = run("search_logs", "tests/data/logs", "error CS0246", "Success|Failure")
    expect(result.stdout):contains "3 lines in  1 logs  error CS0246"
    expect(result.stdout):contains "unity/mud-like_prototype_build.log:864  error CS0246"
  end)
end)

describe("crash_reports", function()
  it("groups 2,000 reports by signature", function()
    local result = run "crash_reports"
    expect(result.exit_code):equals(0)
    expect(result.stdout):matches "^   995  NullReferenceException\n        UI%.Inventory%.Refresh"
    expect(result.stdout):contains "1.0 (166), 1.1 (167), 1.2 (167); android (500)"
    expect(result.stdout):matches "\n     5  damaged reports\n$"
    local total = 0
    for n in result.stdout:gmatch "%f[^\n\0]%s+(%d+)  %u" do total = total + n end
    expect(total):equals(1995)
  end)
end)

describe("pitfalls", function()
  it("shows what goes wrong and what a lock does", function()
    local out = run("pitfalls").stdout
    for _, text in ipairs { "without a lock: 3 tasks added 1 each, n is 1",
      "with a lock:    3 tasks added 1 each, n is 3", "without a lock: fetched 3 times",
      "with a lock:    fetched 1 times", "without a lock: another task saw: 1.1 is in game-1.0.zip",
      "with a lock:    another task saw: 1.1 is in game-1.1.zip" } do
      expect(out):contains(text)
    end
  end)
end)

-- The seconds of the chart with this title: its own, then those of its rows.
local function chart(text, title)
  local rows = text:match("\n?" .. title .. " +([%d.]+ s\n.-)\n\n")
  local seconds = {}
  for n in (rows or ""):gmatch " ?([%d.]+) s" do seconds[#seconds + 1] = tonumber(n) end
  return seconds
end

describe("ask_three", function()
  for _, args in ipairs { {}, { "--mock" }, { "--mock", "A question of one's own?" } } do
    it("asks one after the other, all at once, and with two that fail: " .. #args, function()
      local result = run("ask_three", table.unpack(args))
      local out = result.stdout
      expect(result.exit_code):equals(0)
      expect(out):contains(args[2] or "Name a cat that guards a castle.")
      local slow, quick = chart(out, "One after the other"), chart(out, "All at once")
      expect({ #slow, #quick }):equals { 4, 4 }
      expect(quick[1]):less_than(slow[1])
      expect(out):matches "s instead of [%d.]+ s: %d%.%d times as fast"
      expect(out):contains "* anthropic  Battlement Bess, who naps on the drawbridge."
      expect(out):contains "claude-sonnet-5-5, "
      expect(#chart(out, "One is overloaded, one hangs; a time limit")):equals(4)
      expect(out):contains "* openai     Sir Pounce of the Portcullis."
      expect(out):contains "\nx anthropic: 529 overloaded_error: Overloaded"
      expect(out):contains "\nx gemini did not answer within "
      expect(out).never:contains "\27"
      for line in out:gmatch "[^\n]+" do expect(#line).never:greater_than(80) end
    end)
  end
end)

describe("three_roles", function()
  it("writes, judges and translates in three ways, each faster", function()
    local result = run("three_roles", "--mock")
    local out = result.stdout
    expect(result.exit_code):equals(0)
    local steps, pairs_, pipeline = chart(out, "Step by step"),
      chart(out, "Judged and translated at once"), chart(out, "As a pipeline")
    expect({ #steps, #pairs_, #pipeline }):equals { 4, 4, 4 }
    expect(pairs_[1]):less_than(steps[1])
    expect(pipeline[1]):less_than(steps[1])
    expect(out):contains "Open the gate!\n  The gate opens at dawn, or for cheese.\n  Das Tor"
    expect(out):contains "Look, a dragon!\n  (not for children)\n"
    for line in out:gmatch "[^\n]+" do expect(utf8.len(line)).never:greater_than(80) end
  end)
end)

--- Pipelines keep a state: each case has a project folder of its own.
local function project()
  local dir = test.temp_dir()
  for _, name in ipairs { "examples", "tests" } do
    fs.link(dir .. "/" .. name, fs.path.absolute(root .. "/" .. name))
  end
  return dir, function(...)
    local result = test.run({ ... }, { cwd = dir, timeout = 60,
      env = { NO_COLOR = "1", COLUMNS = "100", MOCK_SECONDS = "0.05" } })
    return result.stdout, result.exit_code, result.stderr
  end
end

--- A run that is killed once its log says so.
local function kill_when(dir, file, words)
  local process = orch.process.spawn { require("orch.core.runtime").executable(), "run",
    "examples/" .. file, cwd = dir, stdout = "null", stderr = "null",
    env = { MOCK_SECONDS = "0.05" } }
  local events
  repeat
    orch.sleep "10ms"
    events = fs.glob(".orch/runs/*/events.jsonl", { cwd = dir })[1]
  until events and fs.read(dir .. "/" .. events):find(words, 1, true)
  process:signal "KILL"
  orch.try(process.wait, process)
end

describe("deploy", function()
  local function releases(dir)
    local db <close> = orch.db.sqlite(dir .. "/build/demo/published.db")
    return db:query "SELECT * FROM release ORDER BY channel, platform"
  end

  it("builds, checks, packs, uploads to three places at once, and remembers it", function()
    if not fs.exists "/usr/sbin/vsftpd" then test.skip "there is no vsftpd here" end
    local dir, run = project()
    local out, code, err = run("run", "examples/deploy.lua", "--html", "build/report.html")
    expect(err):equals "orch: wrote build/report.html\n"
    expect(code):equals(0)
    for _, words in ipairs { "waits for unity, held by build:android, build:ios",
      "[logs] * warning: build/demo/ios/build.log:5: Store.mm:35:15: warning: unused",
      "[package] android    3.0 MB", "[checks] * ok",
      "[publish] * step upload android, ", "[publish] * step upload ios, ",
      "[publish] * step upload webgl, ", "7 jobs ok, 1 not needed in " } do
      expect(out):contains(words)
    end
    local site = 0
    for file in fs.walk(dir .. "/build/demo/webgl/site", { type = "file", stat = true }) do
      site = site + file.size
    end
    expect(releases(dir)):equals {
      { version = "1.0", build = "1", channel = "internal", platform = "android", bytes = 3000026 },
      { version = "1.0", build = "1", channel = "internal", platform = "ios", bytes = 4000022 },
      { version = "1.0", build = "1", channel = "internal", platform = "webgl", bytes = site },
    }
    expect(fs.size(dir .. "/build/demo/server/ftp/internal/Build/game.wasm")):equals(5000024)
    local chat = orch.json.load(dir .. "/build/demo/chat.json")
    expect(#chat):equals(1)
    expect(chat[1].text):matches "1%.0 to internal"
    out = run("run", "examples/deploy/show.lua")
    expect(out):matches "^✅ 1%.0 to internal: 3 of 3\n.*✅ android: 3%.0 MB in"
    expect(out):matches "\n1%.0 +1 +internal +android +3%.0\n"
    expect(orch.json.load(dir .. "/build/demo/manifest.json").ios.bytes):greater_than(4000000)
    expect(orch.archive.list(dir .. "/build/demo/logs.tar.zst")[1].name):contains "build.log"

    expect((run("run", "examples/deploy.lua"))):contains "nothing to do: 7 up to date"
    out = run("run", "--dry-run", "examples/deploy.lua", "--channel", "beta")
    expect(out):matches "skip +build:android"
    expect(out):matches "run +publish"
    expect(out):contains "1 would run, 1 may run, 6 need not"

    out, code = run("run", "examples/deploy.lua", "--channel", "beta", "--rehearse")
    expect(code):equals(0)
    for _, words in ipairs { "would upload build/demo/android/game.aab (3.0 MB) to track beta",
      "would upload game.ipa (4.0 MB)", "[publish] would " } do
      expect(out):contains(words)
    end
    expect(fs.exists(dir .. "/build/demo/server/ftp/beta")):equals(false)
    expect(#releases(dir)):equals(3)
    expect(orch.json.load(dir .. "/build/demo/chat.json")):equals(chat) -- nobody was told
  end)

  it("fails as a build fails, and tells the chat", function()
    local dir, run = project()
    local out, code, err = run("run", "examples/deploy.lua", "--broken", "ios")
    expect(code):equals(1)
    expect(out .. err):contains "FAILED build:ios"
    expect(out .. err):contains "| Store.mm:36:10: error: use of undeclared identifier 'receipt'"
    expect(out .. err):contains "orch run examples/deploy.lua --only build:ios --broken ios"
    local chat = orch.json.load(dir .. "/build/demo/chat.json")
    expect(orch.json.encode(chat)):contains "build:ios"
  end)

  it("goes on where it was killed", function()
    local dir, run = project()
    kill_when(dir, "deploy.lua", '"job":"build:ios","outputs"')
    local out, code = run("resume")
    expect(code):equals(0)
    expect(out).never:contains "[build:ios] * started"
    expect(out):contains "[build:webgl] * ok"
    expect((run("resume"))):equals ""
  end)

  it("does not send again what was sent before it was killed", function()
    local dir, run = project()
    kill_when(dir, "deploy.lua", '"step":"upload android","value"')
    local out, code = run("resume")
    expect(code):equals(0)
    expect(out):matches "%[publish%] %* step upload %l+, as recorded"
    expect(#releases(dir)):equals(3)
  end)

  it("names the keys that are missing before anything runs", function()
    local dir, run = project()
    local out, code, err = run("run", "examples/deploy.lua", "--services", "real")
    expect(code):equals(1)
    expect(out .. err):contains "SLACK_BOT_TOKEN"
    expect(out .. err):contains "FTP_PASSWORD"
    expect(fs.exists(dir .. "/build")):equals(false)
  end)
end)

describe("convert_assets", function()
  it("converts what has changed", function()
    local dir, run = project()
    fs.copy(root .. "/tests/data/builds/boids", dir .. "/game")
    local arguments = { "run", "examples/convert_assets.lua", "--project", "game" }
    expect((run(table.unpack(arguments)))):contains "13 jobs ok"
    expect(fs.exists(dir .. "/build/assets.tar")):truthy()
    expect((run(table.unpack(arguments)))):contains "nothing to do: 13 up to date"
    fs.append(dir .. "/game/Assets/Materials/Red.mat", "# redder\n")
    local out = run(table.unpack(arguments))
    expect(out):contains("[convert:Materials/Red.mat] * started: "
      .. "input game/Assets/Materials/Red.mat changed")
    expect(out):contains "2 jobs ok, 11 up to date"
  end)
end)

--- A conversion in a folder of its own, twice: what it prints.
local function convert_twice(name, data)
  local dir = project()
  fs.copy(root .. "/" .. data, dir .. "/in")
  local outs = {}
  for i = 1, 2 do
    local result = test.run({ "run", "examples/" .. name .. ".lua", "in", "out" }, { cwd = dir,
      timeout = 60, env = { NO_COLOR = "1" } })
    expect(result.stderr):equals ""
    expect(result.exit_code):equals(0)
    outs[i] = result.stdout
  end
  return dir, outs[1], outs[2]
end

describe("convert_audio", function()
  it("converts each sound once, and lists the broken ones", function()
    local dir, first, second = convert_twice("convert_audio", "tests/data/audio/hound")
    expect(first):contains "11 converted, 0 as before, 4 failed; 33 files"
    expect(first):contains "in/crash-24728523ef4be15c838293b676f6853e73723bf4.wav"
    expect(second):contains "0 converted, 11 as before, 4 failed"
    expect(#fs.glob("out/**", { cwd = dir, type = "file" })):equals(33)
    expect(orch.audio.info(dir .. "/out/22050/pop.wav").rate):equals(22050)
  end)
end)

describe("mipmaps", function()
  it("makes all levels of each texture once", function()
    local dir, first, second = convert_twice("mipmaps", "tests/data/images/image-png")
    expect(first):matches "^%d+ converted, 0 as before, [1-9]%d* failed"
    expect(first):contains "'in/x_ihdr_missing.png' is not a valid PNG"
    expect(second):contains("0 converted, " .. first:match "^%d+" .. " as before")
    local size = orch.image.info(dir .. "/in/indexed.png")
    local level = orch.image.info(dir .. "/out/indexed_mip1.png")
    expect(level.width):equals(math.max(1, size.width // 2))
  end)
end)

describe("convert_models", function()
  it("gives each model to a command, again only when it has changed", function()
    local dir, run = project()
    fs.copy(root .. "/tests/data/builds/boids/Assets/Models", dir .. "/in")
    local function convert(...) return (run("run", "examples/convert_models.lua", "in", ...)) end
    expect(convert()):contains "3 converted, 0 as before, 0 failed"
    fs.append(dir .. "/in/Arch.fbx", "x")
    expect(convert()):contains "1 converted, 2 as before, 0 failed"
    expect(convert "gzip -1 -n < ${input} > ${output}"):contains "3 converted"
    expect(convert "exit 3"):contains "0 converted, 0 as before, 3 failed"
    expect(#fs.glob("build/models/*.gz", { cwd = dir })):equals(3)
  end)
end)

describe("resume_uploads", function()
  it("uploads no file twice", function()
    local dir, run = project()
    kill_when(dir, "resume_uploads.lua", '"step":"upload texture-09.png","value"')
    local out, code = run("resume")
    expect(code):equals(0)
    expect(out):contains "[upload] * step upload texture-09.png, as recorded"
    expect(out):contains "[upload] * step upload texture-40.png, "
    expect(out):contains "40 files are up, the last as https://cdn.example.com/texture-40.png"
    local _, done = fs.read(fs.glob(dir .. "/.orch/runs/*/events.jsonl")[1])
      :gsub('"event":"step",', "")
    expect(done):equals(40)
  end)
end)

it("make demo runs", function()
  local result = orch.process.run { "make", "-n", "demo", cwd = root, check = false }
  expect(result.stdout):contains "run examples/ask_three.lua --mock"
  expect(result.stdout):contains "run examples/build_logs.lua tests/data/logs"
  expect(result.stdout):contains "run examples/deploy.lua --force '*' --html build/demo/report.html"
end)
