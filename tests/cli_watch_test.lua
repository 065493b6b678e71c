local fs, process = orch.fs, orch.process
local orch_path = require("orch.core.runtime").executable()

local folder

local function at(name) return folder .. "/" .. name end

local function put(name, text)
  fs.mkdir(fs.path.dirname(at(name)))
  fs.write(at(name), text)
end

--- `orch watch` in the folder, with what it has printed.
local function watch(...)
  local argv = { orch_path, "watch", "--debounce", "50ms", ... }
  argv.cwd, argv.stderr, argv.check = folder, "stdout", false
  local p = process.spawn(argv)
  local self = setmetatable({ process = p, text = "" }, { __close = function() p:kill(0) end })
  --- Until it has printed this, after what was waited for before.
  function self.wait_for(pattern)
    local from = #self.text + 1
    local ok = orch.move_on_after("20s", function()
      while not self.text:find(pattern, from) do
        self.text = self.text .. (p.stdout:read "line" or orch.error "orch watch has ended") .. "\n"
      end
    end)
    if not ok then orch.error(("%q did not come; it printed:\n%s"):format(pattern, self.text)) end
    return self.text:sub(from)
  end
  return self
end

local script = [[
  orch.job "textures" { inputs = "Assets/**", outputs = "out/textures",
    run = "mkdir -p out; cat Assets/* > out/textures; echo textures >> ran" }
  orch.job "code" { inputs = { "src/*.c" }, outputs = "out/code",
    run = "mkdir -p out; cat src/*.c > out/code; echo code >> ran" }
  orch.job "game" { needs = { "textures", "code" }, inputs = "out/*", outputs = "game",
    run = "cat out/* > game; echo game >> ran" }
  orch.job "other" { inputs = "doc", run = "echo other >> ran" }
  orch.default "game"
]]

local WAITING = "orch: done, waiting for changes"

--- What has run since the last call.
local function ran()
  if not fs.exists(at "ran") then return "" end
  local names = {}
  for line in fs.read(at "ran"):gmatch "%S+" do names[#names + 1] = line end
  fs.remove(at "ran")
  table.sort(names)
  return table.concat(names, " ")
end

describe("orch watch", function()
  before_each(function()
    folder = fs.temp_dir()
    put("deploy.lua", script)
    put("Assets/a.png", "a")
    put("src/a.c", "c")
    put("doc/a.md", "d")
  end)

  it("runs the jobs, and again those that a change touches", function()
    local w <close> = watch "deploy.lua"
    w.wait_for(WAITING)
    expect(ran()):equals "code game textures"
    put("Assets/a.png", "b")
    expect(w.wait_for(WAITING)):contains "orch: Assets/a.png changed: running textures, game\n"
    expect(ran()):equals "game textures"
    expect(fs.read(at "game")):equals "cb"
    put("src/new.c", "n")
    expect(w.wait_for(WAITING)):contains "orch: src/new.c changed: running code, game\n"
    expect(ran()):equals "code game"
    fs.remove(at "src/a.c")
    expect(w.wait_for(WAITING)):contains "orch: src/a.c changed: running code, game\n"
    expect(fs.read(at "game")):equals "nb"
  end)

  it("tells of many changes in short, and runs once for those that belong together", function()
    local w <close> = watch "deploy.lua"
    w.wait_for(WAITING)
    for i = 1, 9 do put("Assets/" .. i, "x") end
    put("src/a.c", "d")
    local text = w.wait_for(WAITING)
    expect(text):contains "changed: running textures, code, game\n"
    expect(text):contains "Assets/1, Assets/2, Assets/3, Assets/4 and 6 more"
  end)

  it("is about the named jobs, and what they need", function()
    local w <close> = watch("deploy.lua", "code", "other", "-k")
    w.wait_for(WAITING)
    expect(ran()):equals "code other"
    put("Assets/a.png", "b") -- is nobody's input
    put("doc/deep/b.md", "b")
    expect(w.wait_for(WAITING)):contains "changed: running other\n"
    expect(ran()):equals "other"
  end)

  it("does not follow outputs, .orch, and what editors leave", function()
    put("deploy.lua", [[
      orch.job "all" { inputs = { "**", "!ran", "!count" }, outputs = { "out/**" },
        run = "mkdir -p out/deep; date +%N > out/deep/time; echo all >> ran" }
    ]])
    local w <close> = watch "deploy.lua"
    w.wait_for(WAITING)
    put("out/deep/time", "by hand")
    put("Assets/.a.png.swp", "vim")
    put("Assets/a.png~", "emacs")
    put("Assets/b.png", "b")
    expect(w.wait_for(WAITING)):contains "orch: Assets/b.png changed: running all\n"
    expect(ran()):equals "all all"
  end)

  it("does not go round for ever with a job that writes its own inputs", function()
    put("deploy.lua", [[
      orch.job "stamp" { inputs = "Assets/**", run = "date +%N > Assets/stamp; echo stamp >> ran" }
    ]])
    local w <close> = watch "deploy.lua"
    local text = w.wait_for(WAITING)
    expect(text):contains "orch: Assets/stamp changed during each of 3 runs in a row"
    local before = #ran()
    expect(before):greater_than(0)
    put("Assets/a.png", "b")
    w.wait_for "orch: Assets/a.png changed: running stamp\n"
    w.wait_for(WAITING)
  end)

  it("keeps a change that comes during a run for the next one", function()
    put("deploy.lua", [[
      orch.job "slow" { inputs = "Assets/**", run = "cat Assets/a.png >> ran; echo begun; "
        .. "until test -e go; do sleep 0.02; done; rm go" }
    ]])
    local w <close> = watch "deploy.lua"
    w.wait_for "begun"
    put("Assets/a.png", "b")
    put("go", "")
    w.wait_for "orch: Assets/a.png changed: running slow\n"
    w.wait_for "begun"
    put("go", "")
    w.wait_for(WAITING)
    expect(fs.read(at "ran")):equals "ab"
  end)

  it("--restart: a change stops what runs", function()
    put("deploy.lua", [[
      orch.job "slow" { inputs = "Assets/**", run = "grep -q b Assets/a.png && exit; "
        .. "echo $$ > pid; echo begun; exec sleep 60" }
    ]])
    local w <close> = watch("--restart", "deploy.lua")
    w.wait_for "begun"
    put("Assets/a.png", "b")
    w.wait_for "orch: Assets/a.png changed: starting again\n"
    local pid = fs.read(at "pid"):match "%d+"
    w.wait_for(WAITING)
    expect(fs.exists("/proc/" .. pid)):is(false)
  end)

  it("what failed runs again with the next change", function()
    put("deploy.lua", [[
      orch.job "a" { inputs = "Assets/**", run = "echo a >> ran; test -e mended" }
      orch.job "b" { inputs = "src/**", run = "echo b >> ran" }
    ]])
    local w <close> = watch("deploy.lua", "-k")
    w.wait_for "orch: failed, waiting for changes"
    expect(ran()):equals "a b"
    put("mended", "")
    put("src/a.c", "d")
    w.wait_for(WAITING)
    expect(ran()):equals "a b"
    put("src/a.c", "e")
    w.wait_for(WAITING)
    expect(ran()):equals "b"
  end)

  it("loads the script anew when it or a module of it changes", function()
    put("deploy.lua", 'require "jobs.all"')
    put("jobs/all.lua", 'orch.job "one" { run = "echo one >> ran" }')
    local w <close> = watch "deploy.lua"
    w.wait_for(WAITING)
    put("jobs/all.lua", 'orch.job "two" { run = "echo two >> ran" }')
    expect(w.wait_for(WAITING)):contains "orch: jobs/all.lua changed: running two\n"
    put("jobs/all.lua", 'orch.job "three" {')
    w.wait_for "orch: waiting for changes"
    expect(w.text):contains "jobs/all.lua"
    put("jobs/all.lua", 'orch.job "three" { run = "echo three >> ran" }')
    w.wait_for(WAITING)
    expect(ran()):equals "one three two"
  end)

  it("waits for a script that is broken from the start", function()
    put("deploy.lua", 'require "not_there_yet"')
    local w <close> = watch "deploy.lua"
    w.wait_for "orch: waiting for changes"
    put("not_there_yet.lua", 'orch.job "one" { run = "echo one >> ran" }')
    w.wait_for(WAITING)
    expect(ran()):equals "one"
  end)

  it("waits for folders that are not there, and for those that went away", function()
    put("deploy.lua", [[
      orch.job "one" { inputs = "data/deep/**", run = "echo one >> ran" }
    ]])
    local w <close> = watch "deploy.lua"
    w.wait_for(WAITING)
    for _ = 1, 2 do
      put("data/deep/a/b", "1")
      w.wait_for(WAITING)
      put("data/deep/a/b", "2")
      expect(w.wait_for(WAITING)):contains "orch: data/deep/a/b changed: running one\n"
      fs.remove(at "data", { recursive = true })
      w.wait_for(WAITING)
    end
  end)

  it("Ctrl-C ends it, and what it runs", function()
    put("deploy.lua", [[
      orch.job "slow" { run = "echo $$ > pid; echo begun; exec sleep 60" }
    ]])
    local w <close> = watch "deploy.lua"
    w.wait_for "begun"
    w.process:signal "INT"
    w.wait_for "orch: stopped watching"
    expect(w.process:wait().exit_code):equals(130)
    expect(fs.exists("/proc/" .. fs.read(at "pid"):match "%d+")):is(false)
  end)

  it("passes on options and params, and takes its own behind the file as well", function()
    put("deploy.lua", [[
      local p = orch.params { channel = "alpha", fast = false }
      orch.job "one" { inputs = "Assets/**",
        run = ("echo %s%s >> ran"):format(p.channel, p.fast) }
      orch.job "two" { run = "echo two >> ran" }
    ]])
    local w <close> = watch("-j", "1", "--ui=plain", "deploy.lua", "one", "--channel", "beta",
      "--fast", "--debounce=20ms")
    w.wait_for(WAITING)
    put("Assets/a.png", "b")
    w.wait_for(WAITING)
    expect(ran()):equals "betatrue betatrue"
  end)

  it("-C works in another folder", function()
    local p <close> = process.spawn { orch_path, "-C", folder, "watch", "deploy.lua", "code",
      stderr = "stdout", check = false }
    repeat local line = p.stdout:read "line" until line == nil or line:find(WAITING, 1, true)
    put("src/a.c", "d")
    repeat
      local line = p.stdout:read "line"
    until line == nil or line:find("orch: src/a.c changed: running code", 1, true)
    p:kill(0)
  end)

  local function refused(code, message, ...)
    local argv = { orch_path, "watch", ... }
    argv.cwd, argv.check, argv.timeout = folder, false, "20s"
    local r = process.run(argv)
    expect(r.stderr):contains(message)
    expect(r.exit_code):equals(code)
  end

  it("refuses what it cannot do", function()
    put("plain.lua", "print 'hello'")
    refused(2, "there is no file to watch")
    refused(2, "there is no job 'gam'; did you mean 'game'?", "deploy.lua", "gam")
    refused(2, "plain.lua declares no jobs", "plain.lua")
    refused(3, "no.lua", "no.lua")
    refused(2, "orch watch has no option '--fast'", "--fast", "deploy.lua")
    refused(2, "--debounce should be a duration", "--debounce", "soon", "deploy.lua")
  end)
end)
