-- state.db: what comes back, batches, two processes, files that are no such thing.

local sqlite = require "orch.core.sqlite"
local state = require "orch.pipeline.state"

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$"
local nobody = dofile(here .. "/helper/nobody.lua")

local function record(i)
  return {
    definition = ("\0\xff"):rep(8), parts = '{"run":"abc"}', inputs_stamp = "stamp" .. i,
    inputs_digest = "digest", outputs_stamp = "out", outputs_digest = "outd", needs = "",
    value = "[1]", digest = "d" .. i, seconds = i / 4, run = "20260101-000000-0001",
    time = 1.5e9,
  }
end

local function with_name(fields, name)
  fields.name = name
  return fields
end

describe("pipeline state", function()
  local folder, path

  before_each(function()
    folder = orch.fs.temp_dir()
    path = folder .. "/state.db"
  end)

  it("gives back what was saved, in another process's life", function()
    do
      local st <close> = state.open(path)
      expect(st.warning):is_nil()
      expect(st:jobs "a.lua"):equals {}
      st:save("a.lua", "build:ä", record(1))
      st:save("a.lua", "build:ä", record(2)) -- the later one counts
      st:save("a.lua", "bare", { definition = "x" })
      st:save("b.lua", "build:ä", record(3))
    end -- closing flushes
    local st <close> = state.open(path)
    local records = st:jobs "a.lua"
    expect(records["build:ä"].parts):equals '{"run":"abc"}'
    expect(records.bare.parts):falsy()
    records.bare.parts = nil
    expect(records["build:ä"].inputs_digest):equals "digest" -- read first now, as parts are
    expect(records.bare.run):is_nil()
    expect(records):equals {
      ["build:ä"] = with_name(record(2), "build:ä"), bare = { name = "bare", definition = "x" },
    }
    st:save("a.lua", "build:ä", st:jobs "a.lua"["build:ä"]) -- its parts were not read
    st:flush()
    expect(st:jobs "a.lua"["build:ä"].parts):equals '{"run":"abc"}'
    expect(st:jobs "b.lua"["build:ä"].seconds):equals(0.75)
  end)

  it("keeps blobs apart, and those that a record does not have", function()
    local st <close> = state.open(path)
    local with_blobs = record(1)
    with_blobs.inputs_blob, with_blobs.outputs_blob = "\0in", "out"
    st:save("a.lua", "x", with_blobs)
    expect(st:blob("a.lua", "x", "inputs")):equals "\0in" -- before it is written
    st:flush()
    expect(st:jobs "a.lua".x.inputs_blob):is_nil()
    with_blobs.inputs_blob, with_blobs.outputs_blob = nil, "new"
    st:save("a.lua", "x", with_blobs)
    st:flush()
    expect(st:blob("a.lua", "x", "inputs")):equals "\0in"
    expect(st:blob("a.lua", "x", "outputs")):equals "new"
    expect(st:blob("a.lua", "y", "outputs")):is_nil()
  end)

  it("knows runs and durations", function()
    local st <close> = state.open(path)
    for i = 1, 3 do
      local id = "20260101-00000" .. i .. "-0001"
      st:run_start { id = id, script = "a.lua", time = i, args = { "build:*" }, pid = 7 }
      st:duration(id, "x", i == 3 and "failed" or "ok", i * 1.5, i)
    end
    st:run_end { id = "20260101-000001-0001", status = "ok", elapsed = 2.5, ok = 1,
      skipped = 2, failed = 0, cancelled = 0 }
    st:flush()
    local runs = st:runs { limit = 2 }
    expect(#runs):equals(2)
    expect(runs[1].id):equals "20260101-000003-0001"
    expect(runs[1].status):equals "running"
    expect(runs[2].args):equals { "build:*" }
    expect(st:runs { script = "b.lua" }):equals {}
    expect(st:runs()[3]):equals {
      id = "20260101-000001-0001", script = "a.lua", time = 1.0, args = { "build:*" }, pid = 7,
      status = "ok", elapsed = 2.5, ok = 1, skipped = 2, failed = 0, cancelled = 0,
    }
    expect(st:averages "a.lua"):equals { x = 3.0 }
    expect(st:averages "b.lua"):equals {}
    local durations = st:durations("a.lua", "x", 2)
    expect(#durations):equals(2)
    expect(durations[1].status):equals "failed"
    expect(durations[1].attempts):equals(3)
    st:forget_runs { "20260101-000003-0001" }
    expect(#st:runs()):equals(2)
    expect(#st:durations("a.lua", "x")):equals(2)
  end)

  it("a flush that is cancelled loses nothing; several at once write everything", function()
    local st <close> = state.open(path)
    local blocker = sqlite.open(path, "rw", 0)
    blocker:script "BEGIN IMMEDIATE"
    st:save("a.lua", "one", record(1))
    local flush = orch.spawn({ hold = true }, st.flush, st)
    orch.sleep "20ms" -- it waits for the blocker now
    st:save("a.lua", "two", record(2))
    flush:cancel "enough"
    expect(function() flush:await() end):raises "cancelled"
    local tasks = {}
    for i = 1, 3 do tasks[i] = orch.spawn(st.flush, st) end
    orch.sleep "5ms"
    st:save("a.lua", "three", record(3))
    blocker:script "COMMIT"
    blocker:close()
    for _, task in ipairs(tasks) do task:await() end
    st:flush()
    local names = {}
    for name in pairs(st:jobs "a.lua") do names[#names + 1] = name end
    table.sort(names)
    expect(names):equals { "one", "three", "two" }
  end)

  it("is written under cancellation by its close", function()
    local opened = orch.event()
    local task = orch.spawn({ hold = true }, function()
      local st <close> = state.open(path)
      st:save("a.lua", "x", record(1))
      opened:set()
      orch.sleep "1h"
    end)
    opened:wait()
    task:cancel "enough"
    expect(function() task:await() end):raises "cancelled"
    local st <close> = state.open(path)
    expect(st:jobs "a.lua".x.digest):equals "d1"
  end)

  it("two processes write at once", function()
    orch.fs.write(folder .. "/writer.lua", [[
      local path, who = ...
      local st <close> = require("orch.pipeline.state").open(path)
      for i = 1, 50 do
        st:save("a.lua", who .. i, { definition = who, inputs_blob = ("b"):rep(5000) })
        st:flush()
      end
    ]])
    orch.each({ "a", "b", "c" }, function(who)
      local result = test.run { folder .. "/writer.lua", path, who }
      expect(result.stderr):equals ""
      expect(result.exit_code):equals(0)
    end)
    local st <close> = state.open(path)
    local n = 0
    for _ in pairs(st:jobs "a.lua") do n = n + 1 end
    expect(n):equals(150)
  end)

  local function damaged()
    return orch.fs.glob(folder .. "/*.damaged-*")
  end

  it("refuses a file of a newer version, and leaves it alone", function()
    local db = sqlite.open(path, "rwc", 0)
    db:script "PRAGMA user_version = 99"
    db:close()
    local err = expect(function() state.open(path) end):raises { kind = "state" }
    expect(err.message):contains "its version is 99, ours 1"
    expect(err.message):contains "move the file away"
    expect(damaged()):equals {}
  end)

  it("puts garbage and folders aside", function()
    orch.fs.write(path, ("This is no database. "):rep(500))
    do
      local st <close> = state.open(path)
      expect(st.warning):matches "state%.db' was damaged and is now '.*damaged%-"
      st:save("a.lua", "x", record(1))
    end
    expect(#damaged()):equals(1)
    expect(orch.fs.read(damaged()[1])):contains "This is no database"
    orch.fs.remove(folder, { recursive = true })
    orch.fs.mkdir(path)
    orch.fs.write(path .. "/keep", "me")
    local st <close> = state.open(path)
    expect(st.warning):contains "was damaged"
    expect(st:jobs "a.lua"):equals {}
    expect(orch.fs.read(damaged()[1] .. "/keep")):equals "me"
  end)

  it("puts a truncated file aside as soon as it is noticed", function()
    do
      local st <close> = state.open(path)
      for i = 1, 2000 do st:save("a.lua", "job" .. i, record(i)) end
    end
    local whole = orch.fs.read(path)
    for _, part in ipairs { 700, #whole // 4096 // 2 * 4096 } do
      orch.fs.write(path, whole:sub(1, part))
      local st <close> = state.open(path)
      expect(st:jobs "a.lua"):equals {}
      expect(st.warning):contains "was damaged"
      st:save("a.lua", "x", record(1))
      st:flush()
      expect(st:jobs "a.lua".x.digest):equals "d1"
    end
    expect(#damaged()):equals(2)
  end)

  it("a file that becomes unreadable under a flush is replaced, the flush succeeds", function()
    local st <close> = state.open(path)
    st:save("a.lua", "x", record(1))
    st:flush()
    st.db = { batch = function() orch.error { kind = "db", code = "SQLITE_CORRUPT" } end,
      close = st.db.close and function() end }
    st:save("a.lua", "y", record(2))
    st:flush()
    expect(st.warning):contains "was damaged"
    expect(st:jobs "a.lua".y.digest):equals "d2"
  end)

  it("only looks, and leaves everything as it is", function()
    do
      local st <close> = state.open(path, { read_only = true })
      expect(st:jobs "a.lua"):equals {}
      st:save("a.lua", "x", record(1))
    end
    expect(orch.fs.exists(path)):is(false)
    do
      local st <close> = state.open(path)
      st:save("a.lua", "x", record(1))
    end
    do
      local st <close> = state.open(path, { read_only = true })
      st:save("a.lua", "x", record(2))
      st:flush()
      expect(st:jobs "a.lua".x.digest):equals "d1"
    end
    orch.fs.write(path, ("garbage "):rep(1000))
    local st <close> = state.open(path, { read_only = true })
    expect(st.warning):contains "state.db' cannot be read (SQLITE_NOTADB)"
    expect(st:jobs "a.lua"):equals {}
    expect(damaged()):equals {}
  end)

  it("says when the disk is full, and writes later what it could not", function()
    local st <close> = state.open(path)
    st.db:script "PRAGMA max_page_count = 20"
    local big = record(1)
    big.inputs_blob = ("x"):rep(1 << 20)
    st:save("a.lua", "x", big)
    local err = expect(function() st:flush() end):raises { kind = "db", code = "SQLITE_FULL" }
    expect(err.message):contains "the disk is full"
    st.db:script "PRAGMA max_page_count = 1000000"
    st:flush()
    expect(#st:blob("a.lua", "x", "inputs")):equals(1 << 20)
  end)

  it("says when it may not write", function()
    orch.process.run { "chmod", "755", folder }
    local code = ('local st <close> = require("orch.pipeline.state").open(%q)'):format(path)
    local result = nobody.run { require("orch.core.runtime").executable(), "-e", code,
      check = false }
    expect(result.exit_code):equals(1)
    expect(result.stderr):contains "state.db' (SQLITE_CANTOPEN); make it and its folder writable"
  end)

  it("keeps secrets out of the file", function()
    require("orch.secrets").cover "hunter2hunter2"
    do
      local st <close> = state.open(path)
      local with_secret = record(1)
      with_secret.parts, with_secret.value = '{"env":"hunter2hunter2"}', '"hunter2hunter2"'
      st:save("a.lua", "x", with_secret)
      st:run_start { id = "1", script = "a.lua", time = 1, args = { "hunter2hunter2" } }
    end
    for _, name in ipairs(orch.fs.list(folder)) do
      expect(orch.fs.read(folder .. "/" .. name)).never:contains "hunter2"
    end
  end)
end)
