-- Completion, as the shells really ask for it.

local fs = require "orch.fs"

local dir, orch_path

before_each(function()
  dir = test.temp_dir()
  orch_path = require("orch.core.runtime").executable()
  fs.write(dir .. "/deploy.lua", [[
print "noise" io.stderr:write "noise\n" os.execute "echo noise; echo noise >&2"
orch.params {
  channel = { "internal", choices = { "internal", "beta" }, help = "the track" }, fast = false }
orch.job "fetch" { desc = "Get it", run = ":" }
orch.job "build:ios" { run = ":" }
orch.job "build:android" { run = ":" }
]])
end)

local function shell(...)
  local command = { ... }
  command.cwd, command.timeout, command.check, command.env = dir, 30, false, { HOME = dir }
  return orch.process.run(command)
end

--- What bash would offer for a line.
local function bash(line)
  local script = ([[
    eval "$('%s' completion bash)"
    COMP_LINE=$1 COMP_POINT=${#1}
    _orch_complete '%s'
    printf '%%s\n' "${COMPREPLY[@]}"
  ]]):format(orch_path, orch_path)
  local result = shell("bash", "-c", script, "bash", line)
  expect(result.stderr):equals("")
  return (result.stdout:gsub("\n$", ""):gsub("\n", " "))
end

local function fish(line)
  local script = ("set -x PATH '%s' $PATH; orch completion fish | source; complete -C '%s'"):format(
    fs.path.dirname(orch_path), line)
  local result = shell("fish", "--no-config", "-c", script)
  expect(result.stderr):equals("")
  return (result.stdout:gsub("\t[^\n]*", ""):gsub("\n$", ""):gsub("\n", " "))
end

local function needs(tool)
  if not orch.process.which(tool) then test.skip(tool .. " is not installed") end
end

describe("completion in bash", function()
  it("knows commands, scripts, jobs and params", function()
    fs.mkdir(dir .. "/sub")
    for line, wanted in pairs {
      ["orch inf"] = "info", ["orch run "] = "deploy.lua sub/", ["orch de"] = "deploy.lua",
      ["orch run deploy.lua fe"] = "fetch", ["orch deploy.lua fetch f"] = "",
      ["orch run deploy.lua build:"] = "ios android", ["orch run deploy.lua build:i"] = "ios",
      ["orch run deploy.lua --chan"] = "--channel", ["orch run deploy.lua --no-"] = "--no-fast",
      ["orch run deploy.lua --channel "] = "internal beta",
      ["orch run deploy.lua --channel=b"] = "beta", ["orch run -j 4 --ui pl"] = "plain",
      ["orch run deploy.lua --skip bu"] = "build:ios build:android", ["orch info f"] = "fetch",
      ["orch completion z"] = "zsh", ["orch new "] = "check pipeline", ["orch help inf"] = "info",
      ["A=1 orch run deploy.lua fe"] = "fetch", ["orch run 'deploy.lua' fe"] = "fetch",
      ["orch list --j"] = "--json", ["orch -C / run deploy.lua fe"] = "",
    } do
      expect({ line, bash(line) }):equals { line, wanted }
    end
  end)

  it("offers files where it knows no better", function()
    expect(bash "orch run deploy.lua --html "):equals("")
    local result = shell(orch_path, "__complete", "1", "bash", ":", "orch run --html x")
    expect(result.stdout):equals("files\n")
  end)

  it("stays silent whatever is wrong with the script", function()
    for _, source in ipairs { "x = = 1 orch.job 'a'", "error 'boom' orch.job 'x'",
      "orch.job 'a' { timout = 3 }", "os.exit(3) orch.job 'x'", "local x orch.job 'x'" } do
      fs.write(dir .. "/deploy.lua", source)
      expect(bash "orch run deploy.lua nothing"):equals("")
    end
    fs.remove(dir .. "/deploy.lua")
    expect(bash "orch run deploy.lua nothing"):equals("")
  end)

  it("does not wait for a script that does not end", function()
    for _, source in ipairs { "while true do end orch.job 'x'", "orch.sleep '1h' orch.job 'x'" } do
      fs.write(dir .. "/deploy.lua", source)
      expect(bash "orch run deploy.lua nothing"):equals("")
    end
  end)
end)

describe("completion in fish", function()
  it("knows commands, jobs and params", function()
    needs "fish"
    expect(fish "orch inf"):equals("info")
    expect(fish "orch run deploy.lua build:"):matches("build:android build:ios")
    expect(fish "orch deploy.lua --channel=b"):equals("--channel=beta")
  end)
end)

describe("completion in zsh", function()
  it("completes a job when TAB is pressed", function()
    needs "zsh"
    local script = ([=[
      zmodload zsh/zpty
      zpty -b z "zsh -f -i"
      zpty -w z "PS1=; autoload -U compinit; compinit -u -d %s/dump; PATH=%s:\$PATH"
      zpty -w z 'eval "$(orch completion zsh)"'
      zpty -w z "cd %s; print re''ady"
      local text= part
      while [[ $text != *ready* ]]; do zpty -r -t z part && text+=$part || sleep 0.02; done
      zpty -n -w z $'orch run deploy.lua build:i\t'
      for i in {1..500}; do
        zpty -r -t z part && text+=$part || sleep 0.02
        [[ $text == *build:ios* ]] && break
      done
      print -r -- $text
    ]=]):format(dir, fs.path.dirname(orch_path), dir)
    local text = shell("zsh", "-f", "-c", script).stdout
    expect(text):contains("build:ios")
  end)
end)

describe("orch completion", function()
  it("says which shells there are", function()
    expect(test.run({ "completion", "zhs" }).stderr):contains("did you mean 'zsh'?")
    expect(test.run({ "completion" }).exit_code):equals(2)
    for _, name in ipairs { "bash", "zsh", "fish" } do
      expect(test.run({ "completion", name }).stdout):contains("__complete 3 " .. name)
    end
  end)
end)
