local journals = require "orch.core.journal"

local folder

local function path(name) return folder .. "/" .. name end

--- A task that is in the middle of the call, whatever order tasks run in.
local function in_flight(fn, ...)
  local begun
  local task = orch.spawn({ hold = true }, function(...)
    begun = true
    fn(...)
  end, ...)
  while not begun do orch.checkpoint() end
  return task
end

describe("journal", function()
  before_each(function() folder = orch.fs.temp_dir() end)

  it("appends to what is there", function()
    orch.fs.write(path "log", "one\n")
    local journal <close> = journals.open(path "log")
    journal:append "two\n"
    journal:append ""
    expect(orch.fs.read(path "log")):equals "one\ntwo\n"
    journal:append_later "three\n"
    journal:sync()
    expect(orch.fs.read(path "log")):equals "one\ntwo\nthree\n"
  end)

  it("leaves half a line of a killed writer alone", function()
    orch.fs.write(path "log", '{"t":1}\n{"t":2,"ev')
    local journal <close> = journals.open(path "log")
    journal:append '{"t":3}\n'
    expect(orch.fs.read(path "log")):equals '{"t":1}\n{"t":2,"ev\n{"t":3}\n'
  end)

  it("makes its folders when it is told to", function()
    local err = expect(function() journals.open(path "a/b/log") end):raises "os"
    expect(err.code):equals "ENOENT"
    expect(err.path):equals(path "a/b/log")
    local journal <close> = journals.open(path "a/b/log", true)
    journal:append "x"
    expect(orch.fs.read(path "a/b/log")):equals "x"
    orch.fs.write(path "file", "")
    err = expect(function() journals.open(path "file/b/log", true) end):raises "os"
    expect(err.code):equals "ENOTDIR"
  end)

  it("gives the end of a file", function()
    local journal <close> = journals.open(path "log")
    local function tail(size)
      local text, whole = journals.tail(path "log", size)
      return text .. (whole and " (all)" or "")
    end
    expect(tail(10)):equals " (all)"
    journal:append "0123456789"
    expect(tail(4)):equals "6789"
    expect(tail(10)):equals "0123456789 (all)"
    expect(tail(11)):equals "0123456789 (all)"
    local err = expect(function() journals.tail(path "none", 1) end):raises "os"
    expect(err.code):equals "ENOENT"
  end)

  it("appends at once in a task that is cancelled", function()
    local journal <close> = journals.open(path "log")
    local task = orch.spawn({ hold = true }, function()
      local _ <close> = setmetatable({}, {
        __close = function() journal:append "unwound\n" end,
      })
      journal:append "begun\n"
      orch.sleep "1h"
    end)
    while not orch.fs.read(path "log"):find "begun" do orch.checkpoint() end
    task:cancel "enough"
    expect(function() task:await() end):raises "cancelled"
    expect(orch.fs.read(path "log")):equals "begun\nunwound\n"
  end)

  it("appends later all the same in a task that is cancelled, early and late", function()
    local journal <close> = journals.open(path "log")
    local busy = {} -- all threads of the pool: what is asked for now waits for one
    orch.sh("truncate -s 40G ${sparse}", { sparse = path "sparse" })
    for i = 1, 2 * require("orch.core.runtime").cpus() + 4 do
      busy[i] = in_flight(require("orch.pipeline.inputs").detail, { path "sparse" })
    end
    local early = orch.spawn({ hold = true }, function()
      orch.current_task():cancel "enough"
      journal:append_later "early\n"
    end)
    local late = in_flight(journal.append_later, journal, "late\n")
    late:cancel "enough"
    for _, task in ipairs(busy) do task:cancel "over" end
    for _, task in ipairs { early, late } do pcall(task.await, task) end
    for _, task in ipairs(busy) do expect(function() task:await() end):raises "cancelled" end
    local text = orch.fs.read(path "log") -- by two threads, in any order
    expect(#text):equals(#"early\nlate\n")
    expect(text):contains "early\n"
    expect(text):contains "late\n"
  end)

  it("sync is a checkpoint, cancelled before it starts and in flight", function()
    local journal <close> = journals.open(path "log")
    local function is_cancelled(task)
      task:cancel "enough"
      expect(function() task:await() end):raises "cancelled"
    end
    is_cancelled(orch.spawn({ hold = true }, journal.sync, journal))
    is_cancelled(in_flight(journal.sync, journal))
    journal:sync()
  end)

  it("may be closed twice, and while something is written", function()
    local journal = journals.open(path "log")
    local task = in_flight(journal.append_later, journal, ("x"):rep(1 << 20))
    journal:close()
    journal:close()
    task:await()
    expect(orch.fs.stat(path "log").size):equals(1 << 20)
    for _, call in ipairs { "append", "append_later", "sync" } do
      local err = expect(function() journal[call](journal, "1") end):raises "closed"
      expect(err.message):contains(path "log")
    end
  end)

  it("a full disk is an Error that names the file", function()
    local journal <close> = journals.open "/dev/full"
    for _, call in ipairs { "append", "append_later" } do
      local err = expect(function() journal[call](journal, "x\n") end):raises "os"
      expect(err.code):equals "ENOSPC"
      expect(err.path):equals "/dev/full"
      expect(tostring(err)):equals "cannot write '/dev/full': no space left on device"
    end
  end)

  it("a limit on files is an Error; what follows half a line begins a new one", function()
    orch.fs.write(path "script.lua", [[
      local function make_room(text)
        local file <close> = io.open("log", "w")
        file:write(text)
      end
      local journals = require "orch.core.journal"
      local journal = journals.open "log"
      journal:append(("a"):rep(300) .. "\n")
      for _, call in ipairs { "append", "append_later" } do
        local ok, err = pcall(journal[call], journal, ("b"):rep(300) .. "\n")
        print(ok, err.message)
        assert(io.open("log"):seek "end" == 512)
        make_room "bbbbbbb"
        journal:append "c\n"
        print((journals.tail("log", 10):gsub("\n", "|")))
        make_room(("a"):rep(300) .. "\n")
      end
    ]])
    local exe = require("orch.core.runtime").executable()
    local result = orch.sh("ulimit -f 1; exec ${exe} script.lua", { exe = exe }, { cwd = folder })
    expect(result.stdout):equals(("false\tcannot write 'log': file too large\nbbbbbbb|c|\n"):rep(2))
  end)
end)
