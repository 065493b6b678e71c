-- cd and with_env: the task's own working directory and environment.

local fs, process = require "orch.fs", require "orch.process"

local function shell(command) return process.run({ "sh", "-c", command }).stdout:gsub("\n$", "") end

describe("cd", function()
  local dir

  before_each(function()
    dir = test.temp_dir()
    fs.mkdir(dir .. "/sub/deep")
    fs.write(dir .. "/sub/a.txt", "in sub", { sync = false })
  end)

  it("moves files, commands and the standard library until the block is left", function()
    local before = shell "pwd"
    do
      local _ <close> = orch.cd(dir .. "/sub")
      expect(fs.read "a.txt"):equals "in sub"
      expect(shell "pwd"):equals(dir .. "/sub")
      local file <close> = io.open "a.txt"
      expect(file:read "a"):equals "in sub"
    end
    expect(shell "pwd"):equals(before)
    expect(fs.exists "a.txt"):equals(false)
  end)

  it("is relative to the one before, and undone one by one", function()
    local _ <close> = orch.cd(dir)
    do
      local _ <close> = orch.cd "sub"
      do
        local _ <close> = orch.cd "deep"
        expect(shell "pwd"):equals(dir .. "/sub/deep")
      end
      expect(fs.exists "a.txt"):equals(true)
    end
    expect(fs.exists "sub/a.txt"):equals(true)
  end)

  it("belongs to the task and those that it spawns", function()
    local seen = {}
    local other = orch.spawn(function()
      orch.sleep(0)
      orch.sleep(0)
      seen.other = shell "pwd"
    end)
    local before = shell "pwd"
    local _ <close> = orch.cd(dir)
    seen.child = orch.spawn(shell, "pwd"):await()
    other:await()
    expect(seen):equals { other = before, child = dir }
  end)

  it("into nothing, or a file, says so", function()
    expect(function() orch.cd(dir .. "/gone") end):raises {
      kind = "os", code = "ENOENT", path = dir .. "/gone", message = "there is no such folder" }
    expect(function() orch.cd(dir .. "/sub/a.txt") end):raises {
      kind = "os", code = "ENOTDIR", message = "it is not a folder" }
    expect(function() orch.cd() end):raises "cd: argument 1 should be a path, not nil"
    expect(function() orch.cd "a\0b" end):raises "a string with a NUL byte"
  end)
end)

describe("with_env", function()
  it("sets and unsets variables for commands and os.getenv, until the block is left", function()
    do
      local _ <close> = orch.with_env { ORCH_T1 = "one", ORCH_T2 = 2, ORCH_T3 = true }
      expect(shell "echo $ORCH_T1 $ORCH_T2 $ORCH_T3"):equals "one 2 true"
      expect(os.getenv "ORCH_T1"):equals "one"
      do
        local _ <close> = orch.with_env { ORCH_T1 = false, PATH = os.getenv "PATH" }
        expect(shell "echo ${ORCH_T1-unset} $ORCH_T2"):equals "unset 2"
        expect(os.getenv "ORCH_T1"):is_nil()
        expect(os.getenv "ORCH_T2"):equals "2"
      end
      expect(os.getenv "ORCH_T1"):equals "one"
    end
    expect(os.getenv "ORCH_T1"):is_nil()
    expect(shell "echo ${ORCH_T1-unset}"):equals "unset"
  end)

  it("belongs to the task and those that it spawns", function()
    local t = orch.spawn(function()
      orch.checkpoint()
      return os.getenv "ORCH_T1"
    end)
    local _ <close> = orch.with_env { ORCH_T1 = "mine" }
    expect(t:await()):is_nil()
    expect(orch.spawn(os.getenv, "ORCH_T1"):await()):equals "mine"
  end)

  it("names wrong names and values", function()
    expect(function() orch.with_env() end):raises "with_env: argument 1 should be a table, not nil"
    expect(function() orch.with_env { "A=b" } end):raises "with_env: the number 1 is not a name of a variable"
    expect(function() orch.with_env { ["A=B"] = "c" } end):raises "is not a name of a variable"
    expect(function() orch.with_env { A = {} } end):raises "with_env: A should be a string, a number or a boolean, not a table"
    expect(function() orch.with_env { A = "b\0c" } end):raises "with_env: A should be"
  end)
end)
